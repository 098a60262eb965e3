//! How many scores one window's panes may keep while labels come in, and what is given up beyond.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{QualityPane, ScoreHistogram};

/// Cells in all score histograms of one window's panes: 24 bytes each. Enough for the panes of a day's window over 30 days of
/// `labels.wait` with 2 700 cells each, or for as many labelled predictions.
pub const MAX_SCORE_CELLS: u64 = 4_000_000;

/// Which of a window's panes still have their scores: the newest ones. What is given up never comes back, so that a window is
/// never told from a part of its scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptScores {
    /// The oldest pane that keeps scores.
    from: i64,
    /// Cells in all panes.
    cells: u64,
}

impl Default for KeptScores {
    fn default() -> KeptScores {
        KeptScores { from: i64::MIN, cells: 0 }
    }
}

impl KeptScores {
    /// None of these panes has any: scores are kept from the pane after them on.
    #[must_use]
    pub fn after(panes: &BTreeMap<i64, QualityPane>) -> KeptScores {
        let from = panes.last_key_value().map_or(i64::MIN, |(last, _)| last.saturating_add(1));
        KeptScores { from, cells: 0 }
    }

    /// Whether a pane keeps scores.
    #[must_use]
    pub fn keeps(&self, pane: i64) -> bool {
        pane >= self.from
    }

    /// Whether no labelled pane of these lacks its scores.
    #[must_use]
    pub fn cover(&self, panes: &BTreeMap<i64, QualityPane>, window: RangeInclusive<i64>) -> bool {
        panes.range(window).all(|(at, pane)| self.keeps(*at) || pane.labelled == 0)
    }

    /// Notes a new cell; gives up the scores of the oldest panes that have some while there are more than `most`.
    pub fn grow(&mut self, panes: &mut BTreeMap<i64, QualityPane>, most: u64) {
        self.cells += 1;
        while self.cells > most {
            let Some((&at, pane)) = panes.range_mut(self.from..).next() else { return };
            self.shrink(pane);
            pane.scores = ScoreHistogram::default();
            self.from = at + 1;
        }
    }

    /// Notes that a pane goes.
    pub fn shrink(&mut self, pane: &QualityPane) {
        self.cells = self.cells.saturating_sub(pane.scores.cells().len() as u64);
    }
}

#[cfg(test)]
mod tests;
