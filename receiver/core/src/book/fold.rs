//! The book itself: webhooks go in one after the other, and what they change comes out at the end.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

mod routed;
mod unspoken;

use routed::{Routed, Seeing};

use super::page::{Page, Upkeep};
use super::waits::{Waits, spent};
use super::{
    AlertCopy, AlertKey, Bound, Changes, Due, Hearsay, Known, Notice, Origin, Posting, Receipt, Times, Won,
};
use crate::alert::{Group, Status};
use crate::dedupe::{self, Rules, Seen, Suppression, Told, Transition, Verdict};
use crate::occurrence::{Flap, Occurrence, Sighting, Windows, Witness, weigh};

/// What the book goes by.
pub struct Terms<'a> {
    /// How long the past may still speak.
    pub windows: Windows,
    /// The source of the receiver's own alarms, which are told however often they begin and end.
    pub own: &'a str,
    /// What each destination wants.
    pub rules: &'a dyn Fn(&str) -> Rules,
    /// Whether there is a destination of that name.
    pub exists: &'a dyn Fn(&str) -> bool,
    /// Makes ids: unique everywhere, later ones sorted after earlier ones.
    pub new_id: &'a mut dyn FnMut() -> String,
}

impl Terms<'_> {
    fn windows_of(&self, key: &AlertKey) -> Windows {
        let flap = if key.source == self.own { Flap::default() } else { self.windows.flap };
        Windows { flap, ..self.windows }
    }
}

/// What is known of the alerts of a batch, and what its webhooks make of it.
pub struct Book<'a> {
    terms: Terms<'a>,
    now: Timestamp,
    newest: HashMap<AlertKey, String>,
    pages: HashMap<String, Page>,
    /// The pages that were looked at, in that order.
    opened: Vec<String>,
    entries: Entries,
}

/// What a batch came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// What is to be written with it.
    pub changes: Changes,
    /// What may be written later.
    pub hearsay: Hearsay,
    /// How many alerts were received, by what they say.
    pub received: BTreeMap<Status, u64>,
}

impl<'a> Book<'a> {
    /// A book in which everything happens at `now`.
    pub fn new(
        known: impl IntoIterator<Item = (AlertKey, Known)>,
        terms: Terms<'a>,
        now: Timestamp,
    ) -> Book<'a> {
        let (mut newest, mut pages) = (HashMap::new(), HashMap::new());
        for (key, known) in known {
            newest.insert(key.clone(), known.id.clone());
            pages.insert(known.id.clone(), Page::stored(key, known));
        }
        Book { terms, now, newest, pages, opened: Vec::new(), entries: Entries::default() }
    }

    /// Enters a webhook; returns the notifications that it causes.
    pub fn webhook(&mut self, posting: &Posting) -> &[Notice] {
        if posting.origin == Origin::Outside {
            self.note(posting);
        }
        let mut routed = Routed::default();
        for copy in &posting.copies {
            match &copy.bound {
                Bound::Heartbeat(name) => self.beat(name, copy.alert.status),
                Bound::Channels(channels) => {
                    let seeing = match posting.origin {
                        Origin::Drill => self.stage(copy, &posting.group),
                        Origin::Outside | Origin::Own => self.see(copy, &posting.group, posting.witness),
                    };
                    self.hear(channels, &seeing, &mut routed);
                }
            }
        }
        let before = self.entries.changes.notices.len();
        self.tell_all(&posting.group, routed, posting.is_repeat);
        self.entries.changes.notices.get(before..).unwrap_or_default()
    }

    /// What all of it came to.
    pub fn close(mut self) -> Entries {
        for id in self.opened {
            // looked at twice, it stands where it was looked at first: before the one that opened after it
            let Some(page) = self.pages.remove(&id) else { continue };
            let windows = self.terms.windows_of(&page.key);
            match page.close(id.clone(), windows) {
                Upkeep::Write(written) => self.entries.changes.occurrences.push(*written),
                Upkeep::Heard(at, check_at) => {
                    self.entries.hearsay.seen.insert(id, (at, check_at));
                }
                Upkeep::Nothing => {}
            }
        }
        self.entries
    }

    /// Notes and counts what came from outside.
    fn note(&mut self, posting: &Posting) {
        let firing = posting.copies.iter().filter(|copy| copy.alert.status == Status::Firing).count();
        let resolved = posting.copies.len() - firing;
        for (status, number) in [(Status::Firing, firing), (Status::Resolved, resolved)] {
            *self.entries.received.entry(status).or_default() += u64::try_from(number).unwrap_or(u64::MAX);
        }
        let receipt = Receipt { group: posting.group.clone(), at: self.now, firing, resolved };
        self.entries.changes.receipts.push(receipt);
    }

    /// A resolved heartbeat is none.
    fn beat(&mut self, name: &str, status: Status) {
        self.suppress("", &format!("heartbeat/{name}"), Suppression::Heartbeat);
        if status == Status::Firing {
            self.entries.changes.beats.insert(name.to_owned(), self.now);
        }
    }

    /// Merges one copy of an alert into its occurrence.
    fn see(&mut self, copy: &AlertCopy, group: &Group, witness: Witness) -> Seeing {
        let newest = self.newest.get(&copy.key).and_then(|id| self.pages.get(id));
        let newest = newest.map(|page| &page.occurrence);
        let sighting = weigh(newest, copy.report, witness, self.now, self.terms.windows_of(&copy.key));
        self.follow(copy, group, sighting)
    }

    /// Takes over what a copy of an alert came to.
    fn follow(&mut self, copy: &AlertCopy, group: &Group, sighting: Sighting) -> Seeing {
        let known = self.newest.get(&copy.key).cloned();
        let newest = known.as_ref().and_then(|id| self.pages.get_mut(id));
        let newest_occurrence = newest.as_ref().map(|page| &page.occurrence);
        let spent = newest_occurrence.and_then(|before| spent(before, &sighting));
        let spent = known.clone().zip(spent);
        let (old_copy, waits) = (matches!(sighting, Sighting::OldCopy(_)), Waits::by(&sighting));
        let (state, flapping) = (sighting.occurrence().state, sighting.occurrence().flapping());
        let id = match (known, newest, sighting) {
            (Some(id), Some(page), Sighting::Known(occurrence)) => {
                page.occurrence = occurrence;
                page.says(copy, group);
                self.opened.push(id.clone());
                id
            }
            (
                Some(id),
                Some(page),
                Sighting::OldCopy(occurrence)
                | Sighting::Held(occurrence)
                | Sighting::HeldAlready(occurrence),
            ) => {
                page.occurrence = occurrence;
                self.opened.push(id.clone());
                id
            }
            (known, before, sighting) => {
                if let Some(before) = before {
                    before.occurrence = before.occurrence.clone().followed();
                }
                self.opened.extend(known);
                self.open(copy, group, sighting.into_occurrence())
            }
        };
        Seeing { occurrence: id, status: state.status(), old_copy, stage: flapping.stage, waits, spent }
    }

    /// Opens the occurrence of a fire drill.
    fn stage(&mut self, copy: &AlertCopy, group: &Group) -> Seeing {
        let occurrence = Occurrence::test(copy.report, self.now);
        let id = (self.terms.new_id)();
        let seeing = Seeing::of(id.clone(), &occurrence, false);
        self.pages.insert(id.clone(), Page::opened(copy, group, occurrence));
        self.opened.push(id);
        seeing
    }

    fn open(&mut self, copy: &AlertCopy, group: &Group, occurrence: Occurrence) -> String {
        let id = (self.terms.new_id)();
        self.newest.insert(copy.key.clone(), id.clone());
        self.pages.insert(id.clone(), Page::opened(copy, group, occurrence));
        self.opened.push(id.clone());
        id
    }

    /// What is held is told later, or has a reason then why it is not.
    fn hear(&mut self, channels: &[String], seeing: &Seeing, routed: &mut Routed) {
        for channel in channels {
            if let Some((occurrence, reason)) = &seeing.spent {
                self.suppress(channel, occurrence, *reason);
            }
        }
        match seeing.waits {
            Waits::Begins if !channels.is_empty() => {}
            Waits::Already if !channels.is_empty() => channels
                .iter()
                .for_each(|channel| self.suppress(channel, &seeing.occurrence, Suppression::Duplicate)),
            _ => self.route(channels, seeing, routed),
        }
    }

    /// Where an alert goes: where its route leads, and to whoever else heard of it and is owed its end.
    fn route(&mut self, channels: &[String], seeing: &Seeing, routed: &mut Routed) {
        let owed = self.owed(channels, seeing);
        if channels.is_empty() && owed.is_empty() {
            self.suppress("", &seeing.occurrence, Suppression::NoRoute);
        }
        for channel in channels.iter().chain(&owed) {
            routed.add(channel, seeing);
        }
    }

    /// Those that heard of it although its route does not lead there: one that stood in for another, or one that it led to
    /// before a reload.
    fn owed(&self, channels: &[String], seeing: &Seeing) -> Vec<String> {
        let told = self.pages.get(&seeing.occurrence).map(|page| &page.told);
        let others = told.into_iter().flatten().filter(|(channel, _)| !channels.contains(channel));
        let owed =
            others.filter(|(channel, told)| told.is_owed(seeing.seen()) && (self.terms.exists)(channel));
        owed.map(|(channel, _)| channel.clone()).collect()
    }

    fn tell_all(&mut self, group: &Group, routed: Routed, is_repeat: bool) {
        for (channel, alerts) in routed.0 {
            self.tell(channel, group, alerts, is_repeat);
        }
    }

    /// Decides for one destination, and queues one notification if there is something to tell.
    fn tell(&mut self, channel: String, group: &Group, alerts: BTreeMap<String, Seen>, is_repeat: bool) {
        let (mut mentions, mut firing) = (Vec::new(), Vec::new());
        let rules = (self.terms.rules)(&channel);
        for (occurrence, seen) in alerts {
            match self.decide(&channel, &occurrence, Seen { is_repeat, ..seen }, rules) {
                None => mentions.push(occurrence),
                Some(reason @ (Suppression::Duplicate | Suppression::Repeat | Suppression::Flapping))
                    if seen.status == Status::Firing && self.goes_on(&channel, &occurrence) =>
                {
                    firing.push((occurrence, reason));
                }
                Some(reason) => self.suppress(&channel, &occurrence, reason),
            }
        }
        if mentions.is_empty() {
            firing.iter().for_each(|(occurrence, reason)| self.suppress(&channel, occurrence, *reason));
            return;
        }
        // whoever hears news of the group also hears what still fires in it
        mentions.extend(firing.into_iter().map(|(occurrence, _)| occurrence));
        for occurrence in &mentions {
            let told = self.pages.get_mut(occurrence).and_then(|page| page.told.get_mut(&channel));
            told.into_iter().for_each(|told| told.last_at = Some(self.now));
        }
        let (id, group, at) = ((self.terms.new_id)(), group.clone(), self.now);
        self.entries.changes.notices.push(Notice { id, channel, group, at, mentions });
    }

    /// Whether a destination hears that an occurrence still fires when it hears news of others.
    fn goes_on(&self, channel: &str, occurrence: &str) -> bool {
        let told = self.pages.get(occurrence).and_then(|page| page.told.get(channel));
        told.is_none_or(Told::hears_that_it_goes_on)
    }

    /// Wins the transition that is to be told of an occurrence, if there is one; else says why there is none.
    fn decide(&mut self, channel: &str, occurrence: &str, seen: Seen, rules: Rules) -> Option<Suppression> {
        let told = self.pages.get(occurrence).and_then(|page| page.told.get(channel)).copied();
        let told = told.unwrap_or_default();
        let (transition, reason) = match dedupe::decide(seen, told, rules, self.now) {
            Verdict::Tell(transition) => (transition, None),
            Verdict::Settle(transition, reason) => (transition, Some(reason)),
            Verdict::Suppress(reason) => return Some(reason),
        };
        let implied = dedupe::implied(seen, told, transition);
        for transition in implied.into_iter().chain([transition]) {
            self.win(channel, occurrence, transition, reason);
        }
        reason
    }

    fn win(
        &mut self,
        channel: &str,
        occurrence: &str,
        transition: Transition,
        suppressed: Option<Suppression>,
    ) {
        if let Some(page) = self.pages.get_mut(occurrence) {
            page.told.entry(channel.to_owned()).or_default().win(transition);
        }
        let (channel, occurrence) = (channel.to_owned(), occurrence.to_owned());
        self.entries.changes.won.push(Won { channel, occurrence, transition, suppressed });
    }

    fn suppress(&mut self, channel: &str, occurrence: &str, reason: Suppression) {
        let about = (channel.to_owned(), occurrence.to_owned(), reason);
        let once = Times::once(self.now);
        self.entries.hearsay.untold.entry(about).and_modify(|times| times.add(once)).or_insert(once);
    }
}

#[cfg(test)]
mod tests;
