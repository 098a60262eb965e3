//! What one webhook says to each destination, before it is known whether that is told.

use std::collections::BTreeMap;

use super::Waits;
use crate::alert::Status;
use crate::dedupe::{Seen, Suppression};
use crate::occurrence::Occurrence;

/// One alert of a webhook, after it was looked at.
pub(super) struct Seeing {
    pub(super) occurrence: String,
    pub(super) status: Status,
    pub(super) old_copy: bool,
    pub(super) stage: i64,
    /// Whether it is held.
    pub(super) waits: Waits,
    /// The occurrence of which a copy was held until now, and why that is not told, if so.
    pub(super) spent: Option<(String, Suppression)>,
}

impl Seeing {
    pub(super) fn of(id: String, occurrence: &Occurrence, old_copy: bool) -> Seeing {
        let status = occurrence.state.status();
        let stage = occurrence.flapping().stage;
        Seeing { occurrence: id, status, old_copy, stage, waits: Waits::Not, spent: None }
    }

    pub(super) fn seen(&self) -> Seen {
        let Seeing { status, old_copy, stage, .. } = *self;
        Seen { status, old_copy, is_repeat: false, stage }
    }
}

/// What a webhook says to each destination about each occurrence.
#[derive(Default)]
pub(super) struct Routed(pub(super) BTreeMap<String, BTreeMap<String, Seen>>);

impl Routed {
    /// Copies that are one but for ignored labels say one thing: the newest state, old only if all of them are.
    pub(super) fn add(&mut self, channel: &str, seeing: &Seeing) {
        let seen = seeing.seen();
        let Seen { status, old_copy, stage, .. } = seen;
        let alerts = self.0.entry(channel.to_owned()).or_default();
        let entry = alerts.entry(seeing.occurrence.clone()).or_insert(seen);
        (entry.status, entry.stage) = (status, stage);
        entry.old_copy &= old_copy;
    }
}
