//! Exact counts of finite numbers: value by value while there are few, in ever wider nested buckets when there are many.
//!
//! A bucket of level ℓ holds the numbers whose sign, exponent and 52 − ℓ leading mantissa bits agree, so it is 2^(ℓ−52) of its
//! own magnitude wide. Level 0 is one bucket per number. Buckets of one level are unions of buckets of the level below, and the
//! level is the lowest at which at most [`CAPACITY`] buckets are filled: it depends on the numbers alone, neither on their order
//! nor on how they were split into parts. Counts are never estimated.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

/// The most buckets held; also how many distinct numbers are kept exactly.
pub(super) const CAPACITY: usize = 4096;

/// The level at which a bucket is one whole power of two: 2 · 2 046 exponents and zero always fit into [`CAPACITY`].
const WIDEST: u8 = 52;

/// Counts of finite numbers on the nested grid of the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Sorted", try_from = "Sorted")]
pub(super) struct Buckets {
    level: u8,
    counts: HashMap<i64, u64, FixedState>,
}

/// The serialised form: ascending, so that equal counts give equal bytes.
#[derive(Serialize, Deserialize)]
struct Sorted {
    level: u8,
    counts: Vec<(i64, u64)>,
}

impl Buckets {
    /// Counts one finite number.
    pub(super) fn observe(&mut self, number: f64) {
        self.add(key(number, self.level), 1);
    }

    /// Adds the counts of another part of the same column.
    pub(super) fn merge(&mut self, other: &Buckets) {
        while self.level < other.level {
            self.widen();
        }
        for (&key, &count) in &other.counts {
            // The level may rise while the other part is added.
            self.add(widened(key, self.level - other.level), count);
        }
    }

    /// How many distinct numbers were seen, while that is known exactly.
    pub(super) fn distinct(&self) -> Option<usize> {
        (self.level == 0).then_some(self.counts.len())
    }

    /// The greatest number each filled bucket can hold, with its count, ascending. At level 0 that is the number itself.
    pub(super) fn ascending(&self) -> Vec<(f64, u64)> {
        sorted(&self.counts).into_iter().map(|(key, count)| (greatest(key, self.level), count)).collect()
    }

    fn add(&mut self, key: i64, count: u64) {
        *self.counts.entry(key).or_default() += count;
        while self.counts.len() > CAPACITY {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.level += 1;
        for (key, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(widened(key, 1)).or_default() += count;
        }
    }
}

/// The bucket of a finite number: its leading bits with the sign in front, so that keys ascend as numbers do.
fn key(number: f64, level: u8) -> i64 {
    let magnitude = (number.abs().to_bits() >> level).cast_signed();
    if number < 0.0 { -magnitude } else { magnitude }
}

/// The bucket that holds this one some levels up: towards zero on both sides.
fn widened(key: i64, levels: u8) -> i64 {
    key / (1 << levels)
}

/// The greatest number in a bucket.
fn greatest(key: i64, level: u8) -> f64 {
    let magnitude = key.unsigned_abs();
    if key < 0 { -f64::from_bits(magnitude << level) } else { f64::from_bits(((magnitude + 1) << level) - 1) }
}

fn sorted(counts: &HashMap<i64, u64, FixedState>) -> Vec<(i64, u64)> {
    let mut counts: Vec<_> = counts.iter().map(|(&key, &count)| (key, count)).collect();
    counts.sort_unstable();
    counts
}

impl From<Buckets> for Sorted {
    fn from(buckets: Buckets) -> Self {
        Sorted { level: buckets.level, counts: sorted(&buckets.counts) }
    }
}

impl TryFrom<Sorted> for Buckets {
    type Error = &'static str;

    fn try_from(sorted: Sorted) -> Result<Self, Self::Error> {
        let greatest_key = key(f64::MAX, sorted.level.min(WIDEST)).unsigned_abs();
        let fits = sorted.level <= WIDEST
            && sorted.counts.len() <= CAPACITY
            && sorted.counts.iter().all(|(key, _)| key.unsigned_abs() <= greatest_key);
        if !fits {
            return Err("the number counts are outside the grid of this profile format");
        }
        Ok(Buckets { level: sorted.level, counts: sorted.counts.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests;
