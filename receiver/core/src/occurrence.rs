//! Occurrences: from when to when one alert happened, as a pure function of what was seen and `now`.
//!
//! `startsAt` is not stable, copies arrive late and twice, and two senders may disagree. So at most one occurrence
//! of an alert is open, whatever its copies say; a firing copy of one that is over is held until it is either
//! refuted or too late to be an old copy; and an alert that snapshots no longer list is not resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Fingerprint, Status};

mod flapping;
mod held;
mod members;
mod sighting;
mod witness;

use flapping::Unrest;
pub use flapping::{Flap, Flapping};
use held::Held;
use members::{Ended, Member};
use sighting::Before;
pub use sighting::Sighting;
pub use witness::{Listed, Ruling, Testimony, Witness, weigh};

/// How long the past may still speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// How long after a resolve a firing copy may still be an old one.
    pub reorder: Duration,
    /// After how long without a report a firing alert is forgotten.
    pub stale_after: Duration,
    /// When an alert flaps.
    pub flap: Flap,
}

/// Replicas may differ in when an alert began or ended by this part of the window for old copies: by a minute of a quarter of
/// an hour.
const REPLICAS_DIFFER: u32 = 15;

impl Windows {
    fn replicas_differ(self) -> Duration {
        self.reorder / REPLICAS_DIFFER
    }
}

/// Where an occurrence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It happens.
    Firing,
    /// It was firing and nobody speaks of it any more: shown, but no message is sent.
    Stale,
    /// It is over.
    Resolved,
    /// It is a fire drill: it neither began nor can it end, and nothing is ever said of it again.
    Test,
}

impl State {
    /// The name used in the store, in JSON and on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Firing => "firing",
            State::Stale => "stale",
            State::Resolved => "resolved",
            State::Test => "test",
        }
    }

    /// What a message says of it: a stale alert counts as firing, since nobody said that it is over, and a fire drill
    /// shows what a firing one looks like.
    pub fn status(self) -> Status {
        match self {
            State::Firing | State::Stale | State::Test => Status::Firing,
            State::Resolved => Status::Resolved,
        }
    }
}

/// One copy of an alert, as far as occurrences are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The fingerprint of all its labels: which of the alerts that are one but for ignored labels it is.
    pub member: Fingerprint,
    /// Since when it fires, according to this copy.
    pub starts_at: Timestamp,
    /// Since when it is over; `None` while it fires.
    pub ends_at: Option<Timestamp>,
}

/// One stretch of time in which one alert fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Where it stands.
    pub state: State,
    /// The earliest start that any copy named.
    pub starts_at: Timestamp,
    /// When it ended, by the sender's clock; `None` while open.
    pub ends_at: Option<Timestamp>,
    /// When the newest copy about it was accepted.
    pub seen_at: Timestamp,
    /// It was opened by a copy that may have been an old one.
    pub unconfirmed: bool,
    /// When the copy that ended it was accepted.
    resolved_at: Option<Timestamp>,
    /// Firing copies that wait to be refuted.
    held: Option<Held>,
    /// It was opened by a copy that was held, and nobody spoke of it since: it may still be refuted.
    #[serde(default)]
    rests_on_held: bool,
    /// Since when somebody is to be asked whether its alert fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    question: Option<Timestamp>,
    /// The end of the occurrence before this one, or its last report if nobody said that it ended.
    previous_end: Option<Timestamp>,
    /// How often its alert begins and ends.
    #[serde(default, skip_serializing_if = "Unrest::is_none")]
    unrest: Unrest,
    /// The alerts that are one but for ignored labels; an occurrence is over when all of them are.
    members: BTreeMap<Fingerprint, Member>,
}

/// What `report`, accepted at `now`, says about the alert whose newest occurrence is `newest`.
///
/// A start after the last report of a stale occurrence is another incident: the end of the first was missed.
pub fn observe(newest: Option<&Occurrence>, report: Report, now: Timestamp, windows: Windows) -> Sighting {
    let newest = newest.map(|known| known.clone().until(now));
    let before = newest.as_ref().map(Before::of);
    let sighting = match (newest, report.ends_at) {
        (None, _) => Sighting::Opened(Occurrence::begin(report, now, None)),
        (Some(stale), None) if stale.state == State::Stale && report.starts_at > stale.seen_at => {
            Sighting::Opened(Occurrence::begin(report, now, Some(stale.seen_at)))
        }
        (Some(open), None) if open.ends_at.is_none() => open.joined(report, now, windows),
        (Some(open), Some(end)) if open.ends_at.is_none() => open.ended(report, end, now, windows),
        (Some(over), None) => over.returned(report, now, windows),
        (Some(over), Some(end)) => over.ended_again(report, end, now, windows),
    };
    sighting.restless(before, now, windows.flap)
}

impl Occurrence {
    /// A fire drill: an occurrence of its own, whatever else is known of such an alert.
    pub fn test(report: Report, now: Timestamp) -> Occurrence {
        Occurrence { state: State::Test, ..Occurrence::begin(report, now, None) }
    }

    /// When somebody has to look at it again although no webhook came: a held copy becomes due, or it goes stale.
    pub fn check_at(&self, windows: Windows) -> Option<Timestamp> {
        let alone = match self.state {
            State::Firing => Some(later(self.seen_at, windows.stale_after)),
            State::Stale | State::Test => None,
            State::Resolved => self.held_until(windows),
        };
        let alone = alone.map(|at| self.after_an_answer(at));
        alone.into_iter().chain(self.unrest.calm_at(windows.flap)).min()
    }

    /// How often its alert begins and ends, as far as it flaps or did.
    pub fn flapping(&self) -> Flapping {
        self.unrest.flapping()
    }

    /// The same calmed down, if it flapped and has by `now`.
    pub fn calmed(&self, now: Timestamp, windows: Windows) -> Option<Occurrence> {
        self.unrest.calm_at(windows.flap).filter(|at| *at <= now)?;
        let mut calm = self.clone();
        calm.unrest.calm();
        Some(calm)
    }

    /// Whether it stands as `other` does, whenever either was last heard of.
    pub fn stands_as(&self, other: &Occurrence) -> bool {
        *self == Occurrence { seen_at: self.seen_at, ..other.clone() }
    }

    /// What becomes of it when its time has come and no copy counts: one that was firing goes stale.
    pub fn forgotten(self) -> Occurrence {
        let state = if self.state == State::Firing { State::Stale } else { self.state };
        Occurrence { state, ..self.followed() }
    }

    /// What becomes of it when another one opens after it: what was held against it is spent, or said by the other.
    pub fn followed(self) -> Occurrence {
        Occurrence { held: None, question: None, ..self }
    }

    fn begin(report: Report, now: Timestamp, previous_end: Option<Timestamp>) -> Occurrence {
        let ended = report.ends_at.map(|at| Ended { at, accepted_at: now });
        Occurrence {
            state: if ended.is_some() { State::Resolved } else { State::Firing },
            starts_at: report.starts_at,
            ends_at: report.ends_at,
            seen_at: now,
            unconfirmed: false,
            resolved_at: ended.map(|ended| ended.accepted_at),
            held: None,
            rests_on_held: false,
            question: None,
            previous_end,
            unrest: Unrest::default(),
            members: BTreeMap::from([(report.member, Member { newest_start: report.starts_at, ended })]),
        }
    }

    /// With nothing accepted later than `now`: a clock that went back must not keep a window open for as long as it went.
    fn until(mut self, now: Timestamp) -> Occurrence {
        self.seen_at = self.seen_at.min(now);
        self.resolved_at = self.resolved_at.map(|at| at.min(now));
        self.unrest.until(now);
        self.held.iter_mut().for_each(|held| held.until(now));
        for ended in self.members.values_mut().filter_map(|member| member.ended.as_mut()) {
            ended.accepted_at = ended.accepted_at.min(now);
        }
        self
    }

    /// A firing copy while it is open: it joins whatever its start, unless that member just ended.
    fn joined(mut self, report: Report, now: Timestamp, windows: Windows) -> Sighting {
        self.take_returned(now, windows);
        let member = self.members.entry(report.member).or_insert(Member::starting(report.starts_at));
        if let Some(known_end) = member.may_be_old(report.starts_at, now, windows) {
            return self.held_back(report, known_end, now);
        }
        member.newest_start = member.newest_start.max(report.starts_at);
        member.ended = None;
        self.let_go(report.member);
        self.begins_by(report.starts_at);
        self.seen_at = now;
        self.rests_on_held = false;
        self.question = None;
        self.state = State::Firing;
        self.forget_members(now, windows);
        Sighting::Known(self)
    }

    /// A resolved copy while it is open: it ends one member, and with the last one the occurrence.
    fn ended(mut self, report: Report, end: Timestamp, now: Timestamp, windows: Windows) -> Sighting {
        if self.began_after(report, end, now, windows) {
            return Sighting::OldCopy(self);
        }
        self.take_returned(now, windows);
        self.end_returned(report, end, windows);
        self.end_member(report, end, now);
        self.seen_at = now;
        self.question = None;
        if self.members.values().all(|member| member.ended.is_some()) {
            self.state = State::Resolved;
            self.ends_at = self.members.values().filter_map(|member| Some(member.ended?.at)).max();
            self.resolved_at = Some(now);
        }
        self.forget_members(now, windows);
        Sighting::Known(self)
    }

    /// Whether what a resolved copy says to be over was over before this occurrence began, or before its member began anew
    /// within it. Where the copy names an earlier start, the end may be what another replica says of a known one.
    fn began_after(&self, report: Report, end: Timestamp, now: Timestamp, windows: Windows) -> bool {
        let differ = windows.replicas_differ();
        let start = self.newest_start_of(report.member);
        let since = if later(report.starts_at, differ) < start { later(start, differ) } else { start };
        let is_of_previous = |previous: Timestamp| {
            let is_told_again =
                report.starts_at <= previous && (report.starts_at < start || end < self.seen_at);
            end <= if is_told_again { later(previous, differ) } else { previous }
        };
        end < since || self.previous_end.is_some_and(is_of_previous) && !self.can_be_refuted(now, windows)
    }

    /// Whether a copy speaks of the occurrence before this one, which knows of a newer start.
    pub fn outdates(&self, report: Report) -> bool {
        self.previous_end.is_some_and(|end| report.starts_at <= end)
            && report.starts_at < self.newest_start_of(report.member)
    }

    /// It began no later than a copy says, unless that speaks of the occurrence before this one. Of one that was itself
    /// opened by such a copy the start is that copy's.
    fn begins_by(&mut self, start: Timestamp) {
        let flapped = self.unrest.flapping().stage > 0;
        let is_before = |end: Timestamp| start <= end && (flapped || end < self.starts_at);
        if !self.previous_end.is_some_and(is_before) {
            self.starts_at = self.starts_at.min(start);
        }
    }

    /// As how many changes it counts when it opens. What was over before anybody could be told, and may never have been,
    /// is none.
    fn changes(&self) -> usize {
        match self.state {
            State::Resolved if self.unconfirmed => 0,
            State::Resolved => 2,
            State::Firing | State::Stale | State::Test => 1,
        }
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
