//! Counters since the beginning, of models and versions.

use modelwatch_exporter_core::event::Reason;
use modelwatch_exporter_core::histogram::{DELAY_BOUNDS, LATENCY_BOUNDS, SCORE_BOUNDS};
use modelwatch_exporter_core::idempotency::KeyTotals;
use modelwatch_exporter_core::report::{ModelReport, VersionReport};
use modelwatch_exporter_core::schema;
use modelwatch_exporter_core::time::Time;

use super::{SOURCE, gauge};
use crate::exposition::{Exposition, Kind};

pub(super) fn model(out: &mut Exposition, report: &ModelReport) {
    let model = [("model", &*report.model)];
    let sourced = [model[0], ("source", SOURCE)];
    let totals = &report.totals;
    counter(out, "data_rows_total", "Predictions counted.", &sourced, totals.rows);
    values(out, report);
    out.family(
        "model_label_delay_seconds",
        Kind::Histogram,
        "Seconds of event time from a prediction to its first label.",
    )
    .histogram(&model, DELAY_BOUNDS, totals.label_delay.counts(), totals.label_delay.sum());
    counter(
        out,
        "model_labels_unmatched_total",
        "Labels that found no prediction when they came; they join if it comes within labels.wait.",
        &[model[0], ("version", "")],
        totals.labels_unmatched,
    );
    gauge(
        out,
        "data_last_event_timestamp_seconds",
        "Event time of the newest event, in seconds since 1970.",
        &sourced,
        totals.newest_event.map(Time::seconds),
    );
    health(out, report);
}

/// What tells how the exporter itself fares with this model.
fn health(out: &mut Exposition, report: &ModelReport) {
    let model = ("model", &*report.model);
    let totals = &report.totals;
    gauge(
        out,
        "modelwatch_exporter_model_clock_seconds",
        "What now is for the model's windows, in seconds since 1970: the newest prediction (clock: event) or the time of day.",
        &[model],
        report.clock_seconds,
    );
    gauge(
        out,
        "modelwatch_exporter_waiting_predictions",
        "Ids that wait for a label or a prediction.",
        &[model],
        Some(totals.waiting as f64),
    );
    for (outcome, count) in [
        ("repeated", totals.labels_repeated),
        ("contradicted", totals.labels_contradicted),
        ("evicted", totals.evicted),
    ] {
        counter(
            out,
            "modelwatch_exporter_labels_total",
            "Labels that repeated what was known, that contradicted an earlier one and took its place, and ids forgotten before labels.wait.",
            &[model, ("outcome", outcome)],
            count,
        );
    }
}

fn values(out: &mut Exposition, report: &ModelReport) {
    for (feature, kinds) in report.feature_names.iter().zip(&report.totals.kinds) {
        for kind in schema::Kind::ALL {
            let labels = [("model", &*report.model), ("feature", &**feature), ("kind", kind.label())];
            counter(
                out,
                "data_values_total",
                "Feature values by what they are.",
                &labels,
                kinds[kind.index()],
            );
        }
    }
}

pub(super) fn version(out: &mut Exposition, report: &ModelReport, version: &str, of_version: &VersionReport) {
    let base = [("model", &*report.model), ("version", version)];
    let totals = &of_version.totals;
    for (status, count) in &totals.statuses {
        let labels = [base[0], base[1], ("status", &**status)];
        counter(
            out,
            "model_predictions_total",
            "Requests for a prediction, by how they ended.",
            &labels,
            *count,
        );
    }
    for (class, count) in &totals.classes {
        let labels = [base[0], base[1], ("class", report.classes.name(*class))];
        counter(out, "model_prediction_class_total", "Predictions by class.", &labels, *count);
    }
    for (actual, predicted, count) in totals.confusion.cells() {
        let (actual, predicted) = (report.classes.name(actual), report.classes.name(predicted));
        let labels = [base[0], base[1], ("segment", ""), ("actual", actual), ("predicted", predicted)];
        let help = "Labelled predictions by true and predicted class, as their first labels said.";
        counter(out, "model_confusion_total", help, &labels, count);
    }
    counter(out, "model_labels_total", "Predictions that got a label.", &base, totals.labels);
    counter(
        out,
        "data_drift_alerts_total",
        "How often the data set came to drift, over all windows.",
        &base,
        of_version.dataset_detections,
    );
    out.family("model_prediction_latency_seconds", Kind::Histogram, "Seconds that predictions took.")
        .histogram(&base, LATENCY_BOUNDS, totals.latency.counts(), totals.latency.sum());
    out.family("model_prediction_score", Kind::Histogram, "Probability of the positive class.").histogram(
        &base,
        SCORE_BOUNDS,
        totals.score.counts(),
        totals.score.sum(),
    );
}

pub(super) fn rejected(out: &mut Exposition, rejected: &[(Reason, u64)]) {
    for reason in Reason::ALL {
        let count = rejected.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count);
        let labels = [("source", SOURCE), ("reason", reason.as_str())];
        counter(out, "data_rejected_rows_total", "Events that were not counted, by reason.", &labels, count);
    }
}

pub(super) fn keys(out: &mut Exposition, keys: KeyTotals) {
    let help = "Answers that are remembered by their Idempotency-Key, for 24 hours.";
    gauge(out, "modelwatch_exporter_idempotency_keys", help, &[], Some(keys.remembered as f64));
    let help =
        "Answers forgotten before their 24 hours were over: over 200000 keys or 64 MiB, the oldest go first.";
    counter(out, "modelwatch_exporter_idempotency_keys_evicted_total", help, &[], keys.evicted);
}

fn counter(out: &mut Exposition, name: &str, help: &str, labels: crate::exposition::Labels<'_>, value: u64) {
    out.family(name, Kind::Counter, help).sample(labels, value as f64);
}
