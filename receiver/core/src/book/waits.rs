//! What is held is told later, or has a reason then why it is not; until then nothing is said of it.

use crate::dedupe::Suppression;
use crate::occurrence::{Occurrence, Sighting, State};

/// Whether a copy is held.
#[derive(Clone, Copy)]
pub(super) enum Waits {
    /// It is not.
    Not,
    /// It is from now on.
    Begins,
    /// It is a further copy of what is held.
    Already,
}

impl Waits {
    /// How it is with what a copy came to.
    pub(super) fn by(sighting: &Sighting) -> Waits {
        match sighting {
            Sighting::Held(_) => Waits::Begins,
            Sighting::HeldAlready(_) => Waits::Already,
            Sighting::Opened(_) | Sighting::Known(_) | Sighting::OldCopy(_) => Waits::Not,
        }
    }
}

/// Why what was held against an occurrence until now is not told, if something was: this copy tells it, or refutes it.
pub(super) fn spent(before: &Occurrence, sighting: &Sighting) -> Option<Suppression> {
    before.held()?;
    let after = sighting.occurrence();
    let told = after.unconfirmed || before.state == State::Firing;
    let returned = told && after.state == State::Firing;
    let reason = if returned { Suppression::Duplicate } else { Suppression::StaleCopy };
    after.held().is_none().then_some(reason)
}
