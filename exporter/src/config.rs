//! The configuration file: parsed into raw sections, validated into what the rooms need.

mod model;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use modelwatch_common::config::{ConfigError, Environment, Source, Span};
use modelwatch_common::http::WebConfig;
use modelwatch_exporter_core::model::{ClockKind, Limits};
use modelwatch_exporter_core::state::SERIES_PER_FAMILY;
use serde::Deserialize;

use crate::journal::Durability;
pub use model::{FeatureConfig, ModelConfig, ReferenceColumns};

/// Prefix of environment variables that win over the file.
const ENV_PREFIX: &str = "MODELWATCH_EXPORTER";
/// Less would not hold the counters of a few versions.
const LEAST_SERIES: usize = 100;
/// Where the exporter listens unless told otherwise.
const DEFAULT_PORT: u16 = 9740;

/// Everything that is configured, checked.
#[derive(Debug)]
pub struct Config {
    /// Serving HTTP.
    pub web: WebConfig,
    /// Where state is kept.
    pub storage: Storage,
    /// Series that one family of `/metrics` keeps apart.
    pub series_per_family: usize,
    /// At least one.
    pub models: Vec<ModelConfig>,
}

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// A folder of this program's own.
    pub path: PathBuf,
    /// What "on disk" means.
    pub durability: Durability,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStorage {
    path: Option<PathBuf>,
    durability: Option<Durability>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    series_per_family: Option<usize>,
    classes: Option<usize>,
    features: Option<usize>,
    segments: Option<usize>,
    max_future: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    #[serde(rename = "type")]
    _type: SourceType,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SourceType {
    Http,
}

/// What all models share.
#[derive(Debug, Clone, Copy)]
pub struct Shared {
    clock: ClockKind,
    limits: Limits,
    /// Features of one model.
    pub max_features: usize,
}

impl Config {
    /// Reads and checks the file; `flag` is `--web.listen-address`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each fault with its key.
    pub fn load(file: &Path, flag: Option<&str>, env: &Environment) -> Result<Config, ConfigError> {
        let mut source = Source::read(file, ENV_PREFIX, env)?;
        let mut faults = source.faults();
        let web = WebConfig::load(&mut source, flag, DEFAULT_PORT, &mut faults);
        let storage: RawStorage = source.section("storage", &mut faults);
        let storage = Storage {
            path: source.resolve(storage.path.as_deref().unwrap_or(Path::new("data/exporter"))),
            durability: storage.durability.unwrap_or(Durability::Fsync),
        };
        let clock: Option<ClockKind> = source.section("clock", &mut faults);
        let limits: RawLimits = source.section("limits", &mut faults);
        let _sources: Vec<RawSource> = source.section("sources", &mut faults);
        let shared = Shared {
            clock: clock.unwrap_or(ClockKind::Wall),
            limits: Limits {
                max_future: limits.max_future.map_or(Duration::from_secs(600), Span::duration),
                classes: limits.classes.unwrap_or(50),
                segments: limits.segments.unwrap_or(100),
            },
            max_features: limits.features.unwrap_or(2000),
        };
        if shared.limits.classes < 2 {
            faults.add("limits.classes", "expected at least 2");
        }
        if !(1..=10_000).contains(&shared.limits.segments) {
            faults.add("limits.segments", "expected 1 to 10000");
        }
        if shared.max_features == 0 {
            faults.add("limits.features", "expected at least 1");
        }
        let series_per_family = limits.series_per_family.unwrap_or(SERIES_PER_FAMILY);
        if series_per_family < LEAST_SERIES {
            faults.add("limits.series_per_family", format!("expected at least {LEAST_SERIES}"));
        }
        let raw_models: Option<Vec<model::RawModel>> = source.section("models", &mut faults);
        let raw_models = raw_models.unwrap_or_default();
        let mut names = BTreeSet::new();
        let mut models = Vec::new();
        for (at, raw) in raw_models.into_iter().enumerate() {
            let key = format!("models[{at}]");
            if !names.insert(raw.name().to_owned()) {
                faults.add(format!("{key}.name"), format!("`{}` is there twice", raw.name()));
            }
            models.extend(raw.validate(&key, shared, &source, &mut faults));
        }
        source.finish(&mut faults);
        if names.is_empty() && faults.is_empty() {
            faults.add("models", "expected at least one model");
        }
        faults.into_result()?;
        Ok(Config { web, storage, series_per_family, models })
    }

    /// The keys that differ in `newer` and that a running exporter cannot take over.
    #[must_use]
    pub fn needing_restart(&self, newer: &Config) -> Vec<&'static str> {
        let mut keys = self.web.changed_keys(&newer.web);
        if self.storage != newer.storage {
            keys.push("storage");
        }
        keys
    }
}

#[cfg(test)]
mod tests;
