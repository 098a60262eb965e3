//! Real predictions: the employment model of the demo's data, row by row, without a replay's clock.
//!
//! 1 500 rows are a day; from day 14 on only people of 16 to 24 arrive. See `demo/data/README.md`.

use std::collections::HashMap;
use std::path::Path;

use parquet::file::reader::SerializedFileReader;
use parquet::record::{Field, Row};
use serde_json::{Map, Value, json};

use super::http::{NDJSON, post};
use super::program::Program;
use super::{loans, root, write};

/// Rows of a day.
const A_DAY: usize = 1_500;
/// 2016-01-01T00:00:00Z.
const START: f64 = 1_451_606_400.0;
/// Days that arrive: the last of them begins a new week of the windows.
const DAYS: usize = 21;
/// The first days have labels.
const LABELLED_DAYS: usize = 17;
/// Lines of a body.
const LINES: usize = 3_000;

/// An exporter that saw three weeks, the last of them of other people; labels came for the first seventeen days.
pub(crate) async fn exporter(home: &Path) -> Program {
    let reference = root().join("demo/data/reference.parquet");
    write(home, "exporter.yaml", CONFIG.replace("REFERENCE", &reference.display().to_string()));
    let exporter = Program::exporter(home).await;
    let predictions: Vec<Value> =
        rows("production.parquet", DAYS * A_DAY).enumerate().map(|(at, row)| prediction(at, &row)).collect();
    let truth: HashMap<String, Value> = rows("targets.parquet", usize::MAX).map(|row| truth(&row)).collect();
    let labelled = predictions.iter().take(LABELLED_DAYS * A_DAY).map(|event| event["id"].as_str().unwrap());
    let labels: Vec<Value> = labelled.map(|id| label(id, &truth[id])).collect();
    for events in predictions.chunks(LINES).chain(labels.chunks(LINES)) {
        let answer = post(&format!("{}/v1/events", exporter.url), NDJSON, loans::lines(events)).await;
        assert_eq!(answer.json()["accepted"], events.len(), "{}", answer.body);
    }
    let rows = DAYS * A_DAY;
    exporter.wait_for_line(&format!("data_rows_total{{model=\"employment\",source=\"http\"}} {rows}")).await;
    exporter
        .wait_for_line(&format!(
            "model_labels_total{{model=\"employment\",version=\"2015\"}} {}",
            LABELLED_DAYS * A_DAY
        ))
        .await;
    exporter
}

const CONFIG: &str = "
storage: {path: data}
models:
  - name: employment
    task: binary
    positive_label: 1
    reference: REFERENCE
    reference_columns: {label: employed, prediction: prediction, score: predicted_probability, ignore: [id, year]}
    windows: [1d, 7d]
    clock: event
    drift: {min_rows: 100}
    labels: {wait: 90d, min_coverage: 0.8}
";

fn rows(file: &str, most: usize) -> impl Iterator<Item = Row> {
    let path = root().join("demo/data").join(file);
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    reader.into_iter().map(|row| row.expect("a row")).take(most)
}

fn columns(row: &Row) -> Map<String, Value> {
    row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Bool(truth) => json!(truth),
        Field::Int(number) => json!(number),
        Field::Long(number) => json!(number),
        Field::Float(number) => json!(number),
        Field::Double(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::Null => Value::Null,
        other => panic!("a column of another kind: {other}"),
    }
}

fn prediction(at: usize, row: &Row) -> Value {
    let mut features = columns(row);
    let mut take = |name: &str| features.remove(name).unwrap_or_else(|| panic!("no column {name}"));
    let (id, said, score, _year) =
        (take("id"), take("prediction"), take("predicted_probability"), take("year"));
    json!({
        "event": "prediction", "model": "employment", "version": "2015", "id": id.to_string(),
        "time": START + at as f64 * 86_400.0 / A_DAY as f64, "features": features, "prediction": said, "score": score,
    })
}

/// An id and what was true of it; they are in an order of their own.
fn truth(row: &Row) -> (String, Value) {
    let columns = columns(row);
    (columns["id"].to_string(), columns["employed"].clone())
}

fn label(id: &str, truth: &Value) -> Value {
    let time = START + 90.0 * 86_400.0;
    json!({"event": "label", "model": "employment", "id": id, "label": truth, "time": time})
}
