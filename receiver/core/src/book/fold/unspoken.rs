//! What becomes of occurrences that no webhook speaks of: their time came, or somebody who was asked about them answered.

use std::collections::BTreeMap;

use super::routed::{Routed, Seeing};
use super::{AlertCopy, AlertKey, Book, Bound, Due, Known, Page};
use crate::alert::{Alert, Group};
use crate::dedupe::Suppression;
use crate::occurrence::{Occurrence, Report, Ruling, Testimony, Witness};

impl Book<'_> {
    /// Looks at an occurrence that no webhook spoke of: a firing copy held against it counts after all, since nothing
    /// refuted it; else it is forgotten.
    pub fn due(&mut self, due: Due) {
        let is_newest = self.newest.get(&due.key).is_none_or(|newest| *newest == due.id);
        let (now, windows) = (self.now, self.terms.windows_of(&due.key));
        let page = self.turn_to(&due);
        if page.occurrence.check_at(windows).is_some_and(|at| at > now) {
            return;
        }
        if let Some(calm) = page.occurrence.calmed(now, windows) {
            page.occurrence = calm;
            let seeing = Seeing::of(due.id, &page.occurrence, false);
            self.tell_of(&seeing, &due.channels, &due.group);
            return;
        }
        let Some(report) = page.occurrence.counts_after_all(is_newest) else {
            let unheard_of = page.occurrence.clone().unheard_of(due.witness, now);
            return self.stands(&due, unheard_of);
        };
        let copy = returned(due.key, report, due.alert, &due.group);
        // who could be asked was, and did not say
        let seeing = self.see(&copy, &due.group, Witness::Nobody);
        self.tell_of(&seeing, &due.channels, &due.group);
    }

    /// Has somebody asked anew about an occurrence whose time came while nobody was there who could.
    pub fn ask_anew(&mut self, due: &Due) {
        let now = self.now;
        let page = self.turn_to(due);
        page.occurrence = page.occurrence.clone().asked_anew(now);
    }

    /// The page of an occurrence that is looked at although no webhook spoke of it.
    fn turn_to(&mut self, due: &Due) -> &mut Page {
        self.opened.push(due.id.clone());
        let page = self.pages.entry(due.id.clone()).or_insert_with(|| {
            let occurrence = due.occurrence.clone();
            let known = Known { id: due.id.clone(), occurrence, copy: 0, told: BTreeMap::new() };
            Page::stored(due.key.clone(), known)
        });
        page.found_due();
        page
    }

    /// Takes in what was answered about an occurrence: a copy held against it counts or is refuted, and a firing one that
    /// nobody spoke of goes on or goes stale.
    pub fn answered(&mut self, due: Due, testimony: Testimony) {
        if self.newest.get(&due.key).is_some_and(|newest| *newest != due.id) {
            return;
        }
        let (now, windows) = (self.now, self.terms.windows_of(&due.key));
        let page = self.turn_to(&due);
        match page.occurrence.clone().ruled(testimony, now, windows) {
            Ruling::Stands(occurrence) => self.stands(&due, occurrence),
            Ruling::Returned(sighting) => {
                let copy = returned(due.key, due.alert.report(), due.alert, &due.group);
                let seeing = self.follow(&copy, &due.group, sighting);
                self.tell_of(&seeing, &due.channels, &due.group);
            }
        }
    }

    /// Takes over how an occurrence stands of which no webhook spoke; what was held against it may be refuted.
    fn stands(&mut self, due: &Due, occurrence: Occurrence) {
        let Some(page) = self.pages.get_mut(&due.id) else { return };
        let refuted = page.occurrence.held().is_some() && occurrence.held().is_none();
        page.occurrence = occurrence;
        for channel in due.channels.iter().filter(|_| refuted) {
            self.suppress(channel, &due.id, Suppression::StaleCopy);
        }
    }

    /// Tells everyone of one occurrence that no webhook spoke of. What was held is told itself, so it needs no reason why it
    /// is not.
    fn tell_of(&mut self, seeing: &Seeing, channels: &[String], group: &Group) {
        let mut routed = Routed::default();
        self.route(channels, seeing, &mut routed);
        self.tell_all(group, routed, false);
    }
}

/// A held copy that counts after all: what people see of it is what the store has.
fn returned(key: AlertKey, report: Report, alert: Alert, group: &Group) -> AlertCopy {
    let digest = AlertCopy::digest(&alert, group);
    AlertCopy { key, report, alert, digest, bound: Bound::Channels(Vec::new()) }
}
