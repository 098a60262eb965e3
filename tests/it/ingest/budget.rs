//! `limits.series_per_family`: what is admitted stays, the rest is folded into `other`, and nothing is lost of a sum.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Exporter, sum};
use crate::support::exposition::samples;
use crate::support::http::send;
use crate::support::loans::{self, Applicant, START};
use crate::support::peers::check_metrics;

/// Versions that come, one after the other.
const VERSIONS: u64 = 30;
/// Classes that each of them says.
const CLASSES: u64 = 12;

/// A prediction of every class by every version, each with its label.
fn body(versions: std::ops::Range<u64>) -> String {
    let mut events = Vec::new();
    for version in versions {
        for class in 0..CLASSES {
            let number = version * CLASSES + class;
            let mut prediction =
                Applicant::usual(number).prediction(&format!("v{version}"), START + number as i64);
            prediction["prediction"] = json!(format!("c{class}"));
            let mut label = Applicant::usual(number).label(START + number as i64 + 60);
            label["label"] = json!(format!("c{}", (class + 1) % CLASSES));
            events.extend([prediction, label]);
        }
    }
    loans::lines(&events)
}

/// The values of a label in one family.
fn values(page: &str, family: &str, label: &str) -> BTreeSet<String> {
    let of_family = samples(page).into_iter().filter(|sample| sample.name == family);
    of_family.map(|sample| sample.labels[label].clone()).collect()
}

/// What was dropped, by family.
fn dropped(page: &str) -> BTreeMap<String, f64> {
    let all = samples(page).into_iter().filter(|s| s.name == "modelwatch_exporter_series_dropped");
    all.map(|s| (s.labels["family"].clone(), s.value.parse().unwrap())).collect()
}

const COUNTERS: [&str; 6] = [
    "model_predictions_total",
    "model_prediction_class_total",
    "model_confusion_total",
    "model_labels_total",
    "model_prediction_latency_seconds_count",
    "model_prediction_score_count",
];

#[tokio::test]
async fn beyond_the_budget_counters_fold_into_other_and_their_sums_stay() {
    let exporter = Exporter::start("limits: {series_per_family: 200}\n").await;
    let answer = send(exporter.events().body(body(0..VERSIONS))).await;
    assert_eq!((answer.status, &answer.json()["rejected"]), (200, &json!(0)), "{}", answer.body);
    exporter.wait_for_sum("model_predictions_total", VERSIONS * CLASSES).await;
    let page = exporter.program.metrics().await;
    assert_eq!(check_metrics(&page), "");
    for family in COUNTERS {
        assert_eq!(sum(&page, family), (VERSIONS * CLASSES) as f64, "{family}");
        let versions = values(&page, family, "version");
        assert!(versions.contains("v0") && versions.contains("other"), "{family}: {versions:?}");
        assert!(!versions.contains(&format!("v{}", VERSIONS - 1)), "{family}: first come: {versions:?}");
    }
    let dropped = dropped(&page);
    for family in ["model_predictions_total", "model_prediction_class_total", "model_confusion_total"] {
        assert!(dropped[family] > 0.0, "{family}: {dropped:?}");
        let series = samples(&page).iter().filter(|sample| sample.name == family).count();
        // and the ones that they are folded into
        assert!(series <= 200 + 50, "{family} has {series}");
    }
    // everything that tells of all rows is there, whatever the budget
    assert_eq!(values(&page, "data_window_rows", "version").len() as u64, VERSIONS);
    assert_eq!(dropped["data_drift_state"], 0.0);
}

#[tokio::test]
async fn what_was_admitted_stays_through_newcomers_and_kills() {
    let mut exporter = Exporter::start("limits: {series_per_family: 200}\n").await;
    assert_eq!(send(exporter.events().body(body(20..25))).await.status, 200);
    exporter.wait_for_sum("model_labels_total", 5 * CLASSES).await;
    let before = exporter.program.metrics().await;
    // earlier by name, later by time
    assert_eq!(send(exporter.events().body(body(0..20))).await.status, 200);
    exporter.wait_for_sum("model_labels_total", 25 * CLASSES).await;
    let after = exporter.program.metrics().await;
    for family in COUNTERS {
        let (mut first, then) = (values(&before, family, "version"), values(&after, family, "version"));
        assert!(first.remove("other") || then.contains("other"), "{family} is beyond its budget");
        assert!(first.is_subset(&then), "{family}: {first:?} stays in {then:?}");
    }
    exporter.crash().await;
    exporter.wait_for_sum("model_labels_total", 25 * CLASSES).await;
    let restarted = exporter.program.metrics().await;
    let of_models = |page: &str| -> BTreeSet<_> {
        let all = samples(page).into_iter();
        all.filter(|s| !s.name.starts_with("modelwatch_exporter_") || s.name.ends_with("series_dropped"))
            .collect()
    };
    assert_eq!(of_models(&after), of_models(&restarted));
}

#[tokio::test]
async fn without_pressure_nothing_is_folded_and_every_family_says_0() {
    let exporter = Exporter::start("").await;
    assert_eq!(send(exporter.events().body(body(0..5))).await.status, 200);
    exporter.wait_for_sum("model_labels_total", 5 * CLASSES).await;
    let page = exporter.program.metrics().await;
    let dropped = dropped(&page);
    assert!(dropped.len() > 20 && dropped.values().all(|count| *count == 0.0), "{dropped:?}");
    assert!(!values(&page, "model_predictions_total", "version").contains("other"));
}
