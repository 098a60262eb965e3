//! One occurrence in the book: as the store has it, and as it stands now.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{AlertCopy, AlertKey, Known, Written};
use crate::alert::{Alert, Group};
use crate::dedupe::Told;
use crate::occurrence::{Occurrence, Windows};

pub(super) struct Page {
    pub(super) key: AlertKey,
    /// What it stands at now.
    pub(super) occurrence: Occurrence,
    /// What each destination was told of it, or is about to be.
    pub(super) told: BTreeMap<String, Told>,
    /// As the store has it; `None` if it does not.
    stored: Option<Occurrence>,
    /// A digest of the newest copy.
    copy: i64,
    /// The newest copy, if the store does not have it.
    newer: Option<(Alert, Group)>,
    /// The store is to write it whatever came of it, since it was due.
    was_due: bool,
}

/// What is to be done about a page.
pub(super) enum Upkeep {
    /// It is to be written.
    Write(Box<Written>),
    /// It was only heard of again.
    Heard(Timestamp, Option<Timestamp>),
    /// The store has it as it is.
    Nothing,
}

impl Page {
    /// One that the store has.
    pub(super) fn stored(key: AlertKey, known: Known) -> Page {
        let Known { occurrence, copy, told, .. } = known;
        let stored = Some(occurrence.clone());
        Page { key, occurrence, told, stored, copy, newer: None, was_due: false }
    }

    /// One that begins with this copy.
    pub(super) fn opened(copy: &AlertCopy, group: &Group, occurrence: Occurrence) -> Page {
        Page {
            key: copy.key.clone(),
            occurrence,
            told: BTreeMap::new(),
            stored: None,
            copy: copy.digest,
            newer: Some((copy.alert.clone(), group.clone())),
            was_due: false,
        }
    }

    /// The same after it was found to be due.
    pub(super) fn found_due(&mut self) {
        self.was_due = true;
    }

    /// Takes over what a copy says, unless that is known, or older than what is.
    pub(super) fn says(&mut self, copy: &AlertCopy, group: &Group) {
        if self.copy != copy.digest && !self.occurrence.outdates(copy.report) {
            self.copy = copy.digest;
            self.newer = Some((copy.alert.clone(), group.clone()));
        }
    }

    /// What the store is to do about it.
    pub(super) fn close(self, id: String, windows: Windows) -> Upkeep {
        let check_at = self.occurrence.check_at(windows);
        let stands = self.stored.as_ref().is_some_and(|stored| stored.stands_as(&self.occurrence));
        if let Some(stored) = self.stored.as_ref().filter(|_| stands && !self.was_due && self.newer.is_none())
        {
            let seen_at = self.occurrence.seen_at;
            let is_newer = stored.seen_at != seen_at;
            return if is_newer { Upkeep::Heard(seen_at, check_at) } else { Upkeep::Nothing };
        }
        let is_new = self.stored.is_none();
        Upkeep::Write(Box::new(Written {
            id,
            key: self.key,
            is_new,
            occurrence: self.occurrence,
            check_at,
            copy: self.newer.map(|(alert, group)| (alert, group, self.copy)),
        }))
    }
}
