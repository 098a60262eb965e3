//! Dead man's switches: which alerts feed them, and who hears when one stays away.

use std::time::Duration;

use modelwatch_common::config::{Faults, Source, Span};
use modelwatch_receiver_core::alert::Labels;
use modelwatch_receiver_core::route::Matchers;
use serde::Deserialize;

mod watch;
mod words;

pub use watch::Watch;

use crate::intake::ChannelNames;

/// The label by which the alarm about a dead man's switch names it.
pub(crate) const HEARTBEAT_LABEL: &str = "heartbeat";

/// An alert that always fires, so that its absence is the alarm.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    name: String,
    matchers: Matchers,
    every: Duration,
    grace: Duration,
    channels: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeartbeat {
    name: String,
    r#match: Vec<String>,
    every: Span,
    #[serde(default)]
    grace: Span,
    channels: Vec<String>,
}

impl Heartbeat {
    /// Takes the section `heartbeats` out of `source`; `channels` are those it may name.
    pub fn load(source: &mut Source, channels: &ChannelNames, faults: &mut Faults) -> Vec<Heartbeat> {
        let raw: Vec<RawHeartbeat> = source.section("heartbeats", faults);
        let mut heartbeats: Vec<Heartbeat> = Vec::new();
        for (i, raw) in raw.into_iter().enumerate() {
            let key = format!("heartbeats[{i}]");
            if heartbeats.iter().any(|other| other.name == raw.name) {
                faults.add(format!("{key}.name"), format!("`{}` is there twice", raw.name));
            }
            heartbeats.extend(validate(raw, &key, channels, faults));
        }
        heartbeats
    }

    /// What it is called in metrics and messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether an alert with these labels feeds it; such an alert never reaches a route.
    pub fn is_fed_by(&self, labels: &Labels) -> bool {
        self.matchers.matches(labels)
    }

    /// How long after the last beat it counts as missing.
    pub fn patience(&self) -> Duration {
        self.every.saturating_add(self.grace)
    }

    /// Who hears when it is missing.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }
}

fn validate(raw: RawHeartbeat, key: &str, channels: &ChannelNames, faults: &mut Faults) -> Option<Heartbeat> {
    if raw.r#match.is_empty() {
        faults.add(format!("{key}.match"), "expected at least one matcher, else every alert would feed it");
    }
    if raw.every.duration().is_zero() {
        faults.add(format!("{key}.every"), "expected a duration longer than nothing");
    }
    channels.check(&raw.channels, &format!("{key}.channels"), faults);
    let matchers = Matchers::parse(raw.r#match.iter().map(String::as_str))
        .map_err(|error| faults.add(format!("{key}.match"), error))
        .ok()?;
    let (every, grace) = (raw.every.duration(), raw.grace.duration());
    Some(Heartbeat { name: raw.name, matchers, every, grace, channels: raw.channels })
}
