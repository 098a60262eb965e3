//! A feature's values beside its reference, cell by cell: what a picture is drawn from.
//!
//! A report only keeps the counts it was computed from. Shares and names are computed for whoever asks, one feature at a
//! time, so that a publication never pays for pictures that nobody looks at.

use serde::Serialize;

use super::ModelReport;
use crate::model::Judge;
use crate::reference::FeatureReference;
use crate::schema::FeatureType;
use crate::summary::FeatureCounts;

/// Categories that are told apart; the rarest of both sides are one cell together.
pub const MOST_CATEGORIES: usize = 20;

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// Numbers under the first bin.
    Below,
    /// Numbers of an interval.
    Bin,
    /// Numbers over the last bin.
    Above,
    /// One category.
    Category,
    /// The categories beyond [`MOST_CATEGORIES`].
    OtherCategories,
    /// Rows without a value.
    Missing,
    /// Categories that the reference does not have.
    Unseen,
    /// Values of another type.
    BadType,
}

/// One cell of a feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// The interval, the category, or the kind in a word.
    pub name: String,
    /// What it holds.
    pub kind: CellKind,
    /// Share of the reference's rows, in [0, 1].
    pub reference: f64,
    /// Share of the window's rows, in [0, 1]; `null` for an empty window.
    pub current: Option<f64>,
}

/// One feature of a window beside its reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// Numeric or categorical.
    #[serde(rename = "type")]
    pub feature_type: FeatureType,
    /// Bins ascend, categories are in the order of their numbers or else of their texts; what is no value comes last.
    pub cells: Vec<Cell>,
}

impl ModelReport {
    /// A feature of one window (version, segment, window), cell by cell; `None` where there is no such window or no
    /// reference to stand beside.
    #[must_use]
    pub fn distribution(&self, [version, segment, window]: [&str; 3], feature: &str) -> Option<Distribution> {
        let place = self.setup.features.iter().position(|known| *known.name == *feature)?;
        let window = self.versions.get(version)?.segments.get(segment)?.windows.get(window)?;
        let judge = Judge::new(&self.setup, version, segment);
        Some(Distribution::of(judge.feature(place)?, window.counts.get(place)?))
    }
}

impl Distribution {
    /// The shares of both sides on the reference's cells.
    #[must_use]
    pub fn of(reference: &FeatureReference, counts: &FeatureCounts) -> Distribution {
        let feature_type = reference.feature_type();
        let (before, after) = (reference.rows().max(1) as f64, counts.rows());
        let names = reference.cell_names();
        let last = names.len();
        let current = counts.cells();
        let cell = |(at, name): (usize, String)| Cell {
            name,
            kind: kind(feature_type, at, last),
            reference: reference.counts()[at] as f64 / before,
            current: (after > 0).then(|| current.get(at).copied().unwrap_or(0) as f64 / after as f64),
        };
        let cells: Vec<Cell> = names.into_iter().enumerate().map(cell).collect();
        let cells = if feature_type == FeatureType::Categorical { in_order(folded(cells)) } else { cells };
        Distribution { feature_type, cells }
    }
}

/// What the cell at a place is, by the order that [`FeatureReference::new`] promises.
fn kind(feature_type: FeatureType, at: usize, cells: usize) -> CellKind {
    match (feature_type, cells - at) {
        (FeatureType::Categorical, 1) => CellKind::Unseen,
        (FeatureType::Categorical, 2) | (_, 2) => CellKind::Missing,
        (FeatureType::Categorical, _) => CellKind::Category,
        (_, 1) => CellKind::BadType,
        (_, 3) => CellKind::Above,
        _ if at == 0 => CellKind::Below,
        _ => CellKind::Bin,
    }
}

/// Puts the categories that are rare on both sides into one cell, where there are too many.
fn folded(mut cells: Vec<Cell>) -> Vec<Cell> {
    let special = cells.split_off(cells.len().saturating_sub(2));
    if cells.len() > MOST_CATEGORIES {
        cells.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        let rare = cells.split_off(MOST_CATEGORIES);
        let shares = rare.iter().map(|cell| cell.current);
        cells.push(Cell {
            name: format!("{} other categories", rare.len()),
            kind: CellKind::OtherCategories,
            reference: rare.iter().map(|cell| cell.reference).sum(),
            current: shares.sum(),
        });
    }
    cells.extend(special);
    cells
}

fn weight(cell: &Cell) -> f64 {
    cell.reference.max(cell.current.unwrap_or(0.0))
}

/// Categories by their numbers if all are numbers, else as texts; the rest stays behind them.
fn in_order(mut cells: Vec<Cell>) -> Vec<Cell> {
    let categories = cells.iter().take_while(|cell| cell.kind == CellKind::Category).count();
    let categories = &mut cells[..categories];
    let number = |cell: &Cell| cell.name.parse::<f64>().ok().filter(|number| number.is_finite());
    if categories.iter().all(|cell| number(cell).is_some()) {
        categories.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
    } else {
        categories.sort_by(|a, b| a.name.cmp(&b.name));
    }
    cells
}

#[cfg(test)]
mod tests;
