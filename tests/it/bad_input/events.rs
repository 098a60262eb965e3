//! Events: refused alone with line and reason, or counted by kind, exactly as the contract says.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::support::exposition::samples;
use crate::support::http::{Answer, JSON, NDJSON, client, post, send};
use crate::support::loans::{self, Applicant, START};
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, write};

use super::event_cases::EVENTS;

/// An exporter of loans, in a folder of its own.
pub(super) struct Exporter {
    _home: tempfile::TempDir,
    pub(super) program: Program,
}

impl Exporter {
    pub(super) async fn start(more: &str) -> Exporter {
        let home = home();
        loans::configure(home.path(), more);
        write(home.path(), "ingest.token", "let-me-in");
        write(home.path(), "metrics.token", "let-me-look");
        let program = Program::exporter(home.path()).await;
        Exporter { _home: home, program }
    }

    fn events(&self) -> String {
        format!("{}/v1/events", self.program.url)
    }

    pub(super) async fn post(&self, body: impl Into<reqwest::Body>) -> Answer {
        post(&self.events(), NDJSON, body).await
    }

    /// The sum of the samples of a family whose labels hold all of `labels`, once it is `wanted`.
    pub(super) async fn wait_for_sum(&self, family: &str, labels: &[(&str, &str)], wanted: u64) {
        until(&format!("{family} {labels:?} is {wanted}"), async || {
            let page = self.program.metrics().await;
            let of_family = samples(&page).into_iter().filter(|sample| sample.name == family);
            let meant = |labels_of: &std::collections::BTreeMap<String, String>| {
                labels.iter().all(|(name, value)| labels_of.get(*name).is_some_and(|found| found == value))
            };
            let sum: f64 =
                of_family.filter(|s| meant(&s.labels)).map(|s| s.value.parse::<f64>().unwrap()).sum();
            if sum == wanted as f64 { Ok(()) } else { Err(format!("it is {sum}")) }
        })
        .await;
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn every_bad_line_is_refused_alone_and_named_by_its_line() {
    let exporter = Exporter::start("").await;
    for (number, event) in EVENTS.iter().enumerate() {
        let line = event.text();
        let good = Applicant::usual(number as u64).prediction("1", START);
        let answer = exporter.post(format!("{good}\n\n{line}\n")).await;
        assert_eq!(answer.status, 200, "{line}: {}", answer.body);
        let answer = answer.json();
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(1)), "{line}: {answer}");
        assert_eq!(answer["errors"][0]["line"], 3, "{line}: {answer}");
    }
    exporter.wait_for_sum("data_rejected_rows_total", &[("source", "http")], EVENTS.len() as u64).await;
    exporter.wait_for_sum("model_predictions_total", &[("model", "loans")], EVENTS.len() as u64).await;
}

#[tokio::test]
async fn the_first_twenty_errors_are_told_and_a_body_without_anything_acceptable_answers_400() {
    let exporter = Exporter::start("").await;
    let bad: String = EVENTS.iter().map(|event| format!("{}\n", event.text())).collect();
    let answer = exporter.post(bad).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    let answer = answer.json();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(0), &json!(EVENTS.len())), "{answer}");
    let lines: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, (1..=20).collect::<Vec<_>>());
    for empty in ["", "\n \n"] {
        assert_eq!(exporter.post(empty).await.status, 400, "{empty:?}");
    }
}

#[tokio::test]
async fn the_future_is_refused_beyond_max_future_and_taken_up_to_it() {
    let exporter = Exporter::start("limits: {max_future: 10m}\n").await;
    let now = jiff::Timestamp::now().as_second();
    let soon = Applicant::usual(1).prediction("1", now + 300);
    let late = Applicant::usual(2).prediction("1", now + 1200);
    let answer = exporter.post(loans::lines([&soon, &late])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["errors"][0]["line"], 2, "{}", answer.body);
    exporter.wait_for_sum("data_rejected_rows_total", &[("source", "http"), ("reason", "future")], 1).await;
    exporter.wait_for_sum("model_predictions_total", &[], 1).await;
}

#[tokio::test]
async fn a_prediction_that_is_sent_again_is_counted_once() {
    let exporter = Exporter::start("").await;
    let events = [Applicant::usual(1).prediction("1", START), Applicant::usual(1).prediction("2", START)];
    for _ in 0..3 {
        assert_eq!(exporter.post(loans::lines(&events)).await.status, 200);
    }
    exporter.wait_for_sum("model_predictions_total", &[("version", "1")], 1).await;
    exporter.wait_for_sum("model_predictions_total", &[("version", "2")], 1).await;
    exporter.wait_for_sum("data_rejected_rows_total", &[("reason", "duplicate")], 4).await;
}

#[tokio::test]
async fn a_line_over_one_mebibyte_is_refused_alone() {
    let exporter = Exporter::start("").await;
    let padded = |length: usize| {
        let mut event = Applicant::usual(length as u64).prediction("1", START);
        event["trace"] = json!({ "note": "" });
        let missing = length - event.to_string().len();
        event["trace"]["note"] = json!("x".repeat(missing));
        assert_eq!(event.to_string().len(), length);
        event
    };
    let answer = exporter.post(loans::lines(&[padded(1 << 20), padded((1 << 20) + 1)])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!((&answer["accepted"], &answer["errors"][0]["line"]), (&json!(1), &json!(2)), "{answer}");
}

#[tokio::test]
async fn bodies_over_max_body_answer_413_packed_or_not() {
    let exporter = Exporter::start("web: {max_body: 64KiB}\n").await;
    let long = "x".repeat(65 * 1024);
    let answer = exporter.post(long.clone()).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert!(answer.json()["error"].as_str().unwrap().contains("64KiB"), "{}", answer.body);
    let bomb = gzip(&vec![b' '; 32 << 20]);
    assert!(bomb.len() < 64 * 1024);
    let packed = |body: Vec<u8>| {
        client()
            .post(exporter.events())
            .header("content-type", NDJSON)
            .header("content-encoding", "gzip")
            .body(body)
    };
    assert_eq!(send(packed(bomb)).await.status, 413);
    let two_bombs = [gzip(&vec![b' '; 40 << 10]), gzip(&vec![b' '; 40 << 10])].concat();
    assert_eq!(send(packed(two_bombs)).await.status, 413, "members of gzip count together");
    assert_eq!(exporter.program.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn gzip_is_read_and_what_is_not_gzip_is_400() {
    let exporter = Exporter::start("").await;
    let request =
        || client().post(exporter.events()).header("content-type", NDJSON).header("content-encoding", "gzip");
    let event = Applicant::usual(1).prediction("1", START);
    let answer = send(request().body(gzip(loans::lines([&event]).as_bytes()))).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(1)));
    let mut cut = gzip(loans::lines([&event]).as_bytes());
    cut.truncate(cut.len() / 2);
    for broken in [b"not packed".to_vec(), cut] {
        let answer = send(request().body(broken)).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("gzip"), "{}", answer.body);
    }
}

#[tokio::test]
async fn json_is_one_event_or_an_array_and_other_media_types_are_named() {
    let exporter = Exporter::start("").await;
    let event = |number| Applicant::usual(number).prediction("1", START);
    let bodies = [
        (JSON, event(1).to_string(), 200, 1),
        ("application/json; charset=utf-8", json!([event(2), event(3)]).to_string(), 200, 2),
        (JSON, json!([event(4), {"event": "party"}]).to_string(), 200, 1),
        (JSON, "{".to_owned(), 400, 0),
        (JSON, "[]".to_owned(), 400, 0),
    ];
    for (media_type, body, status, accepted) in bodies {
        let answer = post(&exporter.events(), media_type, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        let said = &answer.json()["accepted"];
        assert!(said == &json!(accepted) || accepted == 0, "{body}: {}", answer.body);
    }
    let answer = post(&exporter.events(), "text/plain", event(5).to_string()).await;
    assert_eq!(answer.status, 415, "{}", answer.body);
    for named in ["text/plain", NDJSON, JSON] {
        assert!(answer.body.contains(named), "{}", answer.body);
    }
    assert_eq!(exporter.program.get("/v1/events").await.status, 405);
}

#[tokio::test]
async fn tokens_let_in_for_what_they_are_allowed() {
    let exporter = Exporter::start(
        "web: {auth: {tokens: [{name: serving, file: ingest.token, allow: [ingest]}, {name: prometheus, file: metrics.token, allow: [metrics]}]}}\n",
    )
    .await;
    let event = Applicant::usual(1).prediction("1", START).to_string();
    let request = || client().post(exporter.events()).header("content-type", JSON).body(event.clone());
    assert_eq!(send(request()).await.status, 401);
    assert_eq!(send(request().bearer_auth("wrong")).await.status, 401);
    assert_eq!(send(request().bearer_auth("let-me-look")).await.status, 403);
    assert_eq!(send(request().bearer_auth("let-me-in")).await.status, 200);
    let metrics = || client().get(format!("{}/metrics", exporter.program.url));
    assert_eq!(send(metrics()).await.status, 401);
    assert_eq!(send(metrics().bearer_auth("let-me-in")).await.status, 403);
    assert_eq!(send(metrics().bearer_auth("let-me-look")).await.status, 200);
    assert_eq!(exporter.program.get("/-/healthy").await.status, 200);
}
