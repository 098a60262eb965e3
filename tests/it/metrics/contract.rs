//! The families and labels that users rely on.

use std::collections::BTreeSet;

use super::{is_of, loaded_exporter, loaded_receiver};
use crate::support::exposition::{families, label_names, samples};

const SLICE: &str = "model version segment window";
const FEATURE: &str = "model version feature segment window";

/// Families of the exporter: name, type, names of labels (`le` apart).
const EXPORTER: &[(&str, &str, &str)] = &[
    ("model_predictions_total", "counter", "model version status"),
    ("model_prediction_class_total", "counter", "model version class"),
    ("model_prediction_latency_seconds", "histogram", "model version"),
    ("model_prediction_score", "histogram", "model version"),
    ("model_positive_ratio", "gauge", SLICE),
    ("model_positive_ratio_baseline", "gauge", SLICE),
    ("model_accuracy", "gauge", SLICE),
    ("model_precision", "gauge", SLICE),
    ("model_recall", "gauge", SLICE),
    ("model_f1", "gauge", SLICE),
    ("model_accuracy_baseline", "gauge", SLICE),
    ("model_precision_baseline", "gauge", SLICE),
    ("model_recall_baseline", "gauge", SLICE),
    ("model_f1_baseline", "gauge", SLICE),
    ("model_roc_auc", "gauge", SLICE),
    ("model_roc_auc_lower_bound", "gauge", SLICE),
    ("model_roc_auc_upper_bound", "gauge", SLICE),
    ("model_roc_auc_baseline", "gauge", SLICE),
    ("model_pr_auc", "gauge", SLICE),
    ("model_pr_auc_lower_bound", "gauge", SLICE),
    ("model_pr_auc_upper_bound", "gauge", SLICE),
    ("model_pr_auc_baseline", "gauge", SLICE),
    ("model_brier_score", "gauge", SLICE),
    ("model_brier_score_baseline", "gauge", SLICE),
    ("model_confusion_total", "counter", "model version segment actual predicted"),
    ("model_fairness_difference", "gauge", "model version segment_key metric window"),
    ("model_labels_total", "counter", "model version"),
    ("model_labels_unmatched_total", "counter", "model version"),
    ("model_quality_window_end_timestamp_seconds", "gauge", "model version window"),
    ("model_label_delay_seconds", "histogram", "model"),
    ("model_label_coverage_ratio", "gauge", "model version window"),
    ("data_drift_score", "gauge", "model version feature segment window method"),
    ("data_drift_threshold", "gauge", "model version feature segment window method"),
    ("data_drift_excess", "gauge", "model version feature segment window method"),
    ("data_drift_p_value", "gauge", "model version feature segment window method"),
    ("data_drift_detected", "gauge", FEATURE),
    ("data_drift_p_value_cutoff", "gauge", SLICE),
    ("data_drift_state", "gauge", "model version feature segment window state"),
    ("data_drift_share", "gauge", SLICE),
    ("data_drifted_features", "gauge", SLICE),
    ("data_monitored_features", "gauge", SLICE),
    ("data_drift_dataset_detected", "gauge", SLICE),
    ("data_drift_alerts_total", "counter", "model version"),
    ("data_rows_total", "counter", "model source"),
    ("data_rejected_rows_total", "counter", "source reason"),
    ("data_values_total", "counter", "model feature kind"),
    ("data_missing_ratio", "gauge", FEATURE),
    ("data_out_of_range_ratio", "gauge", FEATURE),
    ("data_unseen_ratio", "gauge", FEATURE),
    ("data_type_mismatch_ratio", "gauge", FEATURE),
    ("data_completeness_ratio", "gauge", SLICE),
    ("data_window_rows", "gauge", SLICE),
    ("data_last_event_timestamp_seconds", "gauge", "model source"),
    ("modelwatch_exporter_model_clock_seconds", "gauge", "model"),
    ("modelwatch_exporter_other_segment_rows_total", "counter", "model segment_key"),
    ("modelwatch_exporter_build_info", "gauge", "version"),
    ("modelwatch_exporter_config_last_reload_successful", "gauge", ""),
];

/// Families of the receiver.
const RECEIVER: &[(&str, &str, &str)] = &[
    ("modelwatch_receiver_webhooks_total", "counter", "result"),
    ("modelwatch_receiver_alerts_received_total", "counter", "status"),
    ("modelwatch_receiver_notifications_total", "counter", "channel result"),
    ("modelwatch_receiver_delivery_attempts_total", "counter", "channel reason"),
    ("modelwatch_receiver_delivery_latency_seconds", "histogram", "channel"),
    ("modelwatch_receiver_queue_depth", "gauge", "channel"),
    ("modelwatch_receiver_oldest_pending_seconds", "gauge", "channel"),
    ("modelwatch_receiver_suppressed_total", "counter", "channel reason"),
    ("modelwatch_receiver_template_errors_total", "counter", "template"),
    ("modelwatch_receiver_store_commit_seconds", "histogram", ""),
    ("modelwatch_receiver_config_last_reload_successful", "gauge", ""),
    ("modelwatch_receiver_build_info", "gauge", "version"),
];

/// What the receiver says of a channel before anything happened.
const FROM_THE_START: &[&str] = &[
    "modelwatch_receiver_webhooks_total{result=\"accepted\"} 0",
    "modelwatch_receiver_alerts_received_total{status=\"firing\"} 0",
    "modelwatch_receiver_alerts_received_total{status=\"resolved\"} 0",
    "modelwatch_receiver_notifications_total{channel=\"console\",result=\"delivered\"} 0",
    "modelwatch_receiver_notifications_total{channel=\"console\",result=\"suppressed\"} 0",
    "modelwatch_receiver_notifications_total{channel=\"console\",result=\"dead\"} 0",
    "modelwatch_receiver_delivery_attempts_total{channel=\"console\",reason=\"connect\"} 0",
    "modelwatch_receiver_delivery_attempts_total{channel=\"console\",reason=\"rate_limited\"} 0",
    "modelwatch_receiver_suppressed_total{channel=\"console\",reason=\"duplicate\"} 0",
    "modelwatch_receiver_suppressed_total{channel=\"console\",reason=\"repeat\"} 0",
    "modelwatch_receiver_suppressed_total{channel=\"console\",reason=\"superseded\"} 0",
    "modelwatch_receiver_suppressed_total{channel=\"console\",reason=\"never_told\"} 0",
    "modelwatch_receiver_suppressed_total{channel=\"console\",reason=\"resolved_off\"} 0",
    "modelwatch_receiver_suppressed_total{channel=\"console\",reason=\"stale_copy\"} 0",
    "modelwatch_receiver_queue_depth{channel=\"console\"} 0",
];

fn assert_families(page: &str, wanted: &[(&str, &str, &str)]) {
    let (families, samples) = (families(page), samples(page));
    for (family, kind, labels) in wanted {
        assert_eq!(families.get(family), Some(kind), "{family}");
        let of_family: Vec<_> = samples.iter().filter(|sample| is_of(sample, family, kind)).collect();
        assert!(!of_family.is_empty(), "{family} has no samples");
        let wanted: BTreeSet<&str> = labels.split_whitespace().collect();
        for sample in of_family {
            let mut found = label_names(sample);
            found.remove("le");
            assert_eq!(found, wanted, "{family}");
        }
    }
}

#[tokio::test]
async fn the_exporter_has_every_family_of_the_contract_with_its_labels() {
    let exporter = loaded_exporter().await;
    let page = exporter.program.metrics().await;
    assert_families(&page, EXPORTER);
    for sample in samples(&page).iter().filter(|sample| sample.name == "model_labels_unmatched_total") {
        assert_eq!(sample.labels["version"], "");
    }
    assert!(
        !page.lines().any(|line| !line.starts_with('#') && line.ends_with("NaN")),
        "what is unknown is absent"
    );
    let with_time =
        page.lines().filter(|line| !line.starts_with('#')).find(|line| after_labels(line).contains(' '));
    assert_eq!(with_time, None, "samples have no timestamps");
}

fn after_labels(line: &str) -> &str {
    line.rsplit_once('}').or_else(|| line.split_once(' ')).map_or("", |(_, rest)| rest.trim_start())
}

#[tokio::test]
async fn label_delays_are_counted_from_a_minute_to_ninety_days() {
    let exporter = loaded_exporter().await;
    let page = exporter.program.metrics().await;
    let of_delay =
        samples(&page).into_iter().filter(|sample| sample.name == "model_label_delay_seconds_bucket");
    let bounds: Vec<String> = of_delay.map(|sample| sample.labels["le"].clone()).collect();
    assert_eq!(bounds.first().map(String::as_str), Some("60"));
    assert_eq!(bounds.iter().rev().nth(1).map(String::as_str), Some("7776000"));
}

#[tokio::test]
async fn the_receiver_has_every_family_of_the_contract_at_0_from_the_start() {
    let receiver = loaded_receiver().await;
    let page = receiver.program.metrics().await;
    for line in FROM_THE_START {
        assert!(page.lines().any(|found| found == *line), "no {line} in\n{page}");
    }
    assert_families(&page, RECEIVER);
}
