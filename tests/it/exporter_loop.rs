//! From events to gauges, through the running exporter.

use crate::support::Process;

const CONFIG: &str = r#"
storage: { path: data }
models:
  - name: tiny
    task: binary
    positive_label: 1
    reference: reference.csv
    reference_columns: { label: y, prediction: p, score: s, ignore: [id] }
    windows: [1h]
    clock: event
    drift: { min_rows: 100 }
    labels: { wait: 1d, min_coverage: 0.8 }
"#;

fn reference() -> String {
    let mut csv = String::from("id,age,kind,y,p,s\n");
    for i in 0..1000 {
        csv += &format!(
            "{i},{},{},{},{},0.5\n",
            f64::from(i % 97) + 0.5,
            ["a", "b"][i as usize % 2],
            i % 2,
            i % 2
        );
    }
    csv
}

#[tokio::test]
async fn shifted_predictions_and_late_labels_become_gauges() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("exporter.yaml"), CONFIG).unwrap();
    std::fs::write(home.path().join("reference.csv"), reference()).unwrap();
    let file = format!("--config.file={}", home.path().join("exporter.yaml").display());
    let exporter = Process::start("modelwatch-exporter", &["serve", &file]).await;

    let mut body = String::new();
    for i in 0..500 {
        // Every fifth label is 0: of any five neighbours one was wrongly predicted.
        let second = 1_700_006_400 + i * 10;
        body += &format!(
            "{{\"event\":\"prediction\",\"model\":\"tiny\",\"version\":\"1\",\"id\":\"{i}\",\"time\":{second},\"features\":{{\"age\":3.5,\"kind\":\"a\"}},\"prediction\":1,\"score\":0.9}}\n"
        );
        body += &format!(
            "{{\"event\":\"label\",\"model\":\"tiny\",\"id\":\"{i}\",\"label\":{},\"time\":{}}}\n",
            i32::from(i % 5 != 0),
            second + 60
        );
    }
    let client = reqwest::Client::new();
    let answer = client
        .post(format!("{}/v1/events", exporter.url))
        .header("content-type", "application/x-ndjson")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["accepted"], 1000);

    exporter
        .wait_for_line(
            "data_drift_detected{model=\"tiny\",version=\"1\",feature=\"age\",segment=\"\",window=\"1h\"} 1",
        )
        .await;
    exporter
        .wait_for_line("model_accuracy{model=\"tiny\",version=\"1\",segment=\"\",window=\"1h\"} 0.8")
        .await;
}
