//! How many positives and negatives have which score: what AUC is computed from, exact enough and small.
//!
//! A histogram is a function of the labelled scores in it, whatever the order in which they came, parts were merged and
//! labels were corrected. Cells without scores take no room.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::Score;

/// Counts by cell of the grid ([`Score::cell`]) and label. Mergeable; 24 bytes a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreHistogram {
    /// Ascending.
    cells: Vec<Cell>,
    /// Of all scores: see [`Score::squared_error`].
    squared_errors: u128,
}

/// Labelled scores that lie in one cell, one at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    values: Values,
    /// Those whose label is the positive class.
    pub positives: u64,
    /// The others.
    pub negatives: u64,
}

impl Cell {
    /// Whether all its scores are the same, to the last bit.
    #[must_use]
    pub fn is_one_value(&self) -> bool {
        self.values.0 & SEVERAL == 0
    }
}

const SEVERAL: u64 = 1 << 63;
/// Units of squared errors in 1: 2⁶⁴.
const UNITS: f64 = 18_446_744_073_709_551_616.0;

/// The one score that a cell holds, or the cell's number when there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Values(u64);

impl Values {
    fn one(score: Score) -> Values {
        Values(score.bits())
    }

    fn cell(self) -> u16 {
        match self.0 & SEVERAL {
            0 => Score::of_bits(self.0).map_or(0, Score::cell),
            _ => self.0 as u16,
        }
    }

    /// What two of the same cell are together.
    fn and(self, other: Values) -> Values {
        if self == other { self } else { Values(SEVERAL | u64::from(self.cell())) }
    }
}

impl ScoreHistogram {
    /// Counts one labelled score. Answers whether it is the first of its cell.
    pub fn add(&mut self, score: Score, positive: bool) -> bool {
        let values = Values::one(score);
        let mut new = false;
        let at = self.find(score).unwrap_or_else(|at| {
            self.cells.insert(at, Cell { values, positives: 0, negatives: 0 });
            new = true;
            at
        });
        let cell = &mut self.cells[at];
        cell.values = cell.values.and(values);
        *cell.of(positive) += 1;
        self.squared_errors += score.squared_error(positive);
        new
    }

    /// Moves one labelled score to the other class, because a later label contradicts the earlier one.
    pub fn correct(&mut self, score: Score, positive: bool) {
        let Ok(at) = self.find(score) else { return };
        let cell = &mut self.cells[at];
        if let Some(less) = cell.of(!positive).checked_sub(1) {
            *cell.of(!positive) = less;
            *cell.of(positive) += 1;
            self.squared_errors += score.squared_error(positive);
            self.squared_errors -= score.squared_error(!positive);
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &ScoreHistogram) {
        if other.cells.is_empty() {
            return;
        }
        self.squared_errors += other.squared_errors;
        let both = Vec::with_capacity(self.cells.len() + other.cells.len());
        let mine = std::mem::replace(&mut self.cells, both);
        let (mut mine, mut theirs) = (mine.into_iter().peekable(), other.cells.iter().copied().peekable());
        while let (Some(one), Some(two)) = (mine.peek(), theirs.peek()) {
            let next = match one.values.cell().cmp(&two.values.cell()) {
                Ordering::Less => mine.next(),
                Ordering::Greater => theirs.next(),
                Ordering::Equal => mine.next().zip(theirs.next()).map(|(one, two)| one.and(two)),
            };
            self.cells.extend(next);
        }
        self.cells.extend(mine.chain(theirs));
    }

    /// The cells that hold scores, from low to high.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// How many scores there are, by label: positives, negatives.
    #[must_use]
    pub fn classes(&self) -> (u64, u64) {
        self.cells.iter().fold((0, 0), |(p, n), cell| (p + cell.positives, n + cell.negatives))
    }

    /// The mean squared distance of scores from what was true, to 2⁻³²: scikit-learn's `brier_score_loss`. `None` without scores.
    #[must_use]
    pub fn brier_score(&self) -> Option<f64> {
        let (positives, negatives) = self.classes();
        let rows = positives + negatives;
        (rows > 0).then(|| self.squared_errors as f64 / UNITS / rows as f64)
    }

    fn find(&self, score: Score) -> Result<usize, usize> {
        let wanted = score.cell();
        self.cells.binary_search_by(|cell| cell.values.cell().cmp(&wanted))
    }
}

impl Cell {
    fn of(&mut self, positive: bool) -> &mut u64 {
        if positive { &mut self.positives } else { &mut self.negatives }
    }

    fn and(self, other: Cell) -> Cell {
        Cell {
            values: self.values.and(other.values),
            positives: self.positives + other.positives,
            negatives: self.negatives + other.negatives,
        }
    }
}

#[cfg(test)]
pub(in crate::quality) mod tests;
