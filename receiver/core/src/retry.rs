//! What follows an attempt: done, another one later, or a dead letter.

use std::time::Duration;

use jiff::Timestamp;

use crate::outcome::Outcome;

mod rate;

pub use rate::{Rate, RateError};

/// The longest wait a destination may ask for; more is clamped, so that nobody can park us for good.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it was delivered.
    Done,
    /// Another attempt, not before so much time has passed.
    Again(Duration),
    /// A dead letter.
    Dead,
}

/// How long a message may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Since when it is tried: its oldest news, whatever took its place meanwhile, or since it was last replayed.
    pub since: Timestamp,
    /// After how long it becomes a dead letter.
    pub give_up_after: Duration,
}

/// What follows `outcome` at `now`, if `delay` is the next wait by our own backoff.
///
/// A destination that asks us to wait is never asked sooner.
pub fn next(outcome: &Outcome, delay: Duration, patience: Patience, now: Timestamp) -> Next {
    match outcome {
        Outcome::Delivered { .. } => Next::Done,
        Outcome::Permanent { .. } => Next::Dead,
        Outcome::Retryable { retry_after, .. } => {
            let wait = retry_after.map_or(delay, |asked| asked.min(MAX_RETRY_AFTER).max(delay));
            let at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
            let end = patience.since.saturating_add(patience.give_up_after).unwrap_or(Timestamp::MAX);
            if at > end { Next::Dead } else { Next::Again(wait) }
        }
    }
}

#[cfg(test)]
mod tests;
