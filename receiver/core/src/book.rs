//! The book of a batch: what is known of the alerts that some webhooks speak of, and what those webhooks change.
//!
//! The store reads the [`Known`] of all alerts of a batch at once and writes its [`Changes`] at once, in one transaction;
//! what lies between is pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::alert::{Alert, Fingerprint, Group};
use crate::dedupe::{Suppression, Told, Transition};
use crate::occurrence::{Occurrence, Witness};

mod fold;
mod page;
mod posting;
mod waits;

pub use fold::{Book, Entries, Terms};
pub use posting::{AlertCopy, Bound, Origin, Posting};

/// What identifies an alert.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertKey {
    /// Who sent it.
    pub source: String,
    /// Its fingerprint without ignored labels.
    pub fingerprint: Fingerprint,
}

/// An occurrence whose time to be looked at has come although no webhook spoke of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The occurrence's id.
    pub id: String,
    /// Which alert it is of.
    pub key: AlertKey,
    /// Its value.
    pub occurrence: Occurrence,
    /// The newest copy of its alert, as a firing one.
    pub alert: Alert,
    /// The group of that copy.
    pub group: Group,
    /// Where such an alert goes.
    pub channels: Vec<String>,
    /// Who can say whether it fires.
    pub witness: Witness,
}

impl Due {
    /// Whether it was to be asked about before `since`, when somebody came who can: whoever was to ask is gone.
    pub fn was_left_before(&self, since: Timestamp) -> bool {
        let is_older = self.occurrence.question().is_some_and(|asked| asked < since);
        is_older && self.witness == Witness::Alertmanager
    }
}

/// What the store knows of an alert: its newest occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The occurrence's id.
    pub id: String,
    /// Its value.
    pub occurrence: Occurrence,
    /// A digest of what its newest copy said, so that equal copies need not be written again.
    pub copy: i64,
    /// What each destination was told of it, or is about to be.
    pub told: BTreeMap<String, Told>,
}

/// An occurrence to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The occurrence's id.
    pub id: String,
    /// Which alert it is of.
    pub key: AlertKey,
    /// It is not in the store yet.
    pub is_new: bool,
    /// Its value.
    pub occurrence: Occurrence,
    /// When it is to be looked at again although no webhook comes.
    pub check_at: Option<Timestamp>,
    /// Its newest copy, the group that copy came in and its digest; `None` where the store has it already.
    pub copy: Option<(Alert, Group, i64)>,
}

/// A transition that a destination is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Won {
    /// The destination.
    pub channel: String,
    /// The occurrence.
    pub occurrence: String,
    /// What is told.
    pub transition: Transition,
    /// Why it is not told after all, if so.
    pub suppressed: Option<Suppression>,
}

/// A notification to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// The destination.
    pub channel: String,
    /// What it is about.
    pub group: Group,
    /// When the webhook that caused it was accepted.
    pub at: Timestamp,
    /// The occurrences that it speaks of; at least one.
    pub mentions: Vec<String>,
}

/// What one webhook held, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its group.
    pub group: Group,
    /// When it was accepted.
    pub at: Timestamp,
    /// How many of its alerts fire.
    pub firing: usize,
    /// How many are over.
    pub resolved: usize,
}

/// Everything that a batch of webhooks changes, to be written at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The webhooks.
    pub receipts: Vec<Receipt>,
    /// Occurrences that began, ended or otherwise changed; each once, and an older one of an alert before a newer one.
    pub occurrences: Vec<Written>,
    /// Transitions to be told, or settled untold.
    pub won: Vec<Won>,
    /// Who is to be told; of one destination and group the newest last.
    pub notices: Vec<Notice>,
    /// The dead man's switches that were fed, and when.
    pub beats: BTreeMap<String, Timestamp>,
}

/// How often something was not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How often.
    pub times: u64,
    /// When first.
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
}

impl Times {
    /// Once, at this moment.
    pub fn once(at: Timestamp) -> Times {
        Times { times: 1, first_at: at, last_at: at }
    }

    /// Takes in others of the same.
    pub fn add(&mut self, others: Times) {
        self.times = self.times.saturating_add(others.times);
        self.first_at = self.first_at.min(others.first_at);
        self.last_at = self.last_at.max(others.last_at);
    }
}

/// What copies say that change nothing: written once in a while for many of them, since losing a second of it to a crash
/// loses no alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hearsay {
    /// When occurrences were last heard of, by id, and when each is to be looked at again.
    pub seen: BTreeMap<String, (Timestamp, Option<Timestamp>)>,
    /// What was not told: channel (empty where it concerns none), occurrence (or `heartbeat/NAME`), reason.
    pub untold: BTreeMap<(String, String, Suppression), Times>,
}

impl Hearsay {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.untold.is_empty()
    }

    /// Takes in what was heard later, while these occurrences were written: what was heard of them before is in what was
    /// written.
    pub fn merge(&mut self, later: Hearsay, written: &[Written]) {
        for written in written {
            self.seen.remove(&written.id);
        }
        self.seen.extend(later.seen);
        for (about, times) in later.untold {
            self.untold.entry(about).and_modify(|known| known.add(times)).or_insert(times);
        }
    }

    /// Of how many occurrences it speaks, or of how many things that were not told, whichever is more.
    pub fn len(&self) -> usize {
        self.seen.len().max(self.untold.len())
    }

    /// Takes out of it what it says of at most so many occurrences, and of so many things that were not told.
    pub fn take(&mut self, limit: usize) -> Hearsay {
        let seen = std::iter::from_fn(|| self.seen.pop_first()).take(limit).collect();
        let untold = std::iter::from_fn(|| self.untold.pop_first()).take(limit).collect();
        Hearsay { seen, untold }
    }

    /// The occurrences that it speaks of.
    pub fn occurrences(&self) -> BTreeSet<&str> {
        let untold = self.untold.keys().map(|(_, occurrence, _)| occurrence.as_str());
        self.seen.keys().map(String::as_str).chain(untold).collect()
    }
}
