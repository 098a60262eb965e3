//! What a template sees of one notification, and what every channel says about it: counts, title, severity, order.
//!
//! Pure data and pure functions of it. It never formats for one channel; that is the template's and the notifier's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Change, Kind, Labels, Status};

mod pair;
mod post;
mod silence;
mod trial;

pub use pair::Pair;
pub use post::Post;

/// One notification to one channel, complete: rendering needs nothing else, not even the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The notification's id in the history.
    pub id: String,
    /// The channel's name in the configuration.
    pub channel: String,
    /// The environment of its alerts as configured or labelled, in any case; shown upper-cased in every title.
    pub environment: String,
    /// Why it is sent.
    pub kind: Kind,
    /// It is sent later than `delivery.late_after` after its alerts were accepted.
    pub late: bool,
    /// An alert in it came back with its old start time and nobody could be asked whether it still fires.
    pub unconfirmed: bool,
    /// Firing while any of its alerts fires.
    pub status: Status,
    /// The moment it is rendered for: durations of firing alerts end here.
    pub at: Timestamp,
    /// Alertmanager's group key.
    pub group: String,
    /// A short name of the group, the same for all messages about it: that of its source and key.
    #[serde(default)]
    pub group_id: String,
    /// The labels that Alertmanager grouped by.
    pub group_labels: Labels,
    /// Its alerts, in any order.
    pub alerts: Vec<AlertView>,
    /// How many alerts Alertmanager left out of the webhook.
    pub truncated_alerts: u64,
    /// Alertmanager's own page; empty when unknown.
    pub alertmanager_url: String,
    /// The notification's page on this receiver, when `web.external_url` is configured.
    pub history_url: Option<String>,
    /// The first notification about one of these alerts that a recipient of this channel is known to have, where the
    /// channel keeps that: what mails answer to, so that mail programs show them together.
    #[serde(default)]
    pub thread: Option<String>,
    /// The channel that could not be told and for which this one stands in, if it does.
    #[serde(default)]
    pub instead_of: Option<Substitute>,
}

/// Which channel another one stands in for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substitute {
    /// The channel that could not be told.
    pub channel: String,
    /// What went wrong with it, in words for people.
    pub why: String,
}

/// One alert of a notification and what changed about it since this channel was last told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertView {
    /// Alertmanager's fingerprint, recomputed without the ignored labels: 16 hex digits.
    pub fingerprint: String,
    /// Whether it fires.
    pub status: Status,
    /// What is new about it for this channel.
    pub change: Change,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it was resolved; `None` while it fires.
    pub ends_at: Option<Timestamp>,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Where Prometheus shows the expression; may be empty.
    pub generator_url: String,
    /// What is said of how often it begins and ends, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<Flapping>,
}

/// That an alert begins and ends so often that each time is not told, or that it does no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapping {
    /// How often it began or ended.
    pub changes: u64,
    /// Since when.
    pub since: Timestamp,
    /// It has calmed down.
    pub calm: bool,
}

/// How bad an alert says it is, by its `severity` label, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// `info`, `none` or `notice`: good to know.
    Info,
    /// No `severity` label, or a word nobody defined. It is shown like a warning: unknown is not harmless.
    Unknown,
    /// `warning`: look at it in working hours.
    Warning,
    /// `critical`, `page`, `error` or `emergency`: now.
    Critical,
}

impl Severity {
    /// The severity that a label value names, in any case.
    pub fn of(label: &str) -> Self {
        match label.to_ascii_lowercase().as_str() {
            "critical" | "page" | "error" | "emergency" => Self::Critical,
            "warning" | "warn" => Self::Warning,
            "info" | "none" | "notice" => Self::Info,
            _ => Self::Unknown,
        }
    }
}

impl AlertView {
    /// The `alertname` label; empty when there is none.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    /// What its `severity` label says.
    pub fn severity(&self) -> Severity {
        Severity::of(self.labels.get("severity").map_or("", String::as_str))
    }

    /// How long it has fired, or fired until it was resolved, in whole seconds; never negative.
    pub fn seconds(&self, now: Timestamp) -> i64 {
        self.ends_at.unwrap_or(now).as_second().saturating_sub(self.starts_at.as_second()).max(0)
    }
}

impl Message {
    /// How many of its alerts are in a state.
    pub fn count(&self, status: Status) -> usize {
        self.alerts.iter().filter(|alert| alert.status == status).count()
    }

    /// How many of its alerts changed in a way.
    pub fn changed(&self, change: Change) -> usize {
        self.alerts.iter().filter(|alert| alert.change == change).count()
    }

    /// What it is about: the one alertname, or the first three of several, or the group's labels, or "alert".
    pub fn subject(&self) -> String {
        let mut names: Vec<&str> =
            self.alerts.iter().map(AlertView::name).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        match names.as_slice() {
            [] => self.group_labels.get("alertname").cloned().unwrap_or_else(|| "alert".to_owned()),
            [first, second, third, _, ..] => {
                format!("{first}, {second}, {third} and {} more", names.len() - 3)
            }
            few => few.join(", "),
        }
    }

    /// `[FIRING:2][DEV] DataDriftDetected`, the first line of every channel.
    ///
    /// The number is how many alerts fire, or how many are resolved when none does. Without an environment its
    /// brackets are left out. `[FLAPPING]` follows where it says that an alert flaps. A fire drill says `[TEST]` instead, so that nobody is frightened.
    pub fn title(&self) -> String {
        let state = match (self.kind, self.status) {
            (Kind::Test, _) => "TEST".to_owned(),
            (_, Status::Firing) => format!("FIRING:{}", self.count(Status::Firing)),
            (_, Status::Resolved) => format!("RESOLVED:{}", self.count(Status::Resolved)),
        };
        let environment = match self.environment.trim() {
            "" => String::new(),
            name => format!("[{}]", name.to_uppercase()),
        };
        let flapping = if self.flaps() { "[FLAPPING]" } else { "" };
        format!("[{state}]{flapping}{environment} {}", self.subject())
    }

    /// Whether it says that one of its alerts flaps.
    pub fn flaps(&self) -> bool {
        self.alerts.iter().any(|alert| alert.flapping.is_some_and(|flapping| !flapping.calm))
    }

    /// The worst severity among its firing alerts; `None` when all are resolved.
    pub fn severity(&self) -> Option<Severity> {
        self.alerts.iter().filter(|alert| alert.status == Status::Firing).map(AlertView::severity).max()
    }

    /// Its alerts as a person wants to read them: new, still firing, resolved; the worst first, then the newest.
    pub fn by_urgency(&self) -> Vec<&AlertView> {
        by_urgency(&self.alerts)
    }

    /// The labels that all its alerts have with the same value, said once instead of per alert.
    pub fn common_labels(&self) -> Labels {
        shared(self.alerts.iter().map(|alert| &alert.labels))
    }

    /// The annotations that all its alerts have with the same value.
    pub fn common_annotations(&self) -> Labels {
        shared(self.alerts.iter().map(|alert| &alert.annotations))
    }
}

/// Alerts as a person wants to read them: new, still firing, resolved; the worst first, then the newest.
pub fn by_urgency(alerts: &[AlertView]) -> Vec<&AlertView> {
    let mut alerts: Vec<&AlertView> = alerts.iter().collect();
    alerts.sort_by(|a, b| {
        (rank(a.change), b.severity(), b.starts_at, &a.fingerprint).cmp(&(
            rank(b.change),
            a.severity(),
            a.starts_at,
            &b.fingerprint,
        ))
    });
    alerts
}

fn rank(change: Change) -> u8 {
    match change {
        Change::New => 0,
        Change::StillFiring => 1,
        Change::Resolved => 2,
    }
}

/// The environments of the alerts; one, where routes and groups keep them apart as they should.
pub fn environments(alerts: &[AlertView]) -> String {
    let mut names: Vec<&str> =
        alerts.iter().filter_map(|alert| Some(alert.labels.get("environment")?.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// What all of `sets` have with the same value; nothing of no sets.
pub fn shared<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let mut common = sets.next().cloned().unwrap_or_default();
    for set in sets {
        common.retain(|name, value| set.get(name) == Some(value));
    }
    common
}

#[cfg(test)]
mod tests;
