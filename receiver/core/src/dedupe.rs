//! Who is told what: one decision for each destination and occurrence, as a pure function of what was told before.
//!
//! The unique thing is the [`Transition`]: a destination is told once that an occurrence fires, once that it is
//! over, and once for each numbered repeat. The store holds it as a key, so that retries, copies and other
//! receivers cannot tell it twice.

use std::time::Duration;

use jiff::Timestamp;

use crate::alert::{Change, Kind, Status};
use crate::occurrence::State;

/// Why an alert of a snapshot told a destination nothing. The set is closed because it is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suppression {
    /// A copy of what was told.
    Duplicate,
    /// A repeat before its time.
    Repeat,
    /// It begins and ends so often that each time is not told.
    Flapping,
    /// A newer message about the same group took its place.
    Superseded,
    /// It is over, and the destination was never told that it began.
    NeverTold,
    /// The destination does not want to hear what is over.
    ResolvedOff,
    /// The copy is older than what is known, or held because it may be.
    StaleCopy,
    /// It feeds a dead man's switch.
    Heartbeat,
    /// No route takes it.
    NoRoute,
}

impl Suppression {
    /// The reasons that concern one destination; metrics touch each for every channel.
    pub const OF_CHANNEL: [Suppression; 7] = [
        Suppression::Duplicate,
        Suppression::Repeat,
        Suppression::Flapping,
        Suppression::Superseded,
        Suppression::NeverTold,
        Suppression::ResolvedOff,
        Suppression::StaleCopy,
    ];

    /// What it means, for people.
    pub fn words(self) -> &'static str {
        match self {
            Suppression::Duplicate => "all of it was told meanwhile",
            Suppression::Repeat => "it is not time yet to repeat it",
            Suppression::Flapping => "flapping",
            Suppression::Superseded => "something newer took its place",
            Suppression::NeverTold => "it was over, or forgotten, before this channel heard of it",
            Suppression::ResolvedOff => "this channel does not hear what is over",
            Suppression::StaleCopy => "the copy is older than what is known",
            Suppression::Heartbeat => "it feeds a dead man's switch",
            Suppression::NoRoute => "no route takes it",
        }
    }

    /// The name used in metrics, history and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Suppression::Duplicate => "duplicate",
            Suppression::Repeat => "repeat",
            Suppression::Flapping => "flapping",
            Suppression::Superseded => "superseded",
            Suppression::NeverTold => "never_told",
            Suppression::ResolvedOff => "resolved_off",
            Suppression::StaleCopy => "stale_copy",
            Suppression::Heartbeat => "heartbeat",
            Suppression::NoRoute => "no_route",
        }
    }
}

/// What a transition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// That it fires.
    Firing,
    /// That it is over.
    Resolved,
    /// That it flaps, or that it does no more.
    Flapping,
}

impl Phase {
    /// The name used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Firing => "firing",
            Phase::Resolved => "resolved",
            Phase::Flapping => "flapping",
        }
    }
}

impl From<Status> for Phase {
    fn from(status: Status) -> Phase {
        match status {
            Status::Firing => Phase::Firing,
            Status::Resolved => Phase::Resolved,
        }
    }
}

/// What a destination is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transition {
    /// What it says.
    pub status: Phase,
    /// 0 for the first time. That it fires is then numbered by repeats, that it is over or flaps by the occurrence's
    /// stages of flapping, in each of which it may begin and end anew.
    pub repeat: i64,
}

/// What a destination was told, or is about to be, of one occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// That it fires.
    pub firing: bool,
    /// That it is over (or that this was suppressed for good).
    pub resolved: bool,
    /// The number of the newest repeat.
    pub repeats: i64,
    /// The stage of flapping in which it was last told that it is over.
    pub end: i64,
    /// The last stage of flapping that it was told of.
    pub stage: i64,
    /// It heard of it, or may have: a message that spoke of it is on its way, was answered yes, or was never answered.
    pub reached: bool,
    /// What it heard last for certain; `None` while it heard nothing.
    pub heard: Option<Status>,
    /// When the webhook that caused the last message about it was accepted.
    pub last_at: Option<Timestamp>,
}

impl Told {
    /// The same once a transition was won.
    pub fn win(&mut self, transition: Transition) {
        match transition.status {
            Phase::Firing => {
                self.firing = true;
                self.repeats = self.repeats.max(transition.repeat);
            }
            Phase::Resolved => {
                self.resolved = true;
                self.end = self.end.max(transition.repeat);
            }
            Phase::Flapping => self.stage = self.stage.max(transition.repeat),
        }
    }

    /// Whether it hears that it still fires with the news of others of its group: not if it heard last that it is over.
    pub fn hears_that_it_goes_on(&self) -> bool {
        self.heard != Some(Status::Resolved)
    }

    /// Whether it is to hear of what is seen although nothing leads there any more: it was told that it fires, and now it is
    /// over, or it flapped and does no more.
    pub fn is_owed(&self, seen: Seen) -> bool {
        let flapped = self.stage % 2 == 1;
        match seen.status {
            _ if !self.firing || seen.old_copy => false,
            Status::Resolved => !self.resolved || self.end < seen.stage || (flapped && seen.stage % 2 == 0),
            Status::Firing => flapped && seen.stage % 2 == 0,
        }
    }
}

/// The wishes of one destination and the rhythm of repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether the destination hears what is over.
    pub send_resolved: bool,
    /// How often something that still fires is told again.
    pub repeat_interval: Duration,
    /// How long after a message the same snapshot counts as a copy of it rather than as a repeat.
    pub reorder: Duration,
}

/// What a snapshot says of one occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Where the occurrence stands after it.
    pub status: Status,
    /// The snapshot held only old copies of it.
    pub old_copy: bool,
    /// The sender says that it is a repeat.
    pub is_repeat: bool,
    /// Its stage of flapping: odd while it flaps.
    pub stage: i64,
}

/// What is to be done for one destination about one occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Tell it, if the transition can still be won.
    Tell(Transition),
    /// Tell nothing, and remember the transition, so that it counts once.
    Settle(Transition, Suppression),
    /// Tell nothing.
    Suppress(Suppression),
}

/// Alertmanager repeats at almost exactly its own interval; a repeat slightly before ours is meant to be ours.
const REPEAT_SHARE: f64 = 0.9;

/// What to tell a destination that was told `told`, at `now`.
pub fn decide(seen: Seen, told: Told, rules: Rules, now: Timestamp) -> Verdict {
    match seen.status {
        _ if seen.old_copy => Verdict::Suppress(Suppression::StaleCopy),
        _ if seen.stage % 2 == 1 => decide_flapping(seen, told, rules, now),
        // whoever heard that it flaps also hears that it does no more
        _ if seen.stage > 0 && told.stage == seen.stage - 1 => decide_calm(seen, rules),
        Status::Firing if !told.firing => Verdict::Tell(Transition { status: Phase::Firing, repeat: 0 }),
        Status::Firing => decide_repeat(seen, told, rules, now),
        Status::Resolved => decide_resolved(seen, told, rules),
    }
}

/// That it flaps is told once, and again as everything that goes on; each beginning and end is not.
fn decide_flapping(seen: Seen, told: Told, rules: Rules, now: Timestamp) -> Verdict {
    let is_over = seen.status == Status::Resolved;
    if told.stage < seen.stage && (rules.send_resolved || !is_over) {
        return Verdict::Tell(Transition { status: Phase::Flapping, repeat: seen.stage });
    }
    match decide_repeat(seen, told, rules, now) {
        Verdict::Tell(repeat) if !is_over => Verdict::Tell(repeat),
        _ => Verdict::Suppress(Suppression::Flapping),
    }
}

fn decide_calm(seen: Seen, rules: Rules) -> Verdict {
    let transition = Transition { status: Phase::Flapping, repeat: seen.stage };
    if seen.status == Status::Resolved && !rules.send_resolved {
        Verdict::Settle(transition, Suppression::ResolvedOff)
    } else {
        Verdict::Tell(transition)
    }
}

/// What a destination is told besides with a transition: a message that speaks of flapping says whether the alert fires too.
/// `None` if that is told of its own.
pub fn implied(seen: Seen, told: Told, transition: Transition) -> Option<Transition> {
    if transition.status != Phase::Flapping {
        return None;
    }
    match seen.status {
        Status::Resolved if transition.repeat % 2 == 0 => {
            Some(Transition { status: Phase::Resolved, repeat: seen.stage })
        }
        // also while it is over, or nothing would number the repeats of what begins again
        _ => (!told.firing).then_some(Transition { status: Phase::Firing, repeat: 0 }),
    }
}

fn decide_repeat(seen: Seen, told: Told, rules: Rules, now: Timestamp) -> Verdict {
    let since = told.last_at.map_or(Duration::MAX, |last| now.duration_since(last).unsigned_abs());
    let backwards = told.last_at.is_some_and(|last| now < last);
    if !backwards && since >= rules.repeat_interval.mul_f64(REPEAT_SHARE) {
        Verdict::Tell(Transition { status: Phase::Firing, repeat: told.repeats + 1 })
    } else if seen.is_repeat || since > rules.reorder {
        Verdict::Suppress(Suppression::Repeat)
    } else {
        Verdict::Suppress(Suppression::Duplicate)
    }
}

fn decide_resolved(seen: Seen, told: Told, rules: Rules) -> Verdict {
    let transition = Transition { status: Phase::Resolved, repeat: seen.stage };
    if told.resolved && told.end >= seen.stage {
        Verdict::Suppress(Suppression::Duplicate)
    } else if !told.firing || !told.reached {
        Verdict::Settle(transition, Suppression::NeverTold)
    } else if !rules.send_resolved {
        Verdict::Settle(transition, Suppression::ResolvedOff)
    } else {
        Verdict::Tell(transition)
    }
}

/// What a destination really heard of one occurrence (an attempt was delivered), and what it still is to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// It heard that it fires.
    pub firing: bool,
    /// What it heard last, if that is known.
    pub last: Option<Status>,
    /// It is still to hear that it fires, for the first time or again.
    pub owes_firing: bool,
    /// It is still to hear that it is over.
    pub owes_resolved: bool,
    /// It heard that it is over, or does not want to.
    pub settled: bool,
    /// It is still to hear that it flaps, or that it does no more.
    pub owes_flapping: bool,
}

/// What a message says changed about an occurrence in `state`; `None` if there is nothing to say.
pub fn change(state: State, heard: Heard) -> Option<Change> {
    match state {
        // it flaps: that it began again is news only with other news of it
        State::Firing | State::Stale if heard.last == Some(Status::Resolved) => {
            (heard.owes_firing || heard.owes_flapping).then_some(Change::New)
        }
        State::Firing | State::Stale if heard.firing => Some(Change::StillFiring),
        State::Firing | State::Stale | State::Test => Some(Change::New),
        // it may have ended before, and begun again while it flapped
        State::Resolved if heard.owes_resolved || heard.owes_flapping => Some(Change::Resolved),
        State::Resolved if heard.settled => None,
        State::Resolved if !heard.firing => Some(Change::Resolved),
        State::Resolved => None,
    }
}

/// Why a message exists, by what it says changed.
pub fn kind(changes: &[Change]) -> Kind {
    let all = |wanted| changes.iter().all(|change| *change == wanted);
    if all(Change::StillFiring) {
        Kind::Repeat
    } else if all(Change::New) {
        Kind::New
    } else if all(Change::Resolved) {
        Kind::Resolved
    } else {
        Kind::Changed
    }
}

#[cfg(test)]
mod tests;
