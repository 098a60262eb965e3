//! The receiver's configuration: every room reads its own section, and all faults are reported together.

use std::collections::BTreeSet;
use std::path::Path;

use modelwatch_common::config::{ConfigError, Environment, Faults, Source};
use modelwatch_common::http::{Scope, TokenName, WebConfig};
use modelwatch_common::telemetry::Level;

use crate::http::DEFAULT_SOURCE;
use crate::intake::{ChannelNames, Policy};
use crate::notify::{Channel, ChannelType, RawChannel};
use crate::{alertmanager, delivery, store, templates};

/// Variables `MODELWATCH_RECEIVER__SECTION__KEY` win over the file.
const ENV_PREFIX: &str = "MODELWATCH_RECEIVER";

/// Where the receiver listens unless it is told otherwise.
const DEFAULT_PORT: u16 = 9741;

/// A configuration without a fault.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where and for whom HTTP is served.
    pub web: WebConfig,
    /// Where everything is remembered, and for how long.
    pub store: store::Settings,
    /// Where messages are worded, and in which language.
    pub templates: templates::Settings,
    /// Who can be told.
    pub channels: Vec<Channel>,
    /// Who is told what.
    pub policy: Policy,
    /// How it gets there.
    pub delivery: delivery::Settings,
    /// Who can be asked whether alerts still fire.
    pub alertmanager: Option<alertmanager::Settings>,
}

impl Config {
    /// Reads and validates the file; `listen` is the value of `--web.listen-address`.
    ///
    /// # Errors
    /// Every fault of every section, each with the file, the key and what was expected.
    pub fn load(file: &Path, listen: Option<&str>, env: &Environment) -> Result<Config, ConfigError> {
        let mut source = Source::read(file, ENV_PREFIX, env)?;
        let mut faults = source.faults();
        let (channels, names) = channels(&mut source, &mut faults);
        let templates = templates::Settings::load(&mut source, &mut faults);
        let config = Config {
            web: WebConfig::load(&mut source, listen, DEFAULT_PORT, &mut faults),
            store: store::Settings::load(&mut source, &mut faults),
            templates,
            policy: Policy::load(&mut source, &channels, &names, &mut faults),
            delivery: delivery::Settings::load(&mut source, &mut faults),
            alertmanager: alertmanager::Settings::load(&mut source, &mut faults),
            channels,
        };
        source.finish(&mut faults);
        faults.into_result().map(|()| config)
    }

    /// The keys that differ in `newer` and take effect only at a restart.
    pub fn needing_restart(&self, newer: &Config) -> Vec<&'static str> {
        let changed = [
            ("storage.url", self.store.place != newer.store.place),
            ("history.retention", self.store.retention != newer.store.retention),
            ("delivery.workers", self.delivery.workers != newer.delivery.workers),
        ];
        let own = changed.into_iter().filter_map(|(key, changed)| changed.then_some(key));
        self.web.changed_keys(&newer.web).into_iter().chain(own).collect()
    }

    /// Notes every channel of type `log` that nobody would hear, because `level` keeps its lines out of the log.
    pub fn check_log_level(&self, level: Level, faults: &mut Faults) {
        if !matches!(level, Level::Error | Level::Warn) {
            return;
        }
        for (i, channel) in self.channels.iter().enumerate() {
            if matches!(channel.r#type(), ChannelType::Log) {
                let what = format!(
                    "--log.level hides what `{}` writes to the log, expected info or debug",
                    channel.name()
                );
                faults.add(format!("channels[{i}]"), what);
            }
        }
    }

    /// The channel of that name.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name() == name)
    }

    /// The sources about whose alerts Alertmanager can be asked: those that the configuration names, else those of webhooks
    /// that name none, as long as only one program can send them.
    pub fn asked_sources(&self) -> BTreeSet<String> {
        let Some(alertmanager) = &self.alertmanager else { return BTreeSet::new() };
        let only_sender = self.web.auth().only_token(Scope::Ingest).map(|TokenName(name)| name);
        let unnamed = || only_sender.into_iter().chain([DEFAULT_SOURCE.to_owned()]).collect();
        alertmanager.sources.clone().unwrap_or_else(unnamed)
    }

    /// What messages say besides their alerts.
    pub fn wording(&self) -> store::Wording {
        store::Wording {
            late_after: self.delivery.late_after,
            external_url: self.web.external_url().map(str::to_owned),
        }
    }
}

/// The channels that can be used, and the names of all that were meant.
fn channels(source: &mut Source, faults: &mut Faults) -> (Vec<Channel>, ChannelNames) {
    let raw: Vec<RawChannel> = source.section("channels", faults);
    if !faults.is_empty() {
        return (Vec::new(), ChannelNames::unknown());
    }
    if raw.is_empty() {
        faults.add("channels", "expected at least one channel, such as - {name: console, type: log}");
        return (Vec::new(), ChannelNames::unknown());
    }
    let names: Vec<String> = raw.iter().map(|channel| channel.name().to_owned()).collect();
    let mut channels = Vec::with_capacity(raw.len());
    for (i, raw) in raw.into_iter().enumerate() {
        if names[..i].iter().any(|name| name == raw.name()) {
            faults.add(format!("channels[{i}].name"), format!("`{}` is there twice", raw.name()));
        }
        if let Some(fault) = fallback_fault(&raw, &names) {
            faults.add(format!("channels[{i}].fallback"), fault);
        }
        match raw.validate(source.directory()) {
            Ok(channel) => channels.push(channel),
            Err(found) => found.into_iter().for_each(|fault| faults.add(format!("channels[{i}]"), fault)),
        }
    }
    (channels, ChannelNames::of(names.iter().map(String::as_str)))
}

/// What is wrong with the channel that is to get what `channel` does not.
fn fallback_fault(channel: &RawChannel, names: &[String]) -> Option<String> {
    let fallback = channel.fallback()?;
    if fallback == channel.name() {
        return Some("expected another channel than itself".to_owned());
    }
    let known: Vec<String> =
        names.iter().filter(|name| *name != channel.name()).map(|name| format!("`{name}`")).collect();
    match names.iter().any(|name| name == fallback) {
        true => None,
        false if known.is_empty() => {
            Some(format!("there is no channel `{fallback}`, and no other than itself"))
        }
        false => Some(format!("there is no channel `{fallback}`, expected one of {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests;
