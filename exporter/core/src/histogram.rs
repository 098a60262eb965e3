//! Counts over fixed bounds, as Prometheus' classic histograms have them.

use serde::{Deserialize, Serialize};

/// Bounds for how long a prediction took, in seconds.
pub const LATENCY_BOUNDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds for the probability of the positive class.
pub const SCORE_BOUNDS: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// Bounds for how late labels come, in seconds: 1m, 10m, 1h, 6h, 1d, 3d, 7d, 14d, 30d, 60d, 90d.
pub const DELAY_BOUNDS: &[f64] =
    &[60.0, 600.0, 3600.0, 21600.0, 86400.0, 259200.0, 604800.0, 1209600.0, 2592000.0, 5184000.0, 7776000.0];

/// Counts per bound, one more for what lies beyond, and the sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty histogram over ascending upper bounds, which are inclusive.
    #[must_use]
    pub fn new(bounds: &[f64]) -> Histogram {
        Histogram { counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts one value; `bounds` are those it was made with.
    pub fn observe(&mut self, bounds: &[f64], value: f64) {
        let at = bounds.partition_point(|bound| *bound < value).min(self.counts.len() - 1);
        self.counts[at] += 1;
        self.sum += value;
    }

    /// Adds the counts of another over the same bounds.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.sum += other.sum;
    }

    /// How many values lie in each bucket (not cumulative), the last one unbounded.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The sum of all values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }
}
