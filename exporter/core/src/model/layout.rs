//! Whose cells the feature panes of a slice count on, so that a configuration that changes one feature costs only that one.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::decision::Judge;
use crate::reference::FeatureReference;

/// The features of a slice when they were counted last, by numbers that differ when a name or a cell does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// One number for each feature, in the order of its counts in every pane.
    Features(Box<[u64]>),
    /// One for all of them in their order: all that the first format of a saved state knew.
    Whole(u64),
}

/// For every feature of a configuration its place among those that were counted before; `None` where it begins anew.
pub(super) type Kept = Vec<Option<usize>>;

impl Layout {
    /// The features as they are configured.
    pub(super) fn of(judge: &Judge<'_>) -> Layout {
        Layout::Features((0..judge.setup().features.len()).map(|at| number(judge, at..at + 1)).collect())
    }

    /// Which features are counted on the same cells as before.
    pub(super) fn kept(&self, judge: &Judge<'_>) -> Kept {
        let features = 0..judge.setup().features.len();
        match self {
            Layout::Features(before) => {
                let place = |at| before.iter().position(|known| *known == number(judge, at..at + 1));
                features.map(place).collect()
            }
            Layout::Whole(before) => {
                let fits = *before == number(judge, features.clone());
                features.map(|at| fits.then_some(at)).collect()
            }
        }
    }
}

fn number(judge: &Judge<'_>, features: std::ops::Range<usize>) -> u64 {
    let mut hash = Xxh3::new();
    for at in features {
        hash.update(judge.setup().features[at].name.as_bytes());
        hash.update(&judge.feature(at).map_or(0, FeatureReference::fingerprint).to_le_bytes());
    }
    hash.digest()
}
