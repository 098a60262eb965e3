//! Drift and data quality of one window.

use modelwatch_exporter_core::model::State;
use modelwatch_exporter_core::report::{FeatureRatios, FeatureReport, MethodReport};

use super::{Slice, gauge, truth};
use crate::exposition::Exposition;

pub(super) fn slice(out: &mut Exposition, slice: &Slice<'_>) {
    let labels = slice.labels();
    let dataset = &slice.report.dataset;
    let count = |value: Option<usize>| value.map(|value| value as f64);
    for (name, help, value) in [
        ("data_window_rows", "Predictions in the window.", Some(slice.report.current.rows as f64)),
        ("data_drift_share", "Drifted among monitored features, as last decided.", dataset.share),
        ("data_drifted_features", "Features that drifted, as last decided.", count(dataset.drifted)),
        (
            "data_monitored_features",
            "Features whose drift could be told, as last decided.",
            count(dataset.monitored),
        ),
        (
            "data_drift_dataset_detected",
            "1 if the share of drifted features reached drift.share when last decided, else 0.",
            dataset.detected.map(truth),
        ),
        (
            "data_drift_p_value_cutoff",
            "Benjamini-Hochberg's cut-off for the p-values as they stand now.",
            dataset.p_value_cutoff,
        ),
        (
            "data_completeness_ratio",
            "Share of the monitored features' values that are there.",
            slice.report.values.completeness,
        ),
    ] {
        gauge(out, name, help, &labels, value);
    }
    for (name, feature) in &slice.report.features {
        self::feature(out, slice, name, feature);
        ratios(out, &slice.feature_labels(name), slice.report.values.features.get(name));
    }
}

fn feature(out: &mut Exposition, slice: &Slice<'_>, name: &str, feature: &FeatureReport) {
    let [model, version, of_feature, segment, window] = slice.feature_labels(name);
    let labels = [model, version, of_feature, segment, window];
    gauge(
        out,
        "data_drift_detected",
        "1 if the feature drifted when it was last decided at the end of a window, else 0.",
        &labels,
        feature.detected.map(truth),
    );
    for state in State::ALL {
        let labels = [model, version, of_feature, segment, window, ("state", state.as_str())];
        let help = "1 for the state that the feature is in, else 0.";
        gauge(out, "data_drift_state", help, &labels, Some(truth(feature.state == state)));
    }
    // takes its room even when nothing is known
    methods(out, &[model, version, of_feature, segment, window, ("method", "")], None);
    for (method, report) in &feature.methods {
        methods(out, &[model, version, of_feature, segment, window, ("method", method)], Some(report));
    }
}

/// By method: name and help.
const BY_METHOD: [(&str, &str); 4] = [
    ("data_drift_score", "Distance between the window and the reference, by method."),
    (
        "data_drift_threshold",
        "Distance that counts: the effect size, or what chance reaches at the p-value cut-off if that is more.",
    ),
    ("data_drift_excess", "The score on a scale where 0 is the mean without drift and 1 the threshold."),
    (
        "data_drift_p_value",
        "Probability of counts this different without drift, not adjusted for the number of features.",
    ),
];

fn methods(out: &mut Exposition, labels: &[(&str, &str)], report: Option<&MethodReport>) {
    let values = match report {
        Some(report) => [Some(report.score), Some(report.threshold), report.excess, Some(report.p_value)],
        None => [None; 4],
    };
    for ((name, help), value) in BY_METHOD.into_iter().zip(values) {
        gauge(out, name, help, labels, value);
    }
}

/// Ratios of one feature's values: name and help.
const RATIOS: [(&str, &str); 4] = [
    ("data_missing_ratio", "Share of values that are null, NaN, empty or absent."),
    ("data_out_of_range_ratio", "Share of numbers beyond the reference's range."),
    ("data_unseen_ratio", "Share of values that are categories the reference does not have."),
    ("data_type_mismatch_ratio", "Share of values of the wrong type."),
];

fn ratios(out: &mut Exposition, labels: &[(&str, &str)], ratios: Option<&FeatureRatios>) {
    let values =
        ratios.map(|ratios| [ratios.missing, ratios.out_of_range, ratios.unseen, ratios.type_mismatch]);
    for (at, (name, help)) in RATIOS.into_iter().enumerate() {
        gauge(out, name, help, labels, values.map(|values| values[at]));
    }
}
