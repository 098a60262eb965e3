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
        // neither names nor values hold the byte 0
        Pair(xxh3_64(format!("{name}\0{value}").as_bytes()).cast_signed())
    }

    /// The digest of a label that was told to a channel.
    pub fn to(channel: &str, name: &str, value: &str) -> Pair {
        Pair::of(name, &format!("{value}\0{channel}"))
    }

    /// As a number that databases hold.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl Message {
    /// The digests of all labels of its alerts, alone and with its channel.
    pub fn pairs(&self) -> BTreeSet<Pair> {
        let labels = self.alerts.iter().flat_map(|alert| &alert.labels);
        labels
            .flat_map(|(name, value)| [Pair::of(name, value), Pair::to(&self.channel, name, value)])
            .collect()
    }
}
