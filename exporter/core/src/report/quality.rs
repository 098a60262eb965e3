//! How good a window's labelled predictions were.

use std::collections::BTreeMap;

use super::QualityReport;
use crate::model::QualityWindow;
use crate::quality::{ClassIndex, Measure, Metric, Unknown, measure};

pub(super) fn quality(window: &QualityWindow, positive: Option<ClassIndex>) -> QualityReport {
    let binary = positive.map(|class| window.counts.confusion.against_rest(class)).unwrap_or_default();
    let mut report = QualityReport {
        window_end_seconds: window.end.seconds(),
        rows: window.counts.labelled,
        metrics: BTreeMap::new(),
        lower_bounds: BTreeMap::new(),
        upper_bounds: BTreeMap::new(),
        unknown: BTreeMap::new(),
    };
    for metric in Metric::ALL {
        let measured = match metric {
            metric if metric.is_of_scores() && !window.scores_kept => Err(Unknown::ScoresGivenUp),
            metric => measure(metric, &binary, &window.counts.scores),
        };
        report.tell(metric, measured);
    }
    report
}

impl QualityReport {
    fn tell(&mut self, metric: Metric, measured: Result<Measure, Unknown>) {
        match measured {
            Ok(measure) => {
                self.metrics.insert(metric, measure.value);
                if let Some((lower, upper)) = measure.bounds {
                    self.lower_bounds.insert(metric, lower);
                    self.upper_bounds.insert(metric, upper);
                }
            }
            Err(reason) => {
                self.unknown.insert(metric, reason);
            }
        }
    }
}
