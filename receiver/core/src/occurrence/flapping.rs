//! Flapping: an alert that begins and ends so often that each time is not worth a message.
//!
//! It is then one long occurrence, of which people hear that it flaps, and once more when it has calmed down.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::later;

/// When an alert counts as flapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flap {
    /// With so many changes, of which each beginning and each end is one; never with 0.
    pub changes: usize,
    /// Within so long; it has calmed down when at most half as many are.
    pub within: Duration,
}

/// What is known of how often an alert begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flapping {
    /// How often it began or ceased to flap: odd while it flaps.
    pub stage: i64,
    /// How often it changed when it last flapped.
    pub changes: u64,
    /// Since when it last flapped.
    pub since: Option<Timestamp>,
}

impl Flapping {
    /// Whether it does now.
    pub fn is_now(self) -> bool {
        self.stage % 2 == 1
    }
}

/// How restless an alert is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Unrest {
    /// When its last changes were accepted, the oldest first; no more than those that make it flap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    turns: Vec<Timestamp>,
    #[serde(default)]
    stage: i64,
    #[serde(default)]
    changes: u64,
    #[serde(default)]
    since: Option<Timestamp>,
}

impl Unrest {
    pub(super) fn is_none(&self) -> bool {
        *self == Unrest::default()
    }

    pub(super) fn flapping(&self) -> Flapping {
        Flapping { stage: self.stage, changes: self.changes, since: self.since }
    }

    /// As of the occurrence after this one, to which its last changes count too.
    pub(super) fn handed_on(&self) -> Unrest {
        Unrest { turns: self.turns.clone(), ..Unrest::default() }
    }

    /// With nothing accepted later than `now`.
    pub(super) fn until(&mut self, now: Timestamp) {
        for turn in &mut self.turns {
            *turn = now.min(*turn);
        }
    }

    /// It began or ended.
    pub(super) fn turn(&mut self, now: Timestamp, flap: Flap) {
        if flap.changes == 0 {
            self.turns.clear();
            return;
        }
        self.turns.retain(|turn| now < later(*turn, flap.within));
        self.turns.push(now);
        let surplus = self.turns.len().saturating_sub(flap.changes);
        self.turns.drain(..surplus);
        if self.flapping().is_now() {
            self.changes = self.changes.saturating_add(1);
        } else if self.turns.len() == flap.changes {
            self.stage = self.stage.saturating_add(1);
            self.changes = u64::try_from(flap.changes).unwrap_or(u64::MAX);
            self.since = self.turns.first().copied();
        }
    }

    /// When it will have calmed down, if nothing changes any more; `None` if it does not flap.
    pub(super) fn calm_at(&self, flap: Flap) -> Option<Timestamp> {
        if !self.flapping().is_now() {
            return None;
        }
        let half = flap.changes / 2;
        let last = self.turns.iter().rev().nth(half).or(self.turns.first());
        let is_off = flap.changes == 0;
        Some(last.filter(|_| !is_off).map_or(Timestamp::MIN, |last| later(*last, flap.within)))
    }

    pub(super) fn calm(&mut self) {
        self.stage = self.stage.saturating_add(1);
    }
}
