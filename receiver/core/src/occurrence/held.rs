//! Held copies: firing copies of an alert, or of one of its members, that is over. Each is a late old one, or says that its alert returned with its old
//! start; nothing is told of it until something newer refutes it or its window ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::members::{Ended, Member};
use super::{Occurrence, Report, Sighting, State, Windows, later};
use crate::alert::Fingerprint;

/// What is held against an occurrence: a copy of at least one of its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held(BTreeMap<Fingerprint, Waiting>);

/// What an end tells of what is held.
enum Ending {
    /// Nothing.
    None,
    /// One of several members had returned, and is over.
    Part,
    /// All of them are; the last one then.
    All(Timestamp),
}

/// The firing copy of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    starts_at: Timestamp,
    /// When it, or the newest copy that said the same, was accepted.
    heard_at: Timestamp,
    /// The end that was known when it was held; whoever tells of none later says nothing new.
    known_end: Timestamp,
    /// When it was over again, if it really had returned.
    over: Option<Timestamp>,
}

impl Waiting {
    /// Whether an end tells that what this copy says is over again. One that differs little from the known end and lies
    /// before the copy may be what another replica says of the known end, so it leaves a real return held.
    fn is_ended_by(&self, end: Timestamp, windows: Windows) -> bool {
        let differ = windows.replicas_differ();
        end > self.known_end && (end >= self.heard_at || end > later(self.known_end, differ))
    }
}

impl Held {
    /// With nothing accepted later than `now`.
    pub(super) fn until(&mut self, now: Timestamp) {
        self.0.values_mut().for_each(|waiting| waiting.heard_at = waiting.heard_at.min(now));
    }

    /// What still waits, that with the earliest start first.
    fn first(&self) -> Option<Report> {
        let waits = self.0.iter().filter(|(_, waiting)| waiting.over.is_none());
        let first = waits.min_by_key(|(_, waiting)| waiting.starts_at);
        first.map(|(member, waiting)| Report { member: *member, starts_at: waiting.starts_at, ends_at: None })
    }

    fn says(&self, report: Report) -> bool {
        let waiting = self.0.get(&report.member);
        waiting.is_some_and(|waiting| waiting.over.is_none() && waiting.starts_at == report.starts_at)
    }

    fn add(&mut self, report: Report, now: Timestamp, known_end: Timestamp) {
        let new = Waiting { starts_at: report.starts_at, heard_at: now, known_end, over: None };
        let waiting = self.0.entry(report.member).or_insert(new);
        waiting.starts_at = waiting.starts_at.max(report.starts_at);
        waiting.heard_at = now;
        waiting.known_end = waiting.over.take().unwrap_or(waiting.known_end);
    }

    /// Takes in what a resolved copy says.
    fn end(&mut self, report: Report, end: Timestamp, windows: Windows) -> Ending {
        let waiting = self.0.get_mut(&report.member);
        let Some(waiting) = waiting.filter(|waiting| waiting.is_ended_by(end, windows)) else {
            return Ending::None;
        };
        waiting.over = waiting.over.max(Some(end));
        let ends: Option<Vec<Timestamp>> = self.0.values().map(|waiting| waiting.over).collect();
        ends.and_then(|ends| ends.into_iter().max()).map_or(Ending::Part, Ending::All)
    }
}

impl Occurrence {
    /// The firing copy that is held against this occurrence, if one is.
    pub fn held(&self) -> Option<Report> {
        self.held.as_ref().and_then(Held::first)
    }

    /// Until when a copy is held against it, if one is.
    pub fn held_until(&self, windows: Windows) -> Option<Timestamp> {
        self.held.as_ref().and(self.resolved_at).map(|at| later(at, windows.reorder))
    }

    /// The held copy to be observed now that its time has come: once, and only while nothing newer of the alert is
    /// known. If there is none, the occurrence is to be [`forgotten`](Self::forgotten).
    pub fn counts_after_all(&self, is_newest: bool) -> Option<Report> {
        self.held().filter(|_| is_newest && self.state == State::Resolved)
    }

    /// A firing copy of one that is over: new, or old, or a real return that names its old start.
    pub(super) fn returned(self, report: Report, now: Timestamp, windows: Windows) -> Sighting {
        if self.ends_at.is_some_and(|end| report.starts_at > end) {
            return Sighting::Opened(Occurrence::begin(report, now, self.ends_at));
        }
        if self.resolved_at.is_some_and(|at| now < later(at, windows.reorder)) {
            let known_end = self.ends_at.unwrap_or(now);
            return self.held_back(report, known_end, now);
        }
        let rests_on_held = self.held.as_ref().is_some_and(|held| held.says(report));
        let returned = Occurrence::begin(report, now, self.ends_at).with_members_of(self.held, now);
        Sighting::Opened(Occurrence { unconfirmed: true, rests_on_held, ..returned })
    }

    /// The same with a firing copy held against this end of it, or of a member.
    pub(super) fn held_back(mut self, report: Report, known_end: Timestamp, now: Timestamp) -> Sighting {
        let is_first = self.held.is_none();
        self.held.get_or_insert(Held(BTreeMap::new())).add(report, now, known_end);
        if is_first { Sighting::Held(self) } else { Sighting::HeldAlready(self) }
    }

    /// While it is open: members of which copies are held fire when their windows end, since nothing refuted that they
    /// returned.
    pub(super) fn take_returned(&mut self, now: Timestamp, windows: Windows) {
        let Some(held) = &mut self.held else { return };
        for (name, member) in &mut self.members {
            if member.ended.is_some_and(|ended| !ended.is_recent(now, windows))
                && held.0.remove(name).is_some()
            {
                member.ended = None;
            }
        }
        self.held.take_if(|held| held.0.is_empty());
    }

    /// While it is open: what this end tells of a member of which a copy is held. If that had returned, it ends anew.
    pub(super) fn end_returned(&mut self, report: Report, end: Timestamp, windows: Windows) {
        let waiting = self.held.as_ref().and_then(|held| held.0.get(&report.member));
        if waiting.is_some_and(|waiting| waiting.is_ended_by(end, windows)) {
            self.let_go(report.member);
            self.members.entry(report.member).and_modify(|member| member.ended = None);
        }
    }

    /// Of this member nothing is held any more.
    pub(super) fn let_go(&mut self, member: Fingerprint) {
        let Some(held) = &mut self.held else { return };
        held.0.remove(&member);
        self.held.take_if(|held| held.0.is_empty());
    }

    /// A resolved copy of one that is over: a copy, a whole occurrence missed, or the end of what was held.
    pub(super) fn ended_again(
        mut self,
        report: Report,
        end: Timestamp,
        now: Timestamp,
        windows: Windows,
    ) -> Sighting {
        if self.ends_at.is_some_and(|known| report.starts_at > known) {
            return Sighting::Opened(Occurrence::begin(report, now, self.ends_at));
        }
        match self.held.as_mut().map_or(Ending::None, |held| held.end(report, end, windows)) {
            Ending::All(over) if Some(over) > self.ends_at && !self.flapping().is_now() => {
                return Sighting::Opened(self.returned_and_ended(report, over, now));
            }
            Ending::All(_) => self.held = None,
            Ending::Part => return Sighting::Known(Occurrence { seen_at: now, ..self }),
            Ending::None => {}
        }
        if self.ends_at.is_some_and(|known| end < known) {
            return Sighting::OldCopy(self);
        }
        self.end_member(report, end, now);
        self.ends_at = Some(end);
        self.seen_at = now;
        Sighting::Known(self)
    }

    /// What was held had returned, and is over: an occurrence of which nobody was told.
    fn returned_and_ended(self, report: Report, over: Timestamp, now: Timestamp) -> Occurrence {
        let missed = Occurrence::begin(report, now, self.ends_at).with_members_of(self.held, now);
        Occurrence { unconfirmed: true, ends_at: Some(over), ..missed }
    }

    /// The same with the members of which copies were held.
    fn with_members_of(mut self, held: Option<Held>, now: Timestamp) -> Occurrence {
        for (member, waiting) in held.into_iter().flat_map(|held| held.0) {
            let ended = waiting.over.map(|at| Ended { at, accepted_at: now });
            self.starts_at = self.starts_at.min(waiting.starts_at);
            self.members.entry(member).or_insert(Member { newest_start: waiting.starts_at, ended });
        }
        self
    }

    /// Whether to hear again that the occurrence before it is over tells that this one never was: it may have been opened
    /// by an old copy, and what says so is newer than whatever said that it fires.
    pub(super) fn can_be_refuted(&self, now: Timestamp, windows: Windows) -> bool {
        self.unconfirmed && (self.rests_on_held || now >= later(self.seen_at, windows.reorder))
    }
}
