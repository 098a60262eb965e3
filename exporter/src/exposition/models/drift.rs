//! Drift and data quality of one window.

use modelwatch_exporter_core::model::State;
use modelwatch_exporter_core::report::{FeatureReport, MethodReport};

use super::{Slice, gauge, truth};
use crate::exposition::{Exposition, Kind};

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
    }
    ratios(out, slice);
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
        out.family("data_drift_state", Kind::Gauge, "1 for the state that the feature is in, else 0.")
            .sample(&labels, truth(feature.state == state));
    }
    for (method, report) in &feature.methods {
        methods(out, &[model, version, of_feature, segment, window, ("method", method)], report);
    }
}

fn methods(out: &mut Exposition, labels: &[(&str, &str)], report: &MethodReport) {
    for (name, help, value) in [
        ("data_drift_score", "Distance between the window and the reference, by method.", Some(report.score)),
        (
            "data_drift_threshold",
            "Distance that counts: the effect size, or what chance reaches at the p-value cut-off if that is more.",
            Some(report.threshold),
        ),
        (
            "data_drift_excess",
            "The score on a scale where 0 is the mean without drift and 1 the threshold.",
            report.excess,
        ),
        (
            "data_drift_p_value",
            "Probability of counts this different without drift, not adjusted for the number of features.",
            Some(report.p_value),
        ),
    ] {
        gauge(out, name, help, labels, value);
    }
}

fn ratios(out: &mut Exposition, slice: &Slice<'_>) {
    for (name, ratios) in &slice.report.values.features {
        let labels = slice.feature_labels(name);
        for (name, help, value) in [
            ("data_missing_ratio", "Share of values that are null, NaN, empty or absent.", ratios.missing),
            (
                "data_out_of_range_ratio",
                "Share of numbers beyond the reference's range.",
                ratios.out_of_range,
            ),
            (
                "data_unseen_ratio",
                "Share of values that are categories the reference does not have.",
                ratios.unseen,
            ),
            ("data_type_mismatch_ratio", "Share of values of the wrong type.", ratios.type_mismatch),
        ] {
            gauge(out, name, help, &labels, Some(value));
        }
    }
}
