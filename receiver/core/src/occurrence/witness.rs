//! Asking Alertmanager whether an alert still fires, where nobody else says so: a firing copy came of one that is over, or
//! a firing one is not heard of any more.
//!
//! What it answers is weighed here, as a pure function; who asks it, and when, is decided elsewhere. Without an answer the
//! windows decide, as they do where nobody can be asked.

use std::time::Duration;

use jiff::Timestamp;

use super::members::Member;
use super::sighting::Before;
use super::{Occurrence, Report, Sighting, State, Windows, later, observe};
use crate::alert::Fingerprint;

/// How long an answer is waited for where no window is open any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who can say whether an alert still fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Witness {
    /// Nobody: the windows decide.
    #[default]
    Nobody,
    /// The Alertmanager that its copies come from.
    Alertmanager,
}

/// An alert as Alertmanager lists it among those that are not over. That it is silenced or inhibited does not matter: it
/// fires, and a copy of it that came by a webhook was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The fingerprint of all its labels.
    pub member: Fingerprint,
    /// Since when it fires.
    pub starts_at: Timestamp,
    /// When it is over unless its sender says again that it fires.
    pub ends_at: Timestamp,
}

/// What the witness says of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Testimony {
    /// It fires: those that are listed of the alerts that are one but for ignored labels, at least one.
    Fires(Vec<Listed>),
    /// It is not listed, and would be if it fired.
    Gone,
    /// It is not listed, which does not mean that it does not fire.
    Unknown,
    /// The witness could not be asked, now.
    Unheard,
}

/// What a testimony comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The occurrence stands like this.
    Stands(Occurrence),
    /// The held copy counts; this begins.
    Returned(Sighting),
}

/// As [`observe`]; but where somebody can be asked, a firing copy of an alert that is over is held until they answer,
/// however late it comes.
pub fn weigh(
    newest: Option<&Occurrence>,
    report: Report,
    witness: Witness,
    now: Timestamp,
    windows: Windows,
) -> Sighting {
    let over = newest.filter(|known| witness == Witness::Alertmanager && known.is_denied_by(report));
    match over {
        Some(over) => over.clone().until(now).in_doubt(report, now),
        None => observe(newest, report, now, windows).asking(newest, witness, now),
    }
}

impl Sighting {
    /// With the question whether one fires that ended while a copy of one of its members is held.
    fn asking(mut self, newest: Option<&Occurrence>, witness: Witness, now: Timestamp) -> Sighting {
        let was_open = newest.is_some_and(|known| known.ends_at.is_none());
        if let Sighting::Known(over) = &mut self
            && was_open
            && witness == Witness::Alertmanager
            && over.held().is_some()
            && over.state == State::Resolved
        {
            over.question = Some(now);
        }
        self
    }
}

impl Occurrence {
    /// Since when somebody is to be asked about it, if they are.
    pub fn question(&self) -> Option<Timestamp> {
        let is_open = match self.state {
            State::Firing => true,
            State::Resolved => self.held().is_some(),
            State::Stale | State::Test => false,
        };
        self.question.filter(|_| is_open)
    }

    /// What becomes of it when its time has come and no copy counts: one that was firing goes stale, unless somebody can
    /// be asked who was not yet.
    pub fn unheard_of(self, witness: Witness, now: Timestamp) -> Occurrence {
        match (self.state, witness, self.question) {
            (State::Firing, Witness::Alertmanager, None) => Occurrence { question: Some(now), ..self },
            _ => self.forgotten(),
        }
    }

    /// The same with its question put anew, which nobody answered yet.
    pub fn asked_anew(self, now: Timestamp) -> Occurrence {
        Occurrence { question: Some(now), ..self }
    }

    /// What it comes to that the witness says this of its alert, whose newest occurrence it is.
    pub fn ruled(self, testimony: Testimony, now: Timestamp, windows: Windows) -> Ruling {
        match self.state {
            State::Firing => Ruling::Stands(self.stale_unless(&testimony, now)),
            State::Resolved if self.held().is_some() => self.held_unless(testimony, now, windows),
            State::Resolved | State::Stale | State::Test => Ruling::Stands(self.answered()),
        }
    }

    /// When its time comes, if it would be `at` without a question.
    pub(super) fn after_an_answer(&self, at: Timestamp) -> Timestamp {
        self.question().map_or(at, |since| at.max(later(since, PATIENCE)))
    }

    fn stale_unless(self, testimony: &Testimony, now: Timestamp) -> Occurrence {
        match testimony {
            Testimony::Fires(_) => {
                Occurrence { seen_at: now, unconfirmed: false, rests_on_held: false, ..self.answered() }
            }
            Testimony::Gone | Testimony::Unknown | Testimony::Unheard => self.forgotten(),
        }
    }

    fn held_unless(self, testimony: Testimony, now: Timestamp, windows: Windows) -> Ruling {
        match testimony {
            Testimony::Fires(listed) => self.returned_as(listed, now, windows),
            Testimony::Gone => Ruling::Stands(self.refuted()),
            // it is asked again while its window is open
            Testimony::Unheard if self.held_until(windows).is_some_and(|end| now < end) => {
                Ruling::Stands(self)
            }
            Testimony::Unknown | Testimony::Unheard => Ruling::Stands(self.answered()),
        }
    }

    /// The alert fires as it is listed. What ends no later than is known is what is known to be over: a list may still
    /// have it for as long as clocks differ.
    fn returned_as(self, listed: Vec<Listed>, now: Timestamp, windows: Windows) -> Ruling {
        let mut listed = listed.into_iter().filter(|alert| Some(alert.ends_at) > self.ends_at);
        let Some(first) = listed.next() else { return Ruling::Stands(self.refuted()) };
        let report = Report { member: first.member, starts_at: first.starts_at, ends_at: None };
        let mut opened = Occurrence::begin(report, now, self.ends_at);
        for other in listed {
            opened.members.insert(other.member, Member::starting(other.starts_at));
            opened.starts_at = opened.starts_at.min(other.starts_at);
        }
        let before = Some(Before::of(&self));
        Ruling::Returned(Sighting::Opened(opened).restless(before, now, windows.flap))
    }

    /// Whether this copy says that it fires, and may be older than what said that it is over.
    fn is_denied_by(&self, report: Report) -> bool {
        report.ends_at.is_none() && self.ends_at.is_some_and(|end| report.starts_at <= end)
    }

    /// With this copy held, about which somebody is asked once; anew if they did not answer yet, since their answer may be
    /// older than this copy.
    fn in_doubt(self, report: Report, now: Timestamp) -> Sighting {
        let is_asked = self.held().is_none() || self.question().is_some();
        let known_end = self.ends_at.unwrap_or(now);
        Occurrence { question: is_asked.then_some(now), ..self }.held_back(report, known_end, now)
    }

    fn answered(self) -> Occurrence {
        Occurrence { question: None, ..self }
    }

    fn refuted(self) -> Occurrence {
        Occurrence { held: None, ..self.answered() }
    }
}
