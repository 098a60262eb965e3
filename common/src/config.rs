//! Reading a configuration file section by section, so that a fault is named in every faulty section.
//!
//! The way of a value: file ([`config`] reads YAML, TOML and JSON) → `${NAME}` expanded in strings → environment
//! overlay → one section at a time into a `RawX` with `deny_unknown_fields`. Turning a `RawX` into an `X` is the
//! business of the room that owns it; this module knows no key by name.

mod bounds;
pub mod environment;
pub mod faults;
mod overlay;
pub mod quantity;
mod read;
mod wording;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use environment::Environment;
pub use faults::Faults;
use overlay::Overlay;
pub use quantity::{ByteSize, Span};

/// A configuration that cannot be used. Every message names the file and what was expected; the exit code is 64.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing is there.
    #[error("{}: no such file, name one with --config.file", .0.display())]
    Missing(PathBuf),
    /// Something else is there.
    #[error("{}: is a directory, expected a YAML, TOML or JSON file", .0.display())]
    Directory(PathBuf),
    /// It cannot be read.
    #[error("{}: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The configuration file.
        file: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// Its name says nothing about its format.
    #[error("{}: unknown extension, expected .yaml, .yml, .toml or .json", .0.display())]
    UnknownFormat(PathBuf),
    /// It is not what its extension says.
    #[error("{}: is not valid {format}: {reason}", file.display())]
    Syntax {
        /// The configuration file.
        file: PathBuf,
        /// What its extension promises.
        format: &'static str,
        /// What the parser said, with the line.
        reason: String,
    },
    /// It holds more than can be read safely.
    #[error("{}: {reason}", file.display())]
    Excessive {
        /// The configuration file.
        file: PathBuf,
        /// What there is too much of, with the line.
        reason: String,
    },
    /// It can be read, but not used.
    #[error("{0}")]
    Invalid(Faults),
}

/// A configuration file with the environment laid over it, to be taken apart section by section.
#[derive(Debug)]
pub struct Source {
    file: PathBuf,
    sections: Map<String, Value>,
    overlay: Overlay,
    unexpanded: Faults,
    /// The keys that were asked for, so that a wrong one can be told which there are.
    known: Vec<String>,
}

impl Source {
    /// Reads the file at `path` and lays the variables `<env_prefix>__SECTION__KEY` of `env` over it.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read or parsed. Faults in single values come later, with
    /// [`Source::section`] and [`Source::finish`].
    pub fn read(path: &Path, env_prefix: &str, env: &Environment) -> Result<Source, ConfigError> {
        let mut unexpanded = Faults::new(path);
        let mut sections = read::sections(path)?;
        environment::expand(&mut sections, env, &mut unexpanded);
        let overlay = Overlay::of(env, env_prefix);
        overlay.lay_over(&mut sections, &mut unexpanded);
        Ok(Source { file: path.to_owned(), sections, overlay, unexpanded, known: Vec::new() })
    }

    /// The folder of the file, which relative paths in it are relative to.
    #[must_use]
    pub fn directory(&self) -> &Path {
        match self.file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }

    /// `path` as seen from [`Source::directory`]; an absolute path stays as it is.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.directory().join(path)
    }

    /// An empty list of faults of this file, for [`Source::section`] and whoever validates.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults::new(&self.file)
    }

    /// Takes the section (or single value) under `key` out of the source. An absent one is `T::default()`; so is a
    /// faulty one, with the fault noted under its full key (`models[0].windows[1]`).
    pub fn section<T: DeserializeOwned + Default>(&mut self, key: &str, faults: &mut Faults) -> T {
        self.known.push(key.to_owned());
        match self.sections.remove(key) {
            None | Some(Value::Null) => T::default(),
            // what else is wrong with it cannot be told before its variables are set
            Some(_) if self.unexpanded.hand_over(key, faults) => T::default(),
            Some(value) => self.overlay.deserialize(key, value).unwrap_or_else(|fault| {
                faults.push(fault);
                T::default()
            }),
        }
    }

    /// Notes every key that no section was taken from, and every value that could not be expanded or laid over.
    pub fn finish(self, faults: &mut Faults) {
        faults.append(self.unexpanded);
        let known: Vec<String> = self.known.iter().map(|key| format!("`{key}`")).collect();
        for key in self.sections.keys() {
            match self.overlay.variable_in(key) {
                Some(variable) => faults.add_elsewhere(variable, format!("there is no section `{key}`")),
                None => {
                    faults.add(key, format!("unknown key, expected one of {}", known.join(", ")));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
