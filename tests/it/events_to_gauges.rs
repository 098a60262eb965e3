//! From events to gauges, through the running exporter.

use serde_json::Value;

use crate::support::home;
use crate::support::http::{NDJSON, post};
use crate::support::loans::{self, Applicant, START};
use crate::support::program::Program;

/// One applicant every twelve seconds, told of at once, with the truth a minute later.
const BETWEEN: i64 = 12;
/// Two hours, so that one whole window of an hour was decided about.
const APPLICANTS: u64 = 600;

#[tokio::test]
async fn shifted_predictions_and_late_labels_become_gauges() {
    let home = home();
    loans::configure(home.path(), "");
    let exporter = Program::exporter(home.path()).await;
    let mut events: Vec<Value> = Vec::new();
    for number in 0..APPLICANTS {
        let time = START + BETWEEN * number as i64;
        let applicant = Applicant::unusual(number);
        events.extend([applicant.prediction("1", time), applicant.label(time + 60)]);
    }
    let answer = post(&format!("{}/v1/events", exporter.url), NDJSON, loans::lines(&events)).await;
    assert_eq!(answer.json()["accepted"], 2 * APPLICANTS, "{}", answer.body);

    let slice =
        |family: &str| format!("{family}{{model=\"loans\",version=\"1\",segment=\"\",window=\"1h\"}}");
    let feature = |name: &str| {
        format!(
            "data_drift_detected{{model=\"loans\",version=\"1\",feature=\"{name}\",segment=\"\",window=\"1h\"}}"
        )
    };
    exporter.wait_for_line(&format!("{} 1", feature("income"))).await;
    exporter.wait_for_line(&format!("{} 1", feature("region"))).await;
    exporter.wait_for_line(&format!("{} 0", feature("owner"))).await;
    exporter.wait_for_line(&format!("{} 1", slice("data_drift_dataset_detected"))).await;
    exporter.wait_for_line(&format!("{} 0.95", slice("model_accuracy_baseline"))).await;
    // the window of a day holds all, and of any five neighbours two were wrongly predicted
    let of_day = slice("model_accuracy").replace("1h", "1d");
    exporter.wait_for_line(&format!("{of_day} 0.6")).await;
}
