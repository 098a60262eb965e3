//! When the versions and classes of a model first came, by the time of receipt.
//!
//! It puts all series of all models into one order that only ever grows at its end: a series is as old as the youngest
//! of what it is told of. Whoever has room for the first so many series keeps the same ones, also after a restart, and
//! needs no memory of its own.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// When a version first came: among those of one moment, in the order in which they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Birth {
    /// The time of receipt.
    pub at: Time,
    /// Its place.
    pub place: usize,
}

/// Times of receipt of a model's classes, in the order in which they are kept. Slices know their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Births {
    classes: Vec<Time>,
}

impl Births {
    /// Notes that there are so many classes, from now on at the latest.
    pub fn note(&mut self, classes: usize, now: Time) {
        if self.classes.len() < classes {
            self.classes.resize(classes, now);
        }
    }

    /// When each class came.
    #[must_use]
    pub fn classes(&self) -> &[Time] {
        &self.classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_is_noted_once_and_stays() {
        let mut births = Births::default();
        for (classes, now) in [(2, 10), (2, 20), (3, 30), (1, 40)] {
            births.note(classes, Time(now));
        }
        assert_eq!(births.classes(), [Time(10), Time(10), Time(30)]);
    }
}
