//! Rows per cell: an array while there are few cells, a map of the filled ones when there are many.
//!
//! A feature of 100 000 categories has a pane for every window and segment, and most panes see few of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Up to this many cells an array is smaller and faster than a map.
const FEW: usize = 256;

/// Counts of a fixed number of cells. A count for a cell that does not exist is dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Cells {
    /// Every cell.
    Few(Box<[u64]>),
    /// Cells that are not zero, out of `len`.
    Many {
        /// How many cells there are.
        len: u32,
        /// Never holds a zero, so that equal counts are equal.
        filled: BTreeMap<u32, u64>,
    },
}

impl Cells {
    pub(super) fn new(len: usize) -> Self {
        match u32::try_from(len) {
            Ok(len) if len as usize > FEW => Cells::Many { len, filled: BTreeMap::new() },
            _ => Cells::Few(vec![0; len].into()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Cells::Few(counts) => counts.len(),
            Cells::Many { len, .. } => *len as usize,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, cell: usize, rows: u64) {
        match self {
            Cells::Few(counts) => {
                if let Some(count) = counts.get_mut(cell) {
                    *count += rows;
                }
            }
            Cells::Many { len, filled } if cell < *len as usize && rows > 0 => {
                *filled.entry(cell as u32).or_default() += rows;
            }
            Cells::Many { .. } => {}
        }
    }

    pub(super) fn merge(&mut self, other: &Cells) {
        other.for_each(|cell, rows| self.add(cell, rows));
    }

    pub(super) fn subtract(&mut self, other: &Cells) {
        other.for_each(|cell, rows| self.remove(cell, rows));
    }

    pub(super) fn all(&self) -> Cow<'_, [u64]> {
        match self {
            Cells::Few(counts) => Cow::Borrowed(counts),
            Cells::Many { len, .. } => {
                let mut counts = Cells::Few(vec![0; *len as usize].into());
                counts.merge(self);
                Cow::Owned(counts.all().into_owned())
            }
        }
    }

    fn remove(&mut self, cell: usize, rows: u64) {
        match self {
            Cells::Few(counts) => {
                if let Some(count) = counts.get_mut(cell) {
                    *count = count.saturating_sub(rows);
                }
            }
            Cells::Many { filled, .. } => {
                if let Some(count) = filled.get_mut(&(cell as u32)) {
                    *count = count.saturating_sub(rows);
                    if *count == 0 {
                        filled.remove(&(cell as u32));
                    }
                }
            }
        }
    }

    fn for_each(&self, mut visit: impl FnMut(usize, u64)) {
        match self {
            Cells::Few(counts) => counts.iter().enumerate().for_each(|(cell, &rows)| visit(cell, rows)),
            Cells::Many { filled, .. } => filled.iter().for_each(|(&cell, &rows)| visit(cell as usize, rows)),
        }
    }
}
