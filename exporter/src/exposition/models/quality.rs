//! Quality and labels of one window, and what they are measured against.

use std::collections::BTreeMap;

use modelwatch_exporter_core::quality::Metric;
use modelwatch_exporter_core::report::{ModelReport, QualityReport};
use modelwatch_exporter_core::segment::ALL_ROWS;

use super::{Slice, gauge};
use crate::exposition::Exposition;

/// Name and help of a metric's gauge and of its baseline's.
fn names(metric: Metric) -> [&'static str; 4] {
    match metric {
        Metric::Accuracy => [
            "model_accuracy",
            "Share of right predictions in the window that ends at the label horizon.",
            "model_accuracy_baseline",
            "Share of right predictions that is expected.",
        ],
        Metric::Precision => [
            "model_precision",
            "Share of right ones among predicted positives in the window that ends at the label horizon.",
            "model_precision_baseline",
            "Share of right ones among predicted positives that is expected.",
        ],
        Metric::Recall => [
            "model_recall",
            "Share of positives that were found in the window that ends at the label horizon.",
            "model_recall_baseline",
            "Share of positives found that is expected.",
        ],
        Metric::F1 => [
            "model_f1",
            "Harmonic mean of precision and recall in the window that ends at the label horizon.",
            "model_f1_baseline",
            "Harmonic mean of precision and recall that is expected.",
        ],
        Metric::Specificity => [
            "model_specificity",
            "Share of negatives that were told so in the window that ends at the label horizon.",
            "model_specificity_baseline",
            "Share of negatives told so that is expected.",
        ],
        Metric::RocAuc => [
            "model_roc_auc",
            "Area under the ROC curve in the window that ends at the label horizon: the middle of its bounds.",
            "model_roc_auc_baseline",
            "Area under the ROC curve that is expected.",
        ],
        Metric::PrAuc => [
            "model_pr_auc",
            "Average precision, the area under the precision-recall curve, in the window that ends at the label horizon: the middle of its bounds.",
            "model_pr_auc_baseline",
            "Average precision that is expected.",
        ],
        Metric::BrierScore => [
            "model_brier_score",
            "Mean squared distance of scores from what was true in the window that ends at the label horizon; 0 is best.",
            "model_brier_score_baseline",
            "Mean squared distance of scores from what was true that is expected.",
        ],
    }
}

/// Names and helps of the gauges of a metric's bounds, for those that have some.
fn bound_names(metric: Metric) -> Option<[&'static str; 4]> {
    match metric {
        Metric::RocAuc => Some([
            "model_roc_auc_lower_bound",
            "What the exact area under the ROC curve of the window that ends at the label horizon is not below.",
            "model_roc_auc_upper_bound",
            "What the exact area under the ROC curve of the window that ends at the label horizon is not above.",
        ]),
        Metric::PrAuc => Some([
            "model_pr_auc_lower_bound",
            "What the exact average precision of the window that ends at the label horizon is not below.",
            "model_pr_auc_upper_bound",
            "What the exact average precision of the window that ends at the label horizon is not above.",
        ]),
        _ => None,
    }
}

pub(super) fn slice(out: &mut Exposition, slice: &Slice<'_>) {
    let labels = slice.labels();
    let ratio = slice.report.positive_ratio;
    let ratio_help = "Share of predictions in the window that are the positive class.";
    gauge(out, "model_positive_ratio", ratio_help, &labels, ratio);
    let baseline = &slice.report.baseline;
    let baseline_help = "Share of predictions that are the positive class in the reference.";
    gauge(out, "model_positive_ratio_baseline", baseline_help, &labels, baseline.positive_ratio);
    let quality = slice.report.quality.as_ref();
    for metric in Metric::ALL {
        let [name, help, baseline_name, baseline_help] = names(metric);
        gauge(out, baseline_name, baseline_help, &labels, baseline.metrics.get(&metric).copied());
        let told = |of: fn(&QualityReport) -> &BTreeMap<Metric, f64>| of(quality?).get(&metric).copied();
        gauge(out, name, help, &labels, told(|quality| &quality.metrics));
        if let Some([lower, lower_help, upper, upper_help]) = bound_names(metric) {
            gauge(out, lower, lower_help, &labels, told(|quality| &quality.lower_bounds));
            gauge(out, upper, upper_help, &labels, told(|quality| &quality.upper_bounds));
        }
    }
    if *slice.segment == *ALL_ROWS {
        horizon(out, slice);
    }
}

/// How differently segments are treated.
pub(super) fn fairness(out: &mut Exposition, report: &ModelReport) {
    let help =
        "Greatest minus least value of the metric among the segments of a key that hold drift.min_rows rows.";
    for (version, of_version) in &report.versions {
        let windows = of_version.fairness.iter().flat_map(|(key, all)| all.iter().map(move |one| (key, one)));
        for (key, (window, differences)) in windows {
            for (metric, difference) in differences {
                let labels = [
                    ("model", &*report.model),
                    ("version", version),
                    ("segment_key", key),
                    ("metric", metric.as_str()),
                    ("window", window),
                ];
                gauge(out, "model_fairness_difference", help, &labels, Some(*difference));
            }
        }
    }
}

/// Where the quality of all rows ends and how far it is labelled: families that have no segments.
fn horizon(out: &mut Exposition, slice: &Slice<'_>) {
    let [model, version, _, window] = slice.labels();
    gauge(
        out,
        "model_quality_window_end_timestamp_seconds",
        "Where the quality window of all rows ends: the label horizon, in seconds since 1970.",
        &[model, version, window],
        slice.report.quality.as_ref().map(|quality| quality.window_end_seconds),
    );
    gauge(
        out,
        "model_label_coverage_ratio",
        "Labelled share of the predictions in the quality window of all rows.",
        &[model, version, window],
        slice.report.labels.map(|labels| labels.coverage),
    );
}
