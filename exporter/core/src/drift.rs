//! Whether and how far a window differs from its reference: scores, evidence and the decision.
//!
//! A score says how far apart two histograms are, [`evidence`] how surprising that is if nothing changed, and a drift is decided
//! only when both speak. Everything is a pure function of counts; what is random is seeded by the counts themselves.

mod benjamini_hochberg;
pub mod evidence;
mod jensen_shannon;
mod null;
mod permutation;
mod psi;
mod table;

use serde::{Deserialize, Serialize};

pub use self::{
    benjamini_hochberg::benjamini_hochberg,
    null::{NullCache, NullScore},
    table::Table,
};
use crate::schema::FeatureType;

/// A drift score on the cells of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Population stability index, smoothed.
    Psi,
    /// Jensen–Shannon distance.
    JensenShannon,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 2] = [Method::Psi, Method::JensenShannon];

    /// The name in configuration, labels and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Psi => "psi",
            Method::JensenShannon => "jensen_shannon",
        }
    }

    /// The method that decides when the configuration names none; an identifier has none.
    pub const fn default_for(feature_type: FeatureType) -> Option<Method> {
        match feature_type {
            FeatureType::Numeric => Some(Method::Psi),
            FeatureType::Categorical => Some(Method::JensenShannon),
            FeatureType::Identifier => None,
        }
    }

    /// The score below which a difference does not matter, however certain it is.
    pub const fn effect_size(self) -> f64 {
        match self {
            Method::Psi | Method::JensenShannon => 0.1,
        }
    }

    /// The score of a table: 0 where the shares are equal, never NaN or infinite.
    pub fn score(self, table: &Table) -> f64 {
        self.of_divergence(self.divergence(table))
    }

    /// The scale on which the score is asymptotically a multiple of χ²: the null is fitted there.
    fn divergence(self, table: &Table) -> f64 {
        match self {
            Method::Psi => psi::index(table),
            Method::JensenShannon => jensen_shannon::divergence(table),
        }
    }

    fn of_divergence(self, divergence: f64) -> f64 {
        match self {
            Method::Psi => divergence,
            Method::JensenShannon => divergence.sqrt(),
        }
    }
}

/// Whether a feature drifted: the score matters and the evidence carries it.
///
/// `cutoff` is that of [`benjamini_hochberg`] over the family.
pub fn decide(score: f64, effect_size: f64, p_value: f64, cutoff: f64) -> bool {
    score >= effect_size && p_value <= cutoff
}

/// The score that is enough in this window: the effect size, or what chance alone exceeds with probability `cutoff`,
/// whichever is greater.
pub fn threshold(effect_size: f64, null: &NullScore, cutoff: f64) -> f64 {
    effect_size.max(null.exceeded_with(cutoff))
}

/// The score on a scale where 0 is what no drift gives on average and 1 is the threshold; `None` if the threshold is not
/// above that average, so that there is no such scale.
pub fn excess(score: f64, null: &NullScore, threshold: f64) -> Option<f64> {
    let span = threshold - null.mean();
    (span > 0.0).then(|| (score - null.mean()) / span)
}

#[cfg(test)]
mod tests;
