//! Alerts as Alertmanager's webhook (version 4) and Grafana Alerting (version 1) post them.
//!
//! A webhook is a snapshot of a group, not an event: it may be a copy, may be old, and says nothing about alerts
//! it does not list. This module only reads it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::occurrence::Report;

mod fingerprint;
mod listing;
mod parse;

pub use fingerprint::Fingerprint;
pub use listing::{Listing, Standing};
pub use parse::SnapshotError;

/// Names and values of an alert; ordered, as Alertmanager sends them.
pub type Labels = BTreeMap<String, String>;

/// Whether an alert, a group or a message is about something that still happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It happens.
    Firing,
    /// It is over.
    Resolved,
}

impl Status {
    /// The name used by Alertmanager, in metrics and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
        }
    }
}

/// Why a notification exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything in it is new to the destination.
    New,
    /// Some of it is new or resolved, the rest was told before.
    Changed,
    /// Everything in it is over.
    Resolved,
    /// Nothing changed, but it still happens and was last told long ago.
    Repeat,
    /// A dead man's switch was missed or returned.
    Heartbeat,
    /// A report collected over time.
    Digest,
    /// A fire drill.
    Test,
}

impl Kind {
    /// The name used in history and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::New => "new",
            Kind::Changed => "changed",
            Kind::Resolved => "resolved",
            Kind::Repeat => "repeat",
            Kind::Heartbeat => "heartbeat",
            Kind::Digest => "digest",
            Kind::Test => "test",
        }
    }
}

/// What changed about an alert against what the destination was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The destination has not been told of it yet.
    New,
    /// The destination was told, and it still fires.
    StillFiring,
    /// It is over.
    Resolved,
}

impl Change {
    /// The name used in history and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::New => "new",
            Change::StillFiring => "still_firing",
            Change::Resolved => "resolved",
        }
    }
}

/// One alert of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Whether it fires.
    pub status: Status,
    /// What identifies it.
    pub labels: Labels,
    /// What is said about it.
    pub annotations: Labels,
    /// Since when it fires; not stable between copies.
    pub starts_at: Timestamp,
    /// Since when it is over; `None` while firing.
    pub ends_at: Option<Timestamp>,
    /// The graph behind it, or empty.
    pub generator_url: String,
}

impl Alert {
    /// Alertmanager's fingerprint of the labels without those in `ignored`.
    pub fn fingerprint(&self, ignored: &BTreeSet<String>) -> Fingerprint {
        Fingerprint::of(self.labels.iter().filter(|(name, _)| !ignored.contains(*name)))
    }

    /// What this copy says about when it fires.
    pub fn report(&self) -> Report {
        let member = Fingerprint::of(self.labels.iter());
        Report { member, starts_at: self.starts_at, ends_at: self.ends_at }
    }
}

/// Whose webhook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Alertmanager's, by its shape.
    Alertmanager,
    /// Grafana Alerting's, by its shape.
    Grafana,
    /// The receiver's own.
    Own,
}

/// What one webhook said about one group of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Who sent it.
    pub sender: Sender,
    /// Identifies the group within its source; of any length.
    pub group_key: String,
    /// How many alerts of the group were left out.
    pub truncated_alerts: u64,
    /// The labels the group was formed by.
    pub group_labels: Labels,
    /// Where Alertmanager's own page is.
    pub external_url: String,
    /// The sender says that nothing changed and its repeat interval is over (Alertmanager since 0.32).
    pub is_repeat: bool,
    /// The alerts listed; never empty.
    pub alerts: Vec<Alert>,
}

/// The group of alerts that a webhook or a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who sent it.
    pub source: String,
    /// What identifies it there; of any length.
    pub key: String,
    /// What its alerts have in common by configuration of the sender.
    pub labels: Labels,
    /// The sender's own page.
    pub external_url: String,
    /// How many of its alerts the newest snapshot left out.
    pub truncated_alerts: u64,
}

impl Group {
    /// A short name for its source and key: 32 hexadecimal digits of XXH3.
    pub fn id(&self) -> String {
        let text = format!("{}\0{}", self.source, self.key);
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
