//! What was answered to bodies that came with a key, so that sending one again is answered alike and counts nothing.
//!
//! Part of the state, hence of the fold: what is remembered depends on the accepted batches and their times of receipt
//! alone, and is the same after a restart. Bounded in time, number and bytes; the oldest goes first.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::batch::Format;
use crate::state::Outcome;
use crate::time::Time;

/// For how long an answer is remembered.
pub const WITHIN: Duration = Duration::from_secs(86_400);
/// Errors that an answer names at most.
const ERRORS: usize = 20;
/// Characters of one error at most: it may quote what was sent.
const ERROR_LENGTH: usize = 1000;
/// Bytes that an answer takes besides its key and its errors, about.
const FIXED_BYTES: usize = 160;

/// What a sender calls a body.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(Box<str>);

impl Key {
    /// A key of one sender's own. A key holds no line feed, so two senders never share one.
    #[must_use]
    pub fn new(sender: &str, key: &str) -> Key {
        Key(format!("{sender}\n{key}").into())
    }

    /// The key from what [`Key::as_str`] said.
    #[must_use]
    pub fn from_text(text: &str) -> Key {
        Key(text.into())
    }

    /// Sender and key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells one body from another: XXH3-128 over the uncompressed bytes, seeded with how they hold events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of a body as it is when unpacked.
    #[must_use]
    pub fn of(format: Format, body: &[u8]) -> Fingerprint {
        let seed = match format {
            Format::Ndjson => 0,
            Format::Json => 1,
        };
        Fingerprint(xxhash_rust::xxh3::xxh3_128_with_seed(body, seed))
    }
}

/// A body that is to be counted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// What it is called.
    pub key: Key,
    /// What it is.
    pub fingerprint: Fingerprint,
}

/// What a sender is told of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Events that are counted for good.
    pub accepted: u64,
    /// Events that were refused.
    pub rejected: u64,
    /// Among the accepted: those that had been counted before.
    pub duplicates: u64,
    /// The first of the refused.
    pub errors: Vec<LineError>,
}

/// Why one event was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// Its line, or its place in the array, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub error: Box<str>,
}

impl From<&Outcome> for Answer {
    fn from(outcome: &Outcome) -> Answer {
        let first = outcome.rejected.iter().take(ERRORS);
        let errors = first
            .map(|(line, rejection)| LineError { line: *line as u64, error: shortened(&rejection.message) });
        Answer {
            accepted: outcome.accepted,
            rejected: outcome.rejected.len() as u64,
            duplicates: outcome.duplicates,
            errors: errors.collect(),
        }
    }
}

impl Answer {
    fn bytes(&self) -> usize {
        self.errors.iter().map(|error| size_of::<LineError>() + error.error.len()).sum()
    }
}

/// How much is remembered at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Answers.
    pub most: usize,
    /// Bytes of keys and answers, about.
    pub bytes: usize,
}

impl Bounds {
    /// What an exporter keeps: two batches with a key every second for a day, and an eighth of them with long errors.
    pub const OF_STATE: Bounds = Bounds { most: 200_000, bytes: 64 << 20 };
}

/// How many answers are remembered and were forgotten too soon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyTotals {
    /// Remembered now.
    pub remembered: usize,
    /// Forgotten before their day was over, because there were too many.
    pub evicted: u64,
}

/// The body is not the one that came with its key before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this Idempotency-Key came with another body in the last 24 hours, give every body a key of its own")]
pub struct OtherBody;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Remembered {
    at: Time,
    fingerprint: Fingerprint,
    answer: Answer,
}

/// The answers of a day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    known: BTreeMap<Key, Remembered>,
    /// From the oldest to the newest.
    order: VecDeque<(Time, Key)>,
    bytes: usize,
    evicted: u64,
}

impl Answers {
    /// What was answered to a body within the last day; `None` when its key is new.
    ///
    /// # Errors
    /// When the key came with another body.
    #[must_use]
    pub fn find(&self, once: &Once, now: Time) -> Option<Result<&Answer, OtherBody>> {
        let known = self.known.get(&once.key).filter(|known| known.at.after(WITHIN) > now)?;
        Some(if known.fingerprint == once.fingerprint { Ok(&known.answer) } else { Err(OtherBody) })
    }

    /// Forgets what is older than a day.
    pub fn expire(&mut self, now: Time) {
        while self.order.front().is_some_and(|(at, _)| at.after(WITHIN) <= now) {
            self.forget_oldest();
        }
    }

    /// Remembers an answer whose key is new, and forgets the oldest ones if there are too many.
    pub fn remember(&mut self, once: &Once, answer: Answer, now: Time, bounds: Bounds) {
        let remembered = Remembered { at: now, fingerprint: once.fingerprint, answer };
        self.bytes += bytes(&once.key, &remembered);
        if let Some(before) = self.known.insert(once.key.clone(), remembered) {
            self.bytes -= bytes(&once.key, &before);
        }
        self.order.push_back((now, once.key.clone()));
        while self.known.len() > bounds.most || (self.bytes > bounds.bytes && self.known.len() > 1) {
            self.evicted += u64::from(self.forget_oldest());
        }
    }

    /// How many there are.
    #[must_use]
    pub fn totals(&self) -> KeyTotals {
        KeyTotals { remembered: self.known.len(), evicted: self.evicted }
    }

    /// Says whether something was forgotten; a key that was remembered anew has its place further behind.
    fn forget_oldest(&mut self) -> bool {
        let Some((at, key)) = self.order.pop_front() else { return false };
        if self.known.get(&key).is_none_or(|known| known.at != at) {
            return false;
        }
        let forgotten = self.known.remove(&key);
        self.bytes -= forgotten.map_or(0, |forgotten| bytes(&key, &forgotten));
        true
    }
}

/// The key stands in two places.
fn bytes(key: &Key, remembered: &Remembered) -> usize {
    FIXED_BYTES + 2 * key.as_str().len() + remembered.answer.bytes()
}

fn shortened(message: &str) -> Box<str> {
    match message.char_indices().nth(ERROR_LENGTH) {
        Some((end, _)) => format!("{}…", &message[..end]).into(),
        None => message.into(),
    }
}

#[cfg(test)]
mod tests;
