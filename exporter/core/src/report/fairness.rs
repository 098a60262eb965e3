//! How differently a model treats the segments of one key: the greatest minus the least value among them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{SegmentReport, WindowReport};
use crate::quality::Metric;
use crate::segment;

/// What is compared between segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FairnessMetric {
    /// Share of predictions that are the positive class: demographic parity.
    PositiveRatio,
    /// Share of positives that were found: equal opportunity.
    Recall,
    /// Share of negatives said to be positive; with recall, equalised odds (Hardt, Price and Srebro 2016).
    FalsePositiveRate,
}

/// Differences in [0, 1] by metric.
pub type Differences = BTreeMap<FairnessMetric, f64>;

impl FairnessMetric {
    const ALL: [FairnessMetric; 3] =
        [FairnessMetric::PositiveRatio, FairnessMetric::Recall, FairnessMetric::FalsePositiveRate];

    /// The value of the `metric` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FairnessMetric::PositiveRatio => "positive_ratio",
            FairnessMetric::Recall => "recall",
            FairnessMetric::FalsePositiveRate => "false_positive_rate",
        }
    }

    /// The metric in a window of a slice; `None` for one that is not known or is of fewer rows than say something.
    fn of(self, window: &WindowReport, min_rows: u64) -> Option<f64> {
        let metric = |metric| {
            let quality = window.quality.as_ref().filter(|quality| quality.rows >= min_rows)?;
            quality.metrics.get(&metric).copied()
        };
        match self {
            FairnessMetric::PositiveRatio => {
                window.positive_ratio.filter(|_| window.current.rows >= min_rows)
            }
            FairnessMetric::Recall => metric(Metric::Recall),
            FairnessMetric::FalsePositiveRate => {
                metric(Metric::Specificity).map(|specificity| 1.0 - specificity)
            }
        }
    }
}

/// The differences by key and window, where at least two segments have a value. What is counted together as `other` is no
/// group of its own and left out.
pub(super) fn fairness(
    segments: &BTreeMap<Box<str>, SegmentReport>,
    min_rows: u64,
) -> BTreeMap<Box<str>, BTreeMap<String, Differences>> {
    let mut values: BTreeMap<(&str, &str, FairnessMetric), Vec<f64>> = BTreeMap::new();
    let groups = segments.iter().filter_map(|(name, report)| Some((segment::key_of_own(name)?, report)));
    for (key, report) in groups {
        for (window, of_window) in &report.windows {
            for metric in FairnessMetric::ALL {
                if let Some(value) = metric.of(of_window, min_rows) {
                    values.entry((key, window, metric)).or_default().push(value);
                }
            }
        }
    }
    let mut differences: BTreeMap<Box<str>, BTreeMap<String, Differences>> = BTreeMap::new();
    for ((key, window, metric), values) in values.into_iter().filter(|(_, values)| values.len() > 1) {
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let of_window = differences.entry(key.into()).or_default().entry(window.to_owned()).or_default();
        of_window.insert(metric, greatest - least);
    }
    differences
}
