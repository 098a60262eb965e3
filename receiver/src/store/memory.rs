//! What is known of the alerts that were asked about lately, so that copies of them need not be looked up again.
//!
//! It goes with the connection that writes, and holds what the database would say. Whoever writes says of which alerts; a
//! transaction that does not say it makes all be forgotten, one that was not committed takes the memory with it, and when another
//! connection has written, the database says so.

use std::collections::HashMap;

use jiff::Timestamp;
use modelwatch_receiver_core::book::{AlertKey, Known};

/// How many alerts are remembered at most, about 3 KiB each.
pub(super) const ALERTS: usize = 16_384;

/// An alert that is more than so many but for ignored labels is looked up each time, so that the room has an end.
const MEMBERS: usize = 32;

/// What is known of alerts, by who they are.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: HashMap<AlertKey, Known>,
    /// Whose each occurrence is.
    keys: HashMap<String, AlertKey>,
    /// The database's count of what other connections wrote, when this was read.
    version: i64,
}

impl Memory {
    /// Forgets everything if others wrote since: the database counts that, and this is what it counts now.
    pub(super) fn stand_at(&mut self, version: i64) {
        if self.version != version {
            *self = Memory { version, ..Memory::default() };
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What is remembered of an alert.
    pub(super) fn of(&self, alert: &AlertKey) -> Option<&Known> {
        self.known.get(alert)
    }

    /// Remembers what was just read. When there is no room, everything before is forgotten: what is still spoken of is soon
    /// read again.
    pub(super) fn keep(&mut self, read: &HashMap<AlertKey, Known>) {
        if self.known.len() + read.len() > ALERTS {
            self.forget_all();
        }
        let small = read.iter().filter(|(_, known)| known.occurrence.members() <= MEMBERS);
        for (alert, known) in small.take(ALERTS) {
            self.keys.insert(known.id.clone(), alert.clone());
            self.known.insert(alert.clone(), known.clone());
        }
    }

    /// Notes when an occurrence was last heard of.
    pub(super) fn hear(&mut self, occurrence: &str, at: Timestamp) {
        if let Some(known) = self.keys.get(occurrence).and_then(|alert| self.known.get_mut(alert)) {
            known.occurrence.seen_at = known.occurrence.seen_at.max(at);
        }
    }

    /// Forgets an occurrence of which something is written.
    pub(super) fn forget(&mut self, occurrence: &str) {
        if let Some(alert) = self.keys.remove(occurrence) {
            self.known.remove(&alert);
        }
    }

    /// Forgets an alert, of which another occurrence is written.
    pub(super) fn forget_alert(&mut self, alert: &AlertKey) {
        if let Some(known) = self.known.remove(alert) {
            self.keys.remove(&known.id);
        }
    }

    pub(super) fn forget_all(&mut self) {
        *self = Memory { version: self.version, ..Memory::default() };
    }
}
