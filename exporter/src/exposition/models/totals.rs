//! Counters since the beginning, of models and of the exporter's own work.

use std::collections::BTreeMap;

use modelwatch_exporter_core::event::Reason;
use modelwatch_exporter_core::histogram::DELAY_BOUNDS;
use modelwatch_exporter_core::idempotency::KeyTotals;
use modelwatch_exporter_core::model::KindCounts;
use modelwatch_exporter_core::report::ModelReport;
use modelwatch_exporter_core::schema;
use modelwatch_exporter_core::time::Time;

use super::{OTHER, SOURCE, counter, gauge};
use crate::exposition::{Exposition, Kind};

pub(super) fn model(out: &mut Exposition, report: &ModelReport) {
    let model = [("model", &*report.model)];
    let sourced = [model[0], ("source", SOURCE)];
    let totals = &report.totals;
    counter(out, "data_rows_total", "Predictions counted.", &sourced, totals.rows);
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
        "Ids that are remembered for labels.wait: predictions, labelled or not, and labels without one.",
        &[model],
        Some(totals.waiting as f64),
    );
    for (key, rows) in &totals.other_segment_rows {
        counter(
            out,
            "modelwatch_exporter_other_segment_rows_total",
            "Predictions counted in segment other: of values beyond limits.segments or longer than 128 bytes.",
            &[model, ("segment_key", key)],
            *rows,
        );
    }
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

/// Values of the first `kept` features, and of all others together.
pub(super) fn values(out: &mut Exposition, report: &ModelReport, kept: usize) {
    let kept = kept.min(report.totals.kinds.len());
    let (apart, rest) = report.totals.kinds.split_at(kept);
    let mut counted: BTreeMap<&str, KindCounts> = BTreeMap::new();
    for (feature, kinds) in report.feature_names.iter().zip(apart) {
        add(counted.entry(&**feature).or_default(), kinds);
    }
    rest.iter().for_each(|kinds| add(counted.entry(OTHER).or_default(), kinds));
    let help = "Feature values by what they are.";
    let family = out.family("data_values_total", Kind::Counter, help).fold(rest.len() * schema::Kind::COUNT);
    for (feature, kinds) in &counted {
        for kind in schema::Kind::ALL {
            let labels = [("model", &*report.model), ("feature", *feature), ("kind", kind.label())];
            family.sample(&labels, kinds[kind.index()] as f64);
        }
    }
}

fn add(sum: &mut KindCounts, kinds: &KindCounts) {
    sum.iter_mut().zip(kinds).for_each(|(sum, count)| *sum += count);
}

pub(super) fn rejected(out: &mut Exposition, rejected: &[(Reason, u64)]) {
    for reason in Reason::ALL {
        let count = rejected.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count);
        let labels = [("source", SOURCE), ("reason", reason.as_str())];
        counter(out, "data_rejected_rows_total", "Events that were not counted, by reason.", &labels, count);
    }
}

/// What the budget did to each family.
pub(super) fn dropped(out: &mut Exposition) {
    let help = "Series of the family beyond limits.series_per_family now: counters and histograms fold them into `other`, gauges leave them out.";
    for (family, series) in out.dropped() {
        let labels = [("family", &*family)];
        gauge(out, "modelwatch_exporter_series_dropped", help, &labels, Some(series as f64));
    }
}

pub(super) fn keys(out: &mut Exposition, keys: KeyTotals) {
    let help = "Answers that are remembered by their Idempotency-Key, for 24 hours.";
    gauge(out, "modelwatch_exporter_idempotency_keys", help, &[], Some(keys.remembered as f64));
    let help =
        "Answers forgotten before their 24 hours were over: over 200000 keys or 64 MiB, the oldest go first.";
    counter(out, "modelwatch_exporter_idempotency_keys_evicted_total", help, &[], keys.evicted);
}
