//! Collecting everything that is wrong with a configuration, so that one run names it all.

use std::fmt;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// What is wrong with one configuration file, in the order in which it was found. Prints one line per fault:
/// `exporter.yaml: models[0].windows: expected …`.
#[derive(Clone, Debug)]
pub struct Faults {
    file: PathBuf,
    found: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) what: String,
}

/// Where it stands.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Under a key of the file.
    Key(String),
    /// Outside the file: an environment variable or a flag, by name.
    Elsewhere(String),
}

impl Faults {
    /// No faults in `file`.
    #[must_use]
    pub fn new(file: &Path) -> Faults {
        Faults { file: file.to_owned(), found: Vec::new() }
    }

    /// Notes that the value under `key` (its full path, as `models[0].windows[1]`) is wrong. `what` is lower case,
    /// without a full stop, and says what was expected.
    pub fn add(&mut self, key: impl Into<String>, what: impl fmt::Display) {
        self.push(Fault { place: Place::Key(key.into()), what: what.to_string() });
    }

    /// Notes a fault outside the file: `name` is a flag or an environment variable.
    pub fn add_elsewhere(&mut self, name: impl Into<String>, what: impl fmt::Display) {
        self.push(Fault { place: Place::Elsewhere(name.into()), what: what.to_string() });
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// # Errors
    /// With all faults, when there are any.
    pub fn into_result(self) -> Result<(), ConfigError> {
        if self.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(self)) }
    }

    pub(super) fn push(&mut self, fault: Fault) {
        self.found.push(fault);
    }

    /// Moves what stands at `key` or beneath it to `others`, and says whether there was anything.
    pub(super) fn hand_over(&mut self, key: &str, others: &mut Faults) -> bool {
        let is_beneath = |fault: &mut Fault| match &fault.place {
            Place::Key(at) => {
                at.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            }
            Place::Elsewhere(_) => false,
        };
        let before = others.found.len();
        others.found.extend(self.found.extract_if(.., is_beneath));
        others.found.len() > before
    }

    /// Adds faults that were collected apart, so that it could be seen whether there were any.
    pub fn append(&mut self, mut others: Faults) {
        self.found.append(&mut others.found);
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Fault { place, what }) in self.found.iter().enumerate() {
            let line_break = if i == 0 { "" } else { "\n" };
            match place {
                Place::Key(key) => write!(f, "{line_break}{}: {key}: {what}", self.file.display())?,
                Place::Elsewhere(name) => write!(f, "{line_break}{name}: {what}")?,
            }
        }
        Ok(())
    }
}
