//! What intake goes by: the sections `environment`, `dedupe` and `routes`, and what channels and heartbeats want.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use modelwatch_common::config::{Faults, Source, Span};
use modelwatch_receiver_core::alert::Labels;
use modelwatch_receiver_core::dedupe::Rules;
use modelwatch_receiver_core::occurrence::{Flap, Windows, Witness};
use modelwatch_receiver_core::route::{self, Matchers, Route};
use serde::Deserialize;

use super::ChannelNames;
use crate::heartbeat::{HEARTBEAT_LABEL, Heartbeat};
use crate::notify::Channel;

/// The label that names the environment of an alert.
const ENVIRONMENT: &str = "environment";

/// Everything that decides what an accepted webhook means; replaced as a whole by a reload.
#[derive(Debug, Clone)]
pub struct Policy {
    environment: Option<String>,
    ignore_labels: BTreeSet<String>,
    repeat_interval: Duration,
    windows: Windows,
    routes: Vec<Route>,
    heartbeats: Vec<Heartbeat>,
    send_resolved: BTreeMap<String, bool>,
    witnessed: BTreeSet<String>,
}

/// The way of an alert with certain labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its labels, with the environment that they do not name themselves.
    pub labels: Labels,
    /// The dead man's switch that it feeds, if it does; then it goes nowhere.
    pub heartbeat: Option<String>,
    /// The numbers of the routes that take it, counted from 0.
    pub routes: Vec<usize>,
    /// Where it goes.
    pub channels: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDedupe {
    ignore_labels: Option<Vec<String>>,
    repeat_interval: Option<Span>,
    reorder_window: Option<Span>,
    stale_after: Option<Span>,
    #[serde(default)]
    flap: RawFlap,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFlap {
    changes: Option<usize>,
    within: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoute {
    #[serde(default)]
    r#match: Vec<String>,
    channels: Vec<String>,
    #[serde(default)]
    r#continue: bool,
}

impl Policy {
    /// Takes the sections `environment`, `dedupe`, `routes` and `heartbeats` out of `source`; `channels` are those
    /// that can be used, `names` those that may be named.
    pub fn load(
        source: &mut Source,
        channels: &[Channel],
        names: &ChannelNames,
        faults: &mut Faults,
    ) -> Policy {
        let environment: Option<String> = source.section("environment", faults);
        let raw: RawDedupe = source.section("dedupe", faults);
        let span = |given: Option<Span>, default: u64| given.unwrap_or(Span::seconds(default)).duration();
        Policy {
            environment: environment.filter(|name| !name.is_empty()),
            ignore_labels: raw.ignore_labels.unwrap_or_default().into_iter().collect(),
            repeat_interval: span(raw.repeat_interval, 4 * 3600),
            windows: Windows {
                reorder: span(raw.reorder_window, 15 * 60),
                stale_after: span(raw.stale_after, 8 * 3600),
                flap: flap(&raw.flap, faults),
            },
            routes: routes(source, names, faults),
            heartbeats: Heartbeat::load(source, names, faults),
            send_resolved: channels.iter().map(|c| (c.name().to_owned(), c.send_resolved())).collect(),
            witnessed: BTreeSet::new(),
        }
    }

    /// The same where Alertmanager can be asked about the alerts of these sources.
    #[must_use]
    pub fn asking_about(self, sources: BTreeSet<String>) -> Policy {
        Policy { witnessed: sources, ..self }
    }

    /// Who can say whether an alert of this source fires.
    pub(crate) fn witness(&self, source: &str) -> Witness {
        if self.witnessed.contains(source) { Witness::Alertmanager } else { Witness::Nobody }
    }

    /// The labels of an alert with the environment that it does not name itself.
    pub(crate) fn with_environment(&self, mut labels: Labels) -> Labels {
        if let Some(environment) = &self.environment {
            labels.entry(ENVIRONMENT.to_owned()).or_insert_with(|| environment.clone());
        }
        labels
    }

    /// The labels that do not make an alert another one.
    pub(crate) fn ignored_labels(&self) -> &BTreeSet<String> {
        &self.ignore_labels
    }

    /// After how long without a word of an alert that fires something may come of it: a repeat is due, or it goes stale.
    pub fn shortest_silence(&self) -> Duration {
        self.repeat_interval.min(self.windows.stale_after)
    }

    /// How long the past may still speak.
    pub fn windows(&self) -> Windows {
        self.windows
    }

    /// The heartbeat that an alert feeds instead of going anywhere.
    pub(super) fn heartbeat_of(&self, labels: &Labels) -> Option<&Heartbeat> {
        self.heartbeats.iter().find(|heartbeat| heartbeat.is_fed_by(labels))
    }

    /// Where an alert goes.
    pub(super) fn destinations(&self, labels: &Labels) -> Vec<&str> {
        route::destinations(&self.routes, labels)
    }

    /// Where an alert with these labels would go, and why; nothing is sent.
    pub fn way(&self, labels: Labels) -> Way {
        let labels = self.with_environment(labels);
        let heartbeat = self.heartbeat_of(&labels).map(|heartbeat| heartbeat.name().to_owned());
        let (mut routes, mut channels) = (Vec::new(), Vec::new());
        if heartbeat.is_none() {
            routes = route::matching(&self.routes, &labels);
            channels = self.destinations(&labels).into_iter().map(str::to_owned).collect();
        }
        Way { labels, heartbeat, routes, channels }
    }

    /// The names of the destinations, in alphabetical order.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.send_resolved.keys().map(String::as_str)
    }

    /// Whether there is a destination of that name.
    pub(super) fn has_channel(&self, name: &str) -> bool {
        self.send_resolved.contains_key(name)
    }

    /// What one destination wants.
    pub(super) fn rules(&self, channel: &str) -> Rules {
        Rules {
            send_resolved: self.send_resolved.get(channel).copied().unwrap_or(true),
            repeat_interval: self.repeat_interval,
            reorder: self.windows.reorder,
        }
    }

    /// Who hears of the alarm with these labels about a dead man's switch.
    pub(super) fn alarmed(&self, labels: &Labels) -> Vec<String> {
        let name = labels.get(HEARTBEAT_LABEL);
        let heartbeat =
            self.heartbeats.iter().find(|heartbeat| Some(heartbeat.name()) == name.map(String::as_str));
        heartbeat.map(|heartbeat| heartbeat.channels().to_vec()).unwrap_or_default()
    }

    /// The dead man's switches.
    pub fn heartbeats(&self) -> &[Heartbeat] {
        &self.heartbeats
    }
}

fn flap(raw: &RawFlap, faults: &mut Faults) -> Flap {
    let changes = raw.changes.unwrap_or(6);
    // a beginning and its end are no flapping, and every change that counts is remembered
    if !matches!(changes, 0 | 3..=100) {
        faults.add("dedupe.flap.changes", format!("expected 3 to 100, or 0 for never, found {changes}"));
    }
    let within = raw.within.unwrap_or(Span::seconds(3600)).duration();
    if within.is_zero() {
        faults.add("dedupe.flap.within", "expected a duration longer than nothing");
    }
    Flap { changes, within }
}

fn routes(source: &mut Source, names: &ChannelNames, faults: &mut Faults) -> Vec<Route> {
    let mut unreadable = source.faults();
    let raw: Vec<RawRoute> = source.section("routes", &mut unreadable);
    if raw.is_empty() && unreadable.is_empty() {
        faults.add("routes", "expected at least one route, such as - {channels: [NAME]}");
    }
    faults.append(unreadable);
    let mut routes = Vec::with_capacity(raw.len());
    for (i, raw) in raw.into_iter().enumerate() {
        names.check(&raw.channels, &format!("routes[{i}].channels"), faults);
        match Matchers::parse(raw.r#match.iter().map(String::as_str)) {
            Ok(matchers) => {
                routes.push(Route { matchers, channels: raw.channels, continues: raw.r#continue });
            }
            Err(error) => faults.add(format!("routes[{i}].match"), error),
        }
    }
    routes
}
