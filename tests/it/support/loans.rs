//! A model of loans with numbers, words and truth values as features: its reference and its events, made from the number
//! of the applicant alone, so that every run sends the same.

use std::path::Path;

use serde_json::{Value, json};

use super::write;

/// How many rows the reference has.
const REFERENCE: u64 = 2_000;
/// Of how many predictions about usual applicants one is wrong.
const WRONG: u64 = 20;
const REGIONS: [&str; 4] = ["north", "south", "east", "west"];

/// When the events of the tests begin: 2024-01-01T00:00:00Z, where windows of an hour and of a day begin as well.
pub(crate) const START: i64 = 1_704_067_200;

/// Writes `exporter.yaml` and the reference into a test's folder; `more` is added to the sections of the file.
pub(crate) fn configure(home: &Path, more: &str) {
    write(home, "reference.csv", reference());
    write(home, "exporter.yaml", format!("{CONFIG}{more}"));
}

const CONFIG: &str = r"
storage: {path: data}
models:
  - name: loans
    task: binary
    positive_label: 1
    reference: reference.csv
    reference_columns: {label: repaid, prediction: predicted, score: score, ignore: [id]}
    windows: [1h, 1d]
    clock: event
    drift: {min_rows: 50}
    labels: {wait: 7d, min_coverage: 0.8}
";

/// The reference as CSV. Its accuracy is 0.95.
pub(crate) fn reference() -> String {
    let mut csv = String::from("id,income,region,owner,repaid,predicted,score\n");
    for number in 0..REFERENCE {
        let Applicant { income, region, owner, score, .. } = Applicant::usual(number);
        let predicted = u8::from(score >= 0.5);
        let repaid = if number % WRONG == 0 { 1 - predicted } else { predicted };
        csv += &format!("{number},{income},{region},{owner},{repaid},{predicted},{score}\n");
    }
    csv
}

/// One applicant, whose prediction says "repaid" from a score of 0.5 on.
#[derive(Debug, Clone)]
pub(crate) struct Applicant {
    number: u64,
    income: f64,
    region: &'static str,
    owner: bool,
    score: f64,
    wrong: bool,
}

impl Applicant {
    /// One of those the model was made for.
    pub(crate) fn usual(number: u64) -> Applicant {
        Applicant {
            number,
            income: (20.0 + 60.0 * spread(number, 0.618_033_988_75)).round(),
            region: REGIONS[(number * 7 % 4) as usize],
            owner: spread(number, 0.414_213_562_37) < 0.6,
            score: (spread(number, 0.754_877_666_25) * 1e4).round() / 1e4,
            wrong: number % WRONG == 3,
        }
    }

    /// Someone else: twice the income, from the north, predicted wrongly two times of five.
    pub(crate) fn unusual(number: u64) -> Applicant {
        let usual = Applicant::usual(number);
        Applicant { income: usual.income * 2.0, region: "north", wrong: number % 5 < 2, ..usual }
    }

    /// The prediction event.
    pub(crate) fn prediction(&self, version: &str, time: i64) -> Value {
        json!({
            "event": "prediction", "model": "loans", "version": version, "id": self.id(), "time": time,
            "features": {"income": self.income, "region": self.region, "owner": self.owner},
            "prediction": u8::from(self.repaid_is_predicted()), "score": self.score,
            "latency_seconds": 0.001 * (1 + self.number % 40) as f64,
        })
    }

    /// The label event.
    pub(crate) fn label(&self, time: i64) -> Value {
        let repaid = self.repaid_is_predicted() != self.wrong;
        json!({"event": "label", "model": "loans", "id": self.id(), "label": u8::from(repaid), "time": time})
    }

    fn id(&self) -> String {
        format!("loan-{}", self.number)
    }

    fn repaid_is_predicted(&self) -> bool {
        self.score >= 0.5
    }
}

/// Events as a body, one a line.
pub(crate) fn lines<'a>(events: impl IntoIterator<Item = &'a Value>) -> String {
    events.into_iter().map(|event| format!("{event}\n")).collect()
}

/// Numbers from 0 to 1, evenly spread whatever stretch of applicants is looked at (Weyl's sequence).
fn spread(number: u64, step: f64) -> f64 {
    (number as f64 * step).fract()
}
