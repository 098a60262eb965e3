//! The demo's people of the census: real rows, read from its Parquet files.

use std::collections::BTreeMap;
use std::fs::File;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Value, json};

use super::root;

/// How many rows of the reference are used.
const REFERENCE: usize = 20_000;
/// Columns that are no features.
const BESIDES: [&str; 5] = ["id", "year", "prediction", "predicted_probability", "employed"];

/// A configuration whose last section is its only model. Codes are no amounts, whatever CSV makes of them.
pub(crate) const CONFIG: &str = r"
storage: {path: data}
models:
  - name: employment
    task: binary
    positive_label: 1
    reference: reference.csv
    reference_columns: {label: employed, prediction: prediction, score: predicted_probability, ignore: [id, year]}
    windows: [1d, 7d]
    clock: event
    labels: {wait: 90d}
    features: {SCHL: {type: categorical}, RELP: {type: categorical}}
";

/// One person, what was predicted for them and what was true.
#[derive(Debug, Clone)]
pub(crate) struct Person(BTreeMap<String, Value>);

impl Person {
    /// The code of their sex.
    pub(crate) fn sex(&self) -> &str {
        self.0["SEX"].as_str().expect("a code")
    }

    /// The prediction event.
    pub(crate) fn prediction(&self, time: i64) -> Value {
        let features = self.0.iter().filter(|(name, _)| !BESIDES.contains(&name.as_str()));
        let features: Map<String, Value> =
            features.map(|(name, value)| (name.clone(), value.clone())).collect();
        json!({
            "event": "prediction", "model": "employment", "version": "2015", "id": self.0["id"], "time": time,
            "features": features, "prediction": self.0["prediction"], "score": self.0["predicted_probability"],
        })
    }

    /// The label event.
    pub(crate) fn label(&self, time: i64) -> Value {
        json!({"event": "label", "model": "employment", "id": self.0["id"], "label": self.0["employed"], "time": time})
    }
}

/// The first people of the reference.
pub(crate) fn reference() -> Vec<Person> {
    people("reference", REFERENCE)
}

/// The first people for whom the model predicted, with the truth that came later.
pub(crate) fn production(most: usize) -> Vec<Person> {
    let truth = people("targets", usize::MAX).into_iter();
    let truth: BTreeMap<i64, Value> =
        truth.map(|row| (row.0["id"].as_i64().expect("an id"), row.0["employed"].clone())).collect();
    let mut people = people("production", most);
    for person in &mut people {
        let employed = truth[&person.0["id"].as_i64().expect("an id")].clone();
        person.0.insert("employed".to_owned(), employed);
    }
    people
}

/// A file of these people.
pub(crate) fn csv(people: &[Person]) -> String {
    let line = |cells: Vec<String>| format!("{}\n", cells.join(","));
    let head = line(people[0].0.keys().cloned().collect());
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows = people.iter().map(|person| line(person.0.values().map(cell).collect()));
    std::iter::once(head).chain(rows).collect()
}

fn people(name: &str, most: usize) -> Vec<Person> {
    let path = root().join("demo/data").join(name).with_extension("parquet");
    let file = File::open(path).expect("the demo's data");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let rows = reader.get_row_iter(None).expect("rows").take(most);
    let person = |row: parquet::record::Row| {
        Person(row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect())
    };
    rows.map(|row| person(row.expect("a row"))).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Long(number) => json!(number),
        Field::Double(number) => json!(number),
        Field::Str(text) => json!(text),
        other => panic!("{other:?} is nothing that the census has"),
    }
}
