use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clap::Parser;
use serde_json::{Value, json};

use super::*;

/// An exporter that writes down what it is sent; it answers as scripted, then takes everything but ids it has.
#[derive(Clone, Default)]
struct StandIn {
    script: Arc<Mutex<VecDeque<(u16, Value)>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

#[derive(Debug, Clone)]
struct Request {
    headers: HeaderMap,
    lines: Vec<String>,
}

impl StandIn {
    fn answering(script: &[(u16, Value)]) -> StandIn {
        StandIn { script: Arc::new(Mutex::new(script.iter().cloned().collect())), ..StandIn::default() }
    }

    /// Replays against this stand-in, with `{url}` in the arguments standing for its address.
    async fn replay(&self, line: &[&str]) -> anyhow::Result<()> {
        // Another test may have been the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/v1/events", post(take)).with_state(self.clone());
        tokio::select! {
            served = axum::serve(listener, router) => panic!("the server ended: {served:?}"),
            replayed = run(args(&[line, &["--url", &url]].concat())) => replayed,
        }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn events(&self) -> Vec<Value> {
        let lines = self.requests().into_iter().flat_map(|request| request.lines);
        lines.map(|line| serde_json::from_str(&line).unwrap()).collect()
    }
}

async fn take(
    State(exporter): State<StandIn>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> (StatusCode, String) {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if let Some((status, answer)) = exporter.script.lock().unwrap().pop_front() {
        return (StatusCode::from_u16(status).unwrap(), answer.to_string());
    }
    let answer = json!({"accepted": lines.len(), "rejected": 0, "errors": []});
    exporter.requests.lock().unwrap().push(Request { headers, lines });
    (StatusCode::OK, answer.to_string())
}

#[derive(clap::Parser)]
#[command(version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Replay(Box<ReplayArgs>),
}

fn parse(line: &[&str]) -> Result<ReplayArgs, clap::Error> {
    let line = [&["modelwatch-exporter", "replay", "--model", "employment"], line].concat();
    Program::try_parse_from(line).map(|Program { command: Command::Replay(args) }| *args)
}

fn args(line: &[&str]) -> ReplayArgs {
    parse(line).unwrap()
}

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        Files { directory: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

/// So many rows an hour apart in an order that is not that of time, and a label for all but every tenth.
fn shuffled(files: &Files, rows: usize) -> (String, String) {
    let (mut data, mut labels) =
        (String::from("id,when,age,seen,class,probability\n"), String::from("id,truth,note\n"));
    for at in 0..rows {
        let row = (at * 7) % rows;
        data.push_str(&format!(
            "{row},{},{}.5,x{row},{},0.{row:03}\n",
            1_451_606_400 + 3_600 * row,
            row % 90,
            row % 2
        ));
        if !row.is_multiple_of(10) {
            labels.push_str(&format!("{row},{},n\n", row % 3));
        }
    }
    labels.push_str("999999,1,belongs to no row\n");
    (files.write("data.csv", &data), files.write("labels.csv", &labels))
}

#[tokio::test]
async fn rows_and_labels_arrive_in_event_time_with_every_label_after_its_prediction() {
    let (files, exporter) = (Files::new(), StandIn::default());
    let (data, labels) = shuffled(&files, 1_000);
    let line = [
        data.as_str(),
        "--version",
        "2015",
        "--id",
        "id",
        "--time",
        "when",
        "--prediction",
        "class",
        "--score",
        "probability",
        "--labels",
        &labels,
        "--label",
        "truth",
        "--label-delay",
        "1d",
        "--ignore",
        "seen",
        "--batch",
        "64",
    ];
    exporter.replay(&line).await.unwrap();

    let events = exporter.events();
    assert_eq!(events.len(), 1_000 + 900);
    let times: Vec<&str> = events.iter().map(|event| event["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    let mut predicted: HashMap<&str, jiff::Timestamp> = HashMap::new();
    for event in &events {
        let (id, time) = (event["id"].as_str().unwrap(), event["time"].as_str().unwrap().parse().unwrap());
        match event["event"].as_str().unwrap() {
            "prediction" => assert_eq!(predicted.insert(id, time), None),
            _ => assert_eq!(time.duration_since(predicted[id]).as_hours(), 24),
        }
    }
    let requests = exporter.requests();
    assert!(requests.iter().rev().skip(1).all(|request| request.lines.len() == 64));
    assert_eq!(
        requests[0].lines[1],
        r#"{"event":"prediction","model":"employment","version":"2015","id":"1","time":"2016-01-01T01:00:00Z","features":{"age":1.5},"prediction":1,"score":0.001}"#
    );
    assert_eq!(
        requests.last().unwrap().lines.last().unwrap(),
        r#"{"event":"label","model":"employment","version":"2015","id":"999","label":0,"time":"2016-02-12T15:00:00Z"}"#
    );
}

#[tokio::test]
async fn rows_without_a_time_are_spread_evenly_and_missing_values_are_told_apart() {
    let (files, exporter) = (Files::new(), StandIn::default());
    let data = files.write("data.csv", "n,word,class\n1,é,a\n,,b\n3,NaN,\nNaN,x,d\n");
    exporter
        .replay(&[&data, "--from", "2016-01-01", "--to", "2016-01-02", "--prediction", "class"])
        .await
        .unwrap();
    let event = |hour: &str, features: Value| json!({"event": "prediction", "model": "employment", "time": format!("2016-01-01T{hour}:00:00Z"), "features": features});
    let mut expected = [
        event("00", json!({"n": 1.0, "word": "é"})),
        event("06", json!({"n": null, "word": null})),
        event("12", json!({"n": 3.0, "word": "NaN"})),
        event("18", json!({"n": "NaN", "word": "x"})),
    ];
    for (at, class) in [(0, "a"), (1, "b"), (3, "d")] {
        expected[at]["prediction"] = class.into();
    }
    assert_eq!(exporter.events(), expected);
}

#[tokio::test]
async fn an_overloaded_exporter_gets_the_same_batch_again_and_is_known_by_its_key() {
    let files = Files::new();
    let full = (503, json!({"error": "the queue is full"}));
    let exporter = StandIn::answering(&[full.clone(), full]);
    let token = files.write("token", "s3cret\n");
    let data = files.write("data.csv", "x,class\n1,a\n2,b\n3,a\n");
    exporter.replay(&[&data, "--prediction", "class", "--batch", "2", "--token-file", &token]).await.unwrap();
    let requests = exporter.requests();
    assert_eq!(requests.iter().map(|request| request.lines.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(requests[0].headers["authorization"], "Bearer s3cret");
    assert_eq!(requests[0].headers["content-type"], "application/x-ndjson");
    assert_ne!(requests[0].headers["idempotency-key"], requests[1].headers["idempotency-key"]);
}

#[tokio::test]
async fn a_refusal_stops_the_replay_with_the_reason() {
    let files = Files::new();
    let data = files.write("data.csv", "x,class\n1,a\n2,b\n");
    let nothing =
        json!({"accepted": 0, "rejected": 2, "errors": [{"line": 1, "error": "no model `employment`"}]});
    for (status, answer, expected) in [
        (400, json!({"error": "not gzip"}), "refused the events (400 Bad Request): not gzip"),
        (400, nothing, "none of the first 2 events was accepted: event 1: no model `employment`"),
        (401, json!({"error": "no"}), "--token-file"),
        (413, json!({"error": "no"}), "--batch"),
    ] {
        let error = StandIn::answering(&[(status, answer)]).replay(&[&data]).await.unwrap_err();
        let message = format!("{error:#}");
        assert!(message.starts_with("the replay stopped: ") && message.contains(expected), "{message}");
        assert!(!error.chain().any(<dyn std::error::Error>::is::<clap::Error>), "not a usage error");
    }
}

#[tokio::test]
async fn a_batch_of_rejected_events_does_not_stop_what_went_well_before() {
    let files = Files::new();
    let data = files.write("data.csv", "x,class\n1,a\n2,b\n3,c\n");
    let good = json!({"accepted": 1, "rejected": 0, "errors": []});
    let bad = json!({"accepted": 0, "rejected": 1, "errors": [{"line": 1, "error": "no usable prediction"}]});
    let exporter = StandIn::answering(&[(200, good), (400, bad)]);
    exporter.replay(&[&data, "--batch", "1"]).await.unwrap();
    assert_eq!(exporter.events().len(), 1);
}

#[tokio::test]
async fn at_a_speed_no_event_is_sent_before_it_is_due() {
    let (files, exporter) = (Files::new(), StandIn::default());
    let data = files
        .write("data.csv", "when,class\n1451606400,a\n1451606410,b\n1451610400,c\n2016-01-01T01:40:00Z,d\n");
    let start = std::time::Instant::now();
    exporter.replay(&[&data, "--time", "when", "--speed", "10000"]).await.unwrap();
    assert!(start.elapsed() >= std::time::Duration::from_millis(600));
    let requests = exporter.requests();
    assert_eq!(requests.iter().map(|request| request.lines.len()).collect::<Vec<_>>(), [2, 1, 1]);
}

#[tokio::test]
async fn arguments_and_files_that_cannot_be_right_are_usage_errors_that_name_them() {
    let files = Files::new();
    let data = files.write("data.csv", "id,when,class\n1,2016-01-01,a\n2,soon,b\n");
    let data = data.as_str();
    for (line, expected) in [
        (vec!["missing.parquet"], "missing.parquet: cannot be read: "),
        (vec![data, "--prediction", "clas"], "has no column `clas`, expected one of id, when, class"),
        (vec![data, "--ignore", "id,nothing"], "has no column `nothing`"),
        (vec![data, "--time", "when"], "row 2: `when` is `soon`, expected RFC 3339"),
        (vec![data, "--from", "2016-01-02", "--to", "2016-01-01"], "is not before --to 2016-01-01T00:00:00Z"),
        (vec![data, "--id", "id", "--labels", data, "--label", "truth"], "has no column `truth`"),
        (
            vec![data, "--token-file", "/nowhere/token"],
            "--token-file: cannot read the secret in /nowhere/token",
        ),
    ] {
        let error = StandIn::default().replay(&line).await.unwrap_err();
        assert!(error.is::<clap::Error>(), "{error:#}");
        let message = format!("{error:#}");
        assert!(message.contains(expected), "{message}");
        assert!(message.matches("No such file").count() <= 1, "{message}");
    }
}

#[test]
fn wrong_flags_are_refused_with_what_was_expected() {
    let url = "http://127.0.0.1:9740";
    for (line, expected) in [
        (vec!["d.csv"], "--url <URL>"),
        (vec!["d.csv", "--url", "127.0.0.1:9740"], "expected the exporter's address"),
        (vec!["d.csv", "--url", url, "--from", "2016-01-01"], "--to <T>"),
        (vec!["d.csv", "--url", url, "--from", "soon", "--to", "2016"], "expected RFC 3339 such as"),
        (
            vec!["d.csv", "--url", url, "--time", "t", "--from", "2016-01-01", "--to", "2017-01-01"],
            "cannot be used with",
        ),
        (vec!["d.csv", "--url", url, "--labels", "l.csv", "--label", "y"], "--id <C>"),
        (vec!["d.csv", "--url", url, "--label", "y"], "--labels <DATA>"),
        (vec!["d.csv", "--url", url, "--speed", "0"], "expected a number above 0"),
        (vec!["d.csv", "--url", url, "--batch", "0"], "--batch <N>"),
    ] {
        let error = parse(&line).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
