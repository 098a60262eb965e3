//! The book itself: webhooks go in one after the other, and what they change comes out at the end.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

mod answers;

use super::page::{Page, Upkeep};
use super::waits::{Waits, spent};
use super::{
    AlertCopy, AlertKey, Bound, Changes, Due, Hearsay, Known, Notice, Origin, Posting, Receipt, Times, Won,
};
use crate::alert::{Alert, Group, Status};
use crate::dedupe::{self, Rules, Seen, Suppression, Told, Transition, Verdict};
use crate::occurrence::{Flap, Occurrence, Report, Sighting, Windows, Witness, weigh};

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

/// A held copy that counts after all: what people see of it is what the store has.
fn returned(key: AlertKey, report: Report, alert: Alert, group: &Group) -> AlertCopy {
    let digest = AlertCopy::digest(&alert, group);
    AlertCopy { key, report, alert, digest, bound: Bound::Channels(Vec::new()) }
}

/// One alert of a webhook, after it was looked at.
struct Seeing {
    occurrence: String,
    status: Status,
    old_copy: bool,
    stage: i64,
    /// Whether it is held.
    waits: Waits,
    /// The occurrence of which a copy was held until now, and why that is not told, if so.
    spent: Option<(String, Suppression)>,
}

impl Seeing {
    fn of(id: String, occurrence: &Occurrence, old_copy: bool) -> Seeing {
        let status = occurrence.state.status();
        let stage = occurrence.flapping().stage;
        Seeing { occurrence: id, status, old_copy, stage, waits: Waits::Not, spent: None }
    }

    fn seen(&self) -> Seen {
        let Seeing { status, old_copy, stage, .. } = *self;
        Seen { status, old_copy, is_repeat: false, stage }
    }
}

/// What a webhook says to each destination about each occurrence.
#[derive(Default)]
struct Routed(BTreeMap<String, BTreeMap<String, Seen>>);

impl Routed {
    /// Copies that are one but for ignored labels say one thing: the newest state, old only if all of them are.
    fn add(&mut self, channel: &str, seeing: &Seeing) {
        let seen = seeing.seen();
        let Seen { status, old_copy, stage, .. } = seen;
        let alerts = self.0.entry(channel.to_owned()).or_default();
        let entry = alerts.entry(seeing.occurrence.clone()).or_insert(seen);
        (entry.status, entry.stage) = (status, stage);
        entry.old_copy &= old_copy;
    }
}

#[cfg(test)]
mod tests;
