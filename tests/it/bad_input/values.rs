//! Values of events: features are counted by kind, classes compare by canonical text, times are read in two ways.

use std::collections::BTreeMap;

use super::events::Exporter;
use crate::support::exposition::samples;
use crate::support::loans::START;
use crate::support::wait::until;

#[tokio::test]
async fn feature_values_are_counted_by_kind_and_never_refuse_an_event() {
    let exporter = Exporter::start("").await;
    let table = [
        ("income", "50", "valid"),
        ("income", "null", "null"),
        ("income", "NaN", "nan"),
        ("income", "Infinity", "infinite"),
        ("income", "-Infinity", "infinite"),
        ("income", "\"\"", "empty"),
        ("income", "\"much\"", "bad_type"),
        ("income", "[1]", "bad_type"),
        ("income", "{\"a\":{\"b\":[]}}", "bad_type"),
        ("income", "1e9", "out_of_range"),
        ("income", "-1e9", "out_of_range"),
        ("region", "\"north\"", "valid"),
        ("region", "\"mars\"", "unseen"),
        ("region", "7", "unseen"),
        ("region", "null", "null"),
        ("region", "\"\"", "empty"),
        ("region", "[\"north\"]", "bad_type"),
        ("owner", "true", "valid"),
        ("owner", "\"True\"", "valid"),
        ("owner", "\"false\"", "valid"),
        ("owner", "\"TRUE\"", "unseen"),
    ];
    let mut wanted = BTreeMap::new();
    let mut body = String::new();
    for (number, (feature, value, kind)) in table.iter().enumerate() {
        body += &format!(
            "{{\"event\":\"prediction\",\"model\":\"loans\",\"version\":\"1\",\"id\":\"{number}\",\"time\":{START},\"features\":{{\"{feature}\":{value},\"unknown\":1}},\"prediction\":1}}\n"
        );
        *wanted.entry((*feature, *kind)).or_insert(0) += 1;
        for other in ["income", "region", "owner"].into_iter().filter(|other| other != feature) {
            *wanted.entry((other, "absent")).or_insert(0) += 1;
        }
    }
    let answer = exporter.post(body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["accepted"], table.len(), "{}", answer.body);
    for ((feature, kind), count) in wanted {
        exporter.wait_for_sum("data_values_total", &[("feature", feature), ("kind", kind)], count).await;
    }
    exporter.wait_for_sum("data_values_total", &[], 3 * table.len() as u64).await;
}

#[tokio::test]
async fn classes_compare_by_canonical_text() {
    let exporter = Exporter::start("").await;
    let spellings = [
        ("1", "1"),
        ("1.0", "1"),
        ("\"1\"", "1"),
        ("\"1.0\"", "1"),
        ("true", "true"),
        ("\"True\"", "true"),
        ("\"true\"", "true"),
    ];
    let mut body = String::new();
    for (id, (said, _)) in spellings.iter().enumerate() {
        for (again, (meant, _)) in spellings.iter().enumerate() {
            let id = format!("{id}-{again}");
            body += &format!(
                "{{\"event\":\"prediction\",\"model\":\"loans\",\"version\":1,\"id\":\"{id}\",\"time\":{START},\"prediction\":{said}}}\n"
            );
            body += &format!(
                "{{\"event\":\"label\",\"model\":\"loans\",\"id\":\"{id}\",\"time\":{START},\"label\":{meant}}}\n"
            );
        }
    }
    let answer = exporter.post(body).await;
    assert_eq!(answer.json()["rejected"], 0, "{}", answer.body);
    exporter.wait_for_sum("model_prediction_class_total", &[("class", "1"), ("version", "1")], 4 * 7).await;
    exporter.wait_for_sum("model_prediction_class_total", &[("class", "true")], 3 * 7).await;
    exporter.wait_for_sum("model_confusion_total", &[("actual", "1"), ("predicted", "1")], 16).await;
    exporter.wait_for_sum("model_confusion_total", &[("actual", "true"), ("predicted", "true")], 9).await;
    exporter.wait_for_sum("model_confusion_total", &[], 49).await;
}

#[tokio::test]
async fn times_are_rfc_3339_or_unix_seconds_and_missing_means_now() {
    let exporter = Exporter::start("").await;
    for time in ["\"2024-01-01T09:00:00+09:00\"", "1704067200", "1704067200.0"] {
        let body = format!(
            "{{\"event\":\"prediction\",\"model\":\"loans\",\"id\":{time},\"time\":{time},\"prediction\":1}}"
        );
        assert_eq!(exporter.post(body).await.status, 200);
        exporter
            .program
            .wait_for_line(&format!(
                "data_last_event_timestamp_seconds{{model=\"loans\",source=\"http\"}} {START}"
            ))
            .await;
    }
    let before = jiff::Timestamp::now().as_duration().as_secs_f64();
    assert_eq!(
        exporter.post(r#"{"event":"prediction","model":"loans","id":"now","prediction":1}"#).await.status,
        200
    );
    until("the newest event is of now", async || {
        let page = exporter.program.metrics().await;
        let newest =
            samples(&page).into_iter().find(|s| s.name == "data_last_event_timestamp_seconds").unwrap();
        let newest: f64 = newest.value.parse().unwrap();
        if newest >= before && newest <= jiff::Timestamp::now().as_duration().as_secs_f64() {
            Ok(())
        } else {
            Err(format!("it is of {newest}"))
        }
    })
    .await;
}
