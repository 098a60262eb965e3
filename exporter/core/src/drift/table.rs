//! The two-row table that every count-based comparison is made on: reference and current rows of the cells either of them fills.

use xxhash_rust::xxh3::Xxh3Default;

/// Reference and current counts of the cells that are not empty in both. Both rows have at least one count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    reference: Vec<u64>,
    current: Vec<u64>,
    reference_rows: u64,
    current_rows: u64,
}

impl Table {
    /// The table of two histograms on the same cells, or `None` if one of them has no row: then nothing can be compared.
    pub fn new(reference: &[u64], current: &[u64]) -> Option<Table> {
        let filled = || reference.iter().zip(current).filter(|(r, c)| **r + **c > 0);
        let table = Table {
            reference: filled().map(|(r, _)| *r).collect(),
            current: filled().map(|(_, c)| *c).collect(),
            reference_rows: reference.iter().sum(),
            current_rows: current.iter().sum(),
        };
        (table.reference_rows > 0 && table.current_rows > 0).then_some(table)
    }

    /// How many cells are not empty (K). With one cell both histograms are constant and cannot differ.
    pub fn cells(&self) -> usize {
        self.reference.len()
    }

    /// Reference rows (N).
    pub fn reference_rows(&self) -> u64 {
        self.reference_rows
    }

    /// Current rows (M).
    pub fn current_rows(&self) -> u64 {
        self.current_rows
    }

    /// A seed that belongs to these counts alone.
    pub(super) fn seed(&self) -> u64 {
        let mut hash = Xxh3Default::new();
        for (reference, current) in self.pairs() {
            hash.update(&reference.to_le_bytes());
            hash.update(&current.to_le_bytes());
        }
        hash.digest()
    }

    /// Reference and current count of each cell.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.reference.iter().copied().zip(self.current.iter().copied())
    }

    /// Rows of both per cell.
    pub(super) fn pooled(&self) -> Vec<u64> {
        self.pairs().map(|(reference, current)| reference + current).collect()
    }
}
