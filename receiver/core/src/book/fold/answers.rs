//! What becomes of occurrences about which somebody was asked.

use super::{Book, Due, returned};
use crate::occurrence::{Ruling, Testimony};

impl Book<'_> {
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
}
