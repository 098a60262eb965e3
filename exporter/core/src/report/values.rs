//! How complete and well-formed a window's values are.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{ModelSetup, Pane};
use crate::schema::Kind;
use crate::summary::FeatureCounts;

const MISSING: [Kind; 4] = [Kind::Null, Kind::Nan, Kind::Empty, Kind::Absent];

/// Shares over all monitored features and for each.
#[derive(Debug, Clone, Serialize)]
pub struct ValuesReport {
    /// Values that are there among all that should be; `null` for a window in which no feature was counted.
    pub completeness: Option<f64>,
    /// By feature, each over the rows that it was counted in; without those that were counted in none.
    pub features: BTreeMap<Box<str>, FeatureRatios>,
}

/// Shares of one feature's values, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FeatureRatios {
    /// Null, NaN, empty or absent.
    pub missing: f64,
    /// Numbers beyond the reference's range, infinities included.
    pub out_of_range: f64,
    /// Categories that the reference does not have.
    pub unseen: f64,
    /// Values of the wrong type.
    pub type_mismatch: f64,
}

pub(super) fn values(pane: &Pane, setup: &ModelSetup) -> ValuesReport {
    let counted: Vec<_> =
        setup.features.iter().zip(&pane.features).filter(|(_, counts)| counts.rows() > 0).collect();
    let rows: u64 = counted.iter().map(|(_, counts)| counts.rows()).sum();
    let features: BTreeMap<_, _> =
        counted.iter().map(|(feature, counts)| (feature.name.clone(), ratios(counts))).collect();
    let missing: u64 = counted.iter().map(|(_, counts)| of_kinds(counts, &MISSING)).sum();
    let completeness = (rows > 0).then(|| 1.0 - missing as f64 / rows as f64);
    ValuesReport { completeness, features }
}

fn ratios(counts: &FeatureCounts) -> FeatureRatios {
    let share = |kinds: &[Kind]| of_kinds(counts, kinds) as f64 / counts.rows() as f64;
    FeatureRatios {
        missing: share(&MISSING),
        out_of_range: share(&[Kind::OutOfRange, Kind::Infinite]),
        unseen: share(&[Kind::Unseen]),
        type_mismatch: share(&[Kind::BadType]),
    }
}

fn of_kinds(counts: &FeatureCounts, kinds: &[Kind]) -> u64 {
    kinds.iter().map(|kind| counts.kinds()[kind.index()]).sum()
}
