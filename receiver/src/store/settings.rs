//! The sections `storage` and `history` of the configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use modelwatch_common::config::{Faults, Source, Span};
use serde::Deserialize;

/// Where the store is, and how long it remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The SQLite file.
    pub path: PathBuf,
    /// How long what is over is remembered.
    pub retention: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStorage {
    url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHistory {
    retention: Option<Span>,
}

const DEFAULT_URL: &str = "sqlite:data/receiver.db";
const DEFAULT_RETENTION: Span = Span::seconds(30 * 24 * 3600);

impl Settings {
    /// Takes the sections `storage` and `history` out of `source`.
    pub fn load(source: &mut Source, faults: &mut Faults) -> Settings {
        let storage: RawStorage = source.section("storage", faults);
        let history: RawHistory = source.section("history", faults);
        let url = storage.url.as_deref().unwrap_or(DEFAULT_URL);
        let retention = history.retention.unwrap_or(DEFAULT_RETENTION).duration();
        if retention.is_zero() {
            faults.add("history.retention", "expected a duration longer than nothing");
        }
        let path = path_in(url).unwrap_or_else(|| {
            // the URL of another kind of store may hold a password: it is not repeated
            faults.add("storage.url", "expected sqlite:PATH such as sqlite:data/receiver.db");
            Path::new("")
        });
        Settings { path: source.resolve(path), retention }
    }
}

fn path_in(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty() && !path.contains('?')).then(|| Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_url_names_a_file_and_other_urls_are_refused() {
        assert_eq!(path_in("sqlite:data/receiver.db"), Some(Path::new("data/receiver.db")));
        assert_eq!(path_in("sqlite:///var/lib/receiver.db"), Some(Path::new("/var/lib/receiver.db")));
        for url in ["postgres://user:password@db/x", "sqlite:", "data/receiver.db", "sqlite:x.db?mode=ro"] {
            assert_eq!(path_in(url), None, "{url}");
        }
    }
}
