//! Exact counts of canonical texts, up to a number of categories that can still be compared one by one.
//!
//! Beyond [`CAPACITY`] nothing is kept but the fact: such a column has no categories, it has identifiers.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

/// The most categories a feature can have.
pub(super) const CAPACITY: usize = 131_072;

/// Counts by canonical text; `None` once there were too many texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Sorted", from = "Sorted")]
pub(super) struct Categories {
    counts: Option<HashMap<Box<str>, u64, FixedState>>,
}

/// The serialised form: ascending, so that equal counts give equal bytes.
#[derive(Serialize, Deserialize)]
struct Sorted {
    counts: Option<BTreeMap<Box<str>, u64>>,
}

impl Default for Categories {
    fn default() -> Self {
        Categories { counts: Some(HashMap::default()) }
    }
}

impl Categories {
    /// Counts one canonical text.
    pub(super) fn observe(&mut self, text: &str) {
        self.add(text, 1);
    }

    /// Adds the counts of another part of the same column.
    pub(super) fn merge(&mut self, other: &Categories) {
        let Some(counts) = &other.counts else {
            self.counts = None;
            return;
        };
        for (text, &count) in counts {
            self.add(text, count);
        }
    }

    /// How many distinct texts were seen, unless there were too many to tell.
    pub(super) fn distinct(&self) -> Option<usize> {
        self.counts.as_ref().map(HashMap::len)
    }

    /// Every text with its count in the order of the texts, unless there were too many.
    pub(super) fn ascending(&self) -> Option<Vec<(Box<str>, u64)>> {
        let mut texts: Vec<_> =
            self.counts.as_ref()?.iter().map(|(text, &count)| (text.clone(), count)).collect();
        texts.sort_unstable();
        Some(texts)
    }

    fn add(&mut self, text: &str, count: u64) {
        let Some(counts) = &mut self.counts else { return };
        match counts.get_mut(text) {
            Some(known) => *known += count,
            None => drop(counts.insert(text.into(), count)),
        }
        if counts.len() > CAPACITY {
            self.counts = None;
        }
    }
}

impl From<Categories> for Sorted {
    fn from(categories: Categories) -> Self {
        Sorted { counts: categories.counts.map(|counts| counts.into_iter().collect()) }
    }
}

impl From<Sorted> for Categories {
    fn from(sorted: Sorted) -> Self {
        let counts = sorted.counts.map(|counts| counts.into_iter().collect::<HashMap<_, _, _>>());
        Categories { counts: counts.filter(|counts| counts.len() <= CAPACITY) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: std::ops::Range<usize>) -> Categories {
        let mut categories = Categories::default();
        for number in texts {
            categories.observe(&number.to_string());
        }
        categories
    }

    #[test]
    fn a_hundred_thousand_categories_are_counted() {
        assert_eq!(of(0..100_000).distinct(), Some(100_000));
    }

    #[test]
    fn parts_that_fit_alone_but_not_together_are_too_many_as_the_whole_is() {
        let mut merged = of(0..CAPACITY);
        merged.merge(&of(CAPACITY - 1..CAPACITY + 1));
        assert_eq!(merged, of(0..CAPACITY + 1));
        assert_eq!(merged.distinct(), None);
        assert_eq!(of(0..CAPACITY).distinct(), Some(CAPACITY));
    }

    #[test]
    fn too_many_stay_too_many_on_either_side_of_a_merge() {
        let (many, few) = (of(0..CAPACITY + 1), of(0..3));
        let (mut left, mut right) = (many.clone(), few);
        left.merge(&of(0..3));
        right.merge(&many);
        assert_eq!(left, right);
    }
}
