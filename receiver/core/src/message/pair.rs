//! Digests of labels, by which messages are found.

use std::collections::BTreeSet;

use xxhash_rust::xxh3::xxh3_64;

use super::Message;

/// A digest of a label's name and value: XXH3 with 64 bits. Two labels may share one, so whoever looks for a label still
/// compares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair(i64);

impl Pair {
    /// The digest of a label.
    pub fn of(name: &str, value: &str) -> Pair {
        // no label's name holds the byte 0
        Pair(xxh3_64(format!("{name}\0{value}").as_bytes()).cast_signed())
    }

    /// As a number that databases hold.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl Message {
    /// The digests of all labels of its alerts.
    pub fn pairs(&self) -> BTreeSet<Pair> {
        let labels = self.alerts.iter().flat_map(|alert| &alert.labels);
        labels.map(|(name, value)| Pair::of(name, value)).collect()
    }
}
