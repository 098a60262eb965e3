//! Values that must never be seen: in a log, an error, `/api/v1/status` or the history they are `<secret>`.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use subtle::ConstantTimeEq as _;

const HIDDEN: &str = "<secret>";

/// A text that prints as `<secret>` and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

/// A secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The value and the file are given.
    #[error("{name} and its file are both given, keep one of them")]
    Both {
        /// The key of the value.
        name: String,
    },
    /// A URL stands where a file's path belongs; it may be the secret itself and is not repeated.
    #[error("expected the path of a file that holds the secret, found a URL")]
    NotAPath,
    /// The file cannot be read.
    #[error("cannot read the secret in {}: {reason}", file.display())]
    Unreadable {
        /// Where it was looked for.
        file: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// There is nothing in it.
    #[error("the secret is empty{}", file.as_ref().map(|file| format!(" in {}", file.display())).unwrap_or_default())]
    Empty {
        /// Where it was looked for, if in a file.
        file: Option<PathBuf>,
    },
}

impl Secret {
    /// Takes `text` as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
    }

    /// Reads a secret from a file, without the white space around it (editors end files with a line break).
    ///
    /// # Errors
    /// When the file cannot be read or has nothing in it.
    pub fn read(file: &Path) -> Result<Secret, SecretError> {
        if file.to_string_lossy().contains("://") {
            return Err(SecretError::NotAPath);
        }
        let text = std::fs::read_to_string(file)
            .map_err(|reason| SecretError::Unreadable { file: file.to_owned(), reason })?;
        match text.trim() {
            "" => Err(SecretError::Empty { file: Some(file.to_owned()) }),
            text => Ok(Secret::new(text)),
        }
    }

    /// The secret from key `name` or from its twin `<name>_file` (a path that can be opened as it is), or `None` if
    /// neither is given.
    ///
    /// # Errors
    /// When both are given, or as [`Secret::read`]; an empty value is refused as well.
    pub fn from_either(
        name: &str,
        value: Option<Secret>,
        file: Option<&Path>,
    ) -> Result<Option<Secret>, SecretError> {
        match (value, file) {
            (Some(_), Some(_)) => Err(SecretError::Both { name: name.to_owned() }),
            (Some(secret), None) if secret.expose().is_empty() => Err(SecretError::Empty { file: None }),
            (value @ Some(_), None) => Ok(value),
            (None, Some(file)) => Secret::read(file).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The text itself, for the one place that sends or compares it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Takes the same time wherever the first difference is.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        // serde's own message would show what it found
        let text =
            String::deserialize(deserializer).map_err(|_| de::Error::custom("expected text, in quotes"))?;
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
mod tests;
