//! What a copy of an alert comes to, and what of that counts as a change.

use jiff::Timestamp;

use super::flapping::{Flap, Unrest};
use super::{Occurrence, State};

/// What a copy of an alert came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// A new occurrence begins (or was missed and is over already).
    Opened(Occurrence),
    /// The newest occurrence goes on, ends, or is confirmed to be over.
    Known(Occurrence),
    /// The copy is older than what is known.
    OldCopy(Occurrence),
    /// The copy may be older than what is known, so it is held.
    Held(Occurrence),
    /// The same of a copy of what is held already.
    HeldAlready(Occurrence),
}

impl Sighting {
    /// The occurrence the copy belongs to, as it now stands.
    pub fn occurrence(&self) -> &Occurrence {
        match self {
            Sighting::Opened(occurrence)
            | Sighting::Known(occurrence)
            | Sighting::OldCopy(occurrence)
            | Sighting::Held(occurrence)
            | Sighting::HeldAlready(occurrence) => occurrence,
        }
    }

    /// The same, when nothing else is asked any more.
    pub fn into_occurrence(self) -> Occurrence {
        match self {
            Sighting::Opened(occurrence)
            | Sighting::Known(occurrence)
            | Sighting::OldCopy(occurrence)
            | Sighting::Held(occurrence)
            | Sighting::HeldAlready(occurrence) => occurrence,
        }
    }

    /// Counts what changed. What begins again while it flaps is the same occurrence.
    pub(super) fn restless(self, before: Option<Before>, now: Timestamp, flap: Flap) -> Sighting {
        let (mut occurrence, mut turns, before) = match (self, before) {
            (Sighting::Opened(opened), before) => {
                let turns = opened.changes();
                (opened, turns, before)
            }
            (Sighting::Known(mut known), Some(before)) => {
                if known.state == State::Resolved && before.state != State::Resolved {
                    known.unrest.turn(now, flap);
                }
                return Sighting::Known(known);
            }
            (other, _) => return other,
        };
        let goes_on = before.as_ref().filter(|before| before.unrest.flapping().is_now());
        let is_new = goes_on.is_none();
        if let Some(before) = goes_on {
            occurrence.starts_at = occurrence.starts_at.min(before.starts_at);
            occurrence.unrest = before.unrest.clone();
        } else if let Some(before) = &before {
            occurrence.unrest = before.unrest.handed_on();
        }
        while turns > 0 {
            occurrence.unrest.turn(now, flap);
            turns -= 1;
        }
        if is_new { Sighting::Opened(occurrence) } else { Sighting::Known(occurrence) }
    }
}

/// What counts of an occurrence once it is known what a copy came to.
pub(super) struct Before {
    state: State,
    starts_at: Timestamp,
    unrest: Unrest,
}

impl Before {
    pub(super) fn of(known: &Occurrence) -> Before {
        Before { state: known.state, starts_at: known.starts_at, unrest: known.unrest.clone() }
    }
}
