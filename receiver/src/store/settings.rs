//! The sections `storage` and `history` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use modelwatch_common::config::{Faults, Source, Span};
use modelwatch_common::secret::{Secret, SecretError};
use serde::Deserialize;

use super::Place;

/// Where the store is, and how long it remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where it is.
    pub place: Place,
    /// How long what is over is remembered.
    pub retention: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStorage {
    url: Option<Secret>,
    url_file: Option<PathBuf>,
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
        let retention = history.retention.unwrap_or(DEFAULT_RETENTION).duration();
        if retention.is_zero() {
            faults.add("history.retention", "expected a duration longer than nothing");
        }
        Settings { place: place(storage, source, faults), retention }
    }
}

fn place(storage: RawStorage, source: &Source, faults: &mut Faults) -> Place {
    let key = if storage.url_file.is_some() { "storage.url_file" } else { "storage.url" };
    let place = url(storage, source).map_err(|error| error.to_string());
    match place.and_then(|url| Place::parse(&url).map_err(|error| error.to_string())) {
        Ok(Place::File(path)) => Place::File(source.resolve(&path)),
        Ok(database) => database,
        Err(what) => {
            faults.add(key, what);
            Place::File(PathBuf::new())
        }
    }
}

fn url(storage: RawStorage, source: &Source) -> Result<Secret, SecretError> {
    let file = storage.url_file.map(|file| source.resolve(&file));
    let url = Secret::from_either("url", storage.url, file.as_deref())?;
    Ok(url.unwrap_or_else(|| Secret::new(DEFAULT_URL)))
}
