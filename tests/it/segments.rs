//! Slices of a model's rows, through the running exporter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::census::{self, Person};
use crate::support::exposition::{Sample, samples};
use crate::support::http::{JSON, NDJSON, post};
use crate::support::loans::{self, Applicant, START};
use crate::support::peers::check_metrics;
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, write};

/// People of the census who are predicted, one every two minutes; the last one is a woman.
const PEOPLE: usize = 3_000;
/// Accuracy of the predictions for the first 3 000 people of the demo's production data by SEX, by pandas 3.1:
/// `d = production.merge(targets, on="id").head(3000); (d.prediction == d.employed).groupby(d.SEX).mean()`.
const ACCURACY: [(&str, f64); 2] = [("SEX=1", 0.851_471_594_798_083_5), ("SEX=2", 0.817_413_905_133_203_3)];

/// An exporter of the census, with more in its only model, that was told of these people and, later, of the truth.
async fn census_exporter(
    reference: &[Person],
    people: &[(Person, i64)],
    more: &str,
) -> (tempfile::TempDir, Program) {
    let home = home();
    write(home.path(), "reference.csv", census::csv(reference));
    write(home.path(), "exporter.yaml", format!("{}{more}", census::CONFIG));
    let program = Program::exporter(home.path()).await;
    let predictions: Vec<Value> = people.iter().map(|(person, time)| person.prediction(*time)).collect();
    let labels: Vec<Value> = people.iter().map(|(person, time)| person.label(time + 86_400)).collect();
    for events in [predictions, labels] {
        let answer = post(&format!("{}/v1/events", program.url), NDJSON, loans::lines(&events)).await;
        assert_eq!(answer.json()["accepted"], events.len() as u64, "{}", answer.body);
    }
    let labelled = format!("model_labels_total{{model=\"employment\",version=\"2015\"}} {}", people.len());
    program.wait_for_line(&labelled).await;
    (home, program)
}

/// Every sample of one segment, with its labels but that.
fn of_segment(page: &str, segment: &str) -> BTreeMap<(String, BTreeMap<String, String>), String> {
    let of_segment =
        samples(page).into_iter().filter(|s| s.labels.get("segment").is_some_and(|s| s == segment));
    of_segment
        .map(|Sample { name, mut labels, value }| {
            labels.remove("segment");
            ((name, labels), value)
        })
        .collect()
}

#[tokio::test]
async fn a_slice_of_the_census_is_told_as_by_an_exporter_that_knows_only_those_people() {
    let reference = census::reference();
    let people: Vec<_> =
        (0..).map(|at| START + 120 * at).zip(census::production(PEOPLE)).map(|(t, p)| (p, t)).collect();
    let (_home, sliced) = census_exporter(&reference, &people, "    segments: [SEX]\n").await;
    let women = |person: &Person| person.sex() == "2";
    let of_women: Vec<_> = reference.iter().filter(|person| women(person)).cloned().collect();
    let only_women: Vec<_> = people.iter().filter(|(person, _)| women(person)).cloned().collect();
    let (_other_home, alone) = census_exporter(&of_women, &only_women, "").await;

    let page = sliced.metrics().await;
    let (slice, alone) = (of_segment(&page, "SEX=2"), of_segment(&alone.metrics().await, ""));
    let scores = slice.keys().filter(|(name, _)| name == "data_drift_score").count();
    assert_eq!(scores, 15 * 2, "every feature but SEX itself, in both windows");
    assert_eq!(slice, alone);

    for (segment, expected) in ACCURACY {
        let labels = [("model", "employment"), ("version", "2015"), ("window", "7d")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let told: f64 = of_segment(&page, segment)[&("model_accuracy".to_owned(), labels)].parse().unwrap();
        assert!((told - expected).abs() < 1e-12, "{segment}: {told}");
    }
    assert_eq!(check_metrics(&page), "");
}

fn rows(segment: &str) -> String {
    format!("data_window_rows{{model=\"loans\",version=\"1\",segment=\"{segment}\",window=\"1d\"}}")
}

async fn send(exporter: &Program, events: &[Value]) {
    let answer = post(&format!("{}/v1/events", exporter.url), NDJSON, loans::lines(events)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn values_beyond_the_limit_are_other_and_counted_and_any_text_is_a_label() {
    let home = home();
    loans::configure(home.path(), "    segments: [shop]\nlimits: {segments: 2}\n");
    let exporter = Program::exporter(home.path()).await;
    let values = [json!("a \"b\" \\ c\nd"), json!(true), json!("x"), json!(7), Value::Null, json!("True")];
    let events = values.iter().zip(0..).map(|(value, number)| {
        let mut event = Applicant::usual(number).prediction("1", START + number as i64);
        event["segment"] = json!({"shop": value});
        event
    });
    send(&exporter, &events.collect::<Vec<_>>()).await;
    for (segment, count) in [("", 6), ("shop=a \\\"b\\\" \\\\ c\\nd", 1), ("shop=true", 2), ("shop=other", 2)]
    {
        exporter.wait_for_line(&format!("{} {count}", rows(segment))).await;
    }
    let folded = "modelwatch_exporter_other_segment_rows_total{model=\"loans\",segment_key=\"shop\"} 2";
    exporter.wait_for_line(folded).await;
    assert_eq!(check_metrics(&exporter.metrics().await), "");
}

#[tokio::test]
async fn a_reload_with_other_segments_keeps_those_that_stay_and_all_rows() {
    let home = home();
    let configure = |segments: &str| loans::configure(home.path(), &format!("    segments: [{segments}]\n"));
    configure("region, owner");
    let exporter = Program::exporter(home.path()).await;
    let told = |numbers: std::ops::Range<u64>| -> Vec<Value> {
        numbers.map(|number| Applicant::usual(number).prediction("1", START + number as i64)).collect()
    };
    send(&exporter, &told(0..100)).await;
    exporter.wait_for_line(&format!("{} 25", rows("region=north"))).await;
    configure("plan, region");
    assert_eq!(post(&format!("{}/-/reload", exporter.url), JSON, "").await.status, 200);
    send(&exporter, &told(100..200)).await;
    exporter.wait_for_line(&format!("{} 50", rows("region=north"))).await;
    exporter.wait_for_line(&format!("{} 200", rows(""))).await;
    let gone = samples(&exporter.metrics().await)
        .into_iter()
        .find(|sample| sample.labels.get("segment").is_some_and(|segment| segment.starts_with("owner=")));
    assert_eq!(gone, None);
}

#[tokio::test]
async fn the_api_has_segments_beside_all_rows() {
    let home = home();
    loans::configure(home.path(), "    segments: [region]\n");
    let exporter = Program::exporter(home.path()).await;
    send(&exporter, &[Applicant::usual(0).prediction("1", START)]).await;
    exporter.wait_for_line(&format!("{} 1", rows("region=north"))).await;
    until("the API tells of both", async || {
        let model = exporter.get("/api/v1/models/loans").await.json();
        let segments = &model["versions"]["1"]["segments"];
        let rows = |segment: &str| segments[segment]["windows"]["1d"]["current"]["rows"].clone();
        if rows("") == 1 && rows("region=north") == 1 { Ok(()) } else { Err(segments.to_string()) }
    })
    .await;
}
