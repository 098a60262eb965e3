//! How complete and well-formed a window's values are.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{ModelSetup, Pane};
use crate::schema::Kind;

/// Shares over all monitored features and for each.
#[derive(Debug, Clone, Serialize)]
pub struct ValuesReport {
    /// Values that are there among all that should be; `null` for an empty window.
    pub completeness: Option<f64>,
    /// By feature; empty for an empty window.
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
    if pane.rows == 0 || setup.features.is_empty() {
        return ValuesReport { completeness: None, features: BTreeMap::new() };
    }
    let named = setup.features.iter().zip(&pane.features);
    let features: BTreeMap<_, _> = named
        .map(|(feature, counts)| {
            (feature.name.clone(), ratios(|kind| counts.kinds()[kind.index()], pane.rows))
        })
        .collect();
    let missing = features.values().map(|ratios| ratios.missing).sum::<f64>() / features.len() as f64;
    ValuesReport { completeness: Some(1.0 - missing), features }
}

fn ratios(count: impl Fn(Kind) -> u64, rows: u64) -> FeatureRatios {
    let share = |kinds: &[Kind]| kinds.iter().map(|kind| count(*kind)).sum::<u64>() as f64 / rows as f64;
    FeatureRatios {
        missing: share(&[Kind::Null, Kind::Nan, Kind::Empty, Kind::Absent]),
        out_of_range: share(&[Kind::OutOfRange, Kind::Infinite]),
        unseen: share(&[Kind::Unseen]),
        type_mismatch: share(&[Kind::BadType]),
    }
}
