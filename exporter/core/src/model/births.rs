//! When the versions and classes of a model first came, by the time of receipt.
//!
//! It puts all series of all models into one order that only ever grows at its end: a series is as old as the youngest
//! of what it is told of. Whoever has room for the first so many series keeps the same ones, also after a restart, and
//! needs no memory of its own.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// When one of several first came: among those of one moment, in the order in which they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Birth {
    /// The time of receipt.
    pub at: Time,
    /// Its place.
    pub place: usize,
}

/// Times of receipt, in the order in which versions and classes are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Births {
    versions: Vec<Time>,
    classes: Vec<Time>,
}

impl Births {
    /// Notes that there are so many of both, from now on at the latest.
    pub fn note(&mut self, versions: usize, classes: usize, now: Time) {
        fill(&mut self.versions, versions, now);
        fill(&mut self.classes, classes, now);
    }

    /// When the version at this place came.
    #[must_use]
    pub fn version(&self, place: usize) -> Birth {
        Birth { at: self.versions.get(place).copied().unwrap_or(Time(i64::MAX)), place }
    }

    /// When each class came.
    #[must_use]
    pub fn classes(&self) -> &[Time] {
        &self.classes
    }
}

fn fill(births: &mut Vec<Time>, wanted: usize, now: Time) {
    if births.len() < wanted {
        births.resize(wanted, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_is_noted_once_and_stays() {
        let mut births = Births::default();
        births.note(1, 2, Time(10));
        births.note(1, 2, Time(20));
        births.note(3, 2, Time(30));
        assert_eq!([0, 1, 2].map(|place| births.version(place).at), [Time(10), Time(30), Time(30)]);
        assert_eq!(births.version(3).at, Time(i64::MAX), "what has not come yet is younger than everything");
        assert_eq!(births.classes(), [Time(10), Time(10)]);
    }
}
