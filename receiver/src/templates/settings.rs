//! The `templates` section of the configuration.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use modelwatch_common::config::{Faults, Source};
use modelwatch_receiver_core::template::{Language, Locale};
use serde::Deserialize;

/// Where templates stand, and how they write.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The folder of templates, if operators have one.
    pub folder: Option<PathBuf>,
    /// The language of the built-in texts, and the zone of times.
    pub locale: Locale,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTemplates {
    path: Option<PathBuf>,
    language: Option<String>,
    timezone: Option<String>,
}

impl Settings {
    /// The validated section; what is wrong with it is added to `faults`.
    pub fn load(source: &mut Source, faults: &mut Faults) -> Settings {
        let raw: RawTemplates = source.section("templates", faults);
        let language = raw.language.map_or(Ok(Language::default()), |code| code.parse());
        let zone = raw.timezone.map_or(Ok(TimeZone::UTC), |name| {
            TimeZone::get(&name)
                .map_err(|_| format!("there is no time zone `{name}`, expected one such as Asia/Seoul"))
        });
        if let Err(fault) = &language {
            faults.add("templates.language", fault);
        }
        if let Err(fault) = &zone {
            faults.add("templates.timezone", fault);
        }
        let locale = Locale { language: language.unwrap_or_default(), zone: zone.unwrap_or(TimeZone::UTC) };
        Settings { folder: raw.path.map(|path| source.resolve(&path)), locale }
    }
}
