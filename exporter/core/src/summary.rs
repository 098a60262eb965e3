//! What one pane or window knows of one feature: rows per cell of the reference and per kind.
//!
//! Only integers, so that merging is exact, commutative and associative, and a pane that leaves a window can be subtracted again.
//! A summary knows no cell edges; those are the reference's.

mod cells;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use self::cells::Cells;
use crate::reference::FeatureReference;
use crate::schema::Kind;

/// Counts of one feature over some rows. With 10 bins at most 256 bytes, allocation included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureCounts {
    cells: Cells,
    kinds: [u64; Kind::COUNT],
}

impl FeatureCounts {
    /// No rows, on the cells of this reference.
    pub fn new(reference: &FeatureReference) -> Self {
        FeatureCounts { cells: Cells::new(reference.counts().len()), kinds: [0; Kind::COUNT] }
    }

    /// No rows of a feature that has no reference: one cell for all values, so that only kinds tell something.
    pub fn without_reference() -> Self {
        FeatureCounts { cells: Cells::new(1), kinds: [0; Kind::COUNT] }
    }

    /// Counts one row whose value [`FeatureReference::cell`] found in this cell and of this kind.
    #[inline]
    pub fn add(&mut self, cell: usize, kind: Kind) {
        self.cells.add(cell, 1);
        self.kinds[kind.index()] += 1;
    }

    /// Adds rows counted beside the same reference.
    pub fn merge(&mut self, other: &FeatureCounts) {
        self.cells.merge(&other.cells);
        for (count, more) in self.kinds.iter_mut().zip(other.kinds) {
            *count += more;
        }
    }

    /// Takes away rows that were merged before; afterwards it is as if they never had been.
    pub fn subtract(&mut self, other: &FeatureCounts) {
        self.cells.subtract(&other.cells);
        for (count, less) in self.kinds.iter_mut().zip(other.kinds) {
            *count = count.saturating_sub(less);
        }
    }

    /// Rows per cell, in the order of [`FeatureReference::counts`].
    pub fn cells(&self) -> Cow<'_, [u64]> {
        self.cells.all()
    }

    /// Rows by [`Kind::index`].
    pub fn kinds(&self) -> &[u64; Kind::COUNT] {
        &self.kinds
    }

    /// Rows counted.
    pub fn rows(&self) -> u64 {
        self.kinds.iter().sum()
    }

    /// How many cells there are: must equal that of the reference these counts are compared with.
    pub fn cell_count(&self) -> usize {
        self.cells.len()
    }
}

#[cfg(test)]
mod tests;
