//! A reload of the exporter's configuration costs what it changes, whatever is going on meanwhile.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rand::RngExt as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::exposition::{Sample, samples};
use crate::support::http::{JSON, NDJSON, attempt, client, post};
use crate::support::loans::{self, Applicant, START};
use crate::support::program::Program;
use crate::support::random::random;
use crate::support::wait::until;
use crate::support::{home, write};

/// Applicants that everything is known of: one every two minutes, a day and a bit, so that windows were decided on.
const APPLICANTS: u64 = 800;
const BETWEEN: i64 = 120;

/// An exporter that was told of all applicants and of what became of most of them.
async fn told_exporter(more: &str) -> (TempDir, Program) {
    let home = home();
    loans::configure(home.path(), more);
    let exporter = Program::exporter(home.path()).await;
    let applicants = (0..APPLICANTS).map(|at| (Applicant::usual(at), START + BETWEEN * at as i64));
    let applicants: Vec<_> = applicants.collect();
    let predictions: Vec<Value> = applicants.iter().map(|(who, time)| who.prediction("1", *time)).collect();
    let labels: Vec<Value> =
        applicants.iter().take(700).map(|(who, time)| who.label(time + 86_400)).collect();
    for events in [predictions, labels] {
        assert_eq!(send(&exporter, &events).await, events.len() as u64);
    }
    exporter.wait_for_line("model_labels_total{model=\"loans\",version=\"1\"} 700").await;
    (home, exporter)
}

/// Sends events and says how many were accepted.
async fn send(exporter: &Program, events: &[Value]) -> u64 {
    let answer = post(&format!("{}/v1/events", exporter.url), NDJSON, loans::lines(events)).await;
    answer.json()["accepted"].as_u64().unwrap_or_else(|| panic!("{}", answer.body))
}

async fn reload(exporter: &Program) {
    let answer = post(&format!("{}/-/reload", exporter.url), JSON, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn edit(home: &Path, changes: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(home.join("exporter.yaml")).unwrap();
    for (before, after) in changes {
        assert!(text.contains(before), "{before} is in {text}");
        text = text.replace(before, after);
    }
    write(home, "exporter.yaml", text);
}

/// What `/metrics` says of models and data.
fn figures(page: &str) -> BTreeSet<Sample> {
    samples(page).into_iter().filter(|sample| !sample.name.starts_with("modelwatch_exporter_")).collect()
}

fn label<'a>(sample: &'a Sample, name: &str) -> &'a str {
    sample.labels.get(name).map_or("", String::as_str)
}

/// The number of the only sample of a family with these labels.
fn value(page: &str, family: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let fits = |sample: &Sample| {
        sample.name == family && labels.iter().all(|(name, value)| label(sample, name) == *value)
    };
    samples(page).into_iter().find(fits).map(|sample| sample.value.parse().unwrap())
}

/// Waits until a family has this number.
async fn wait_for(exporter: &Program, family: &str, labels: &[(&str, &str)], wanted: f64) -> String {
    until(&format!("{family}{labels:?} is {wanted}"), async || {
        let page = exporter.metrics().await;
        match value(&page, family, labels) {
            Some(found) if found == wanted => Ok(page),
            found => Err(format!("it is {found:?}")),
        }
    })
    .await
}

#[tokio::test]
async fn other_rules_windows_and_models_change_no_figure_that_stays() {
    let (home, exporter) = told_exporter("    segments: [region]\n").await;
    let before = figures(&exporter.metrics().await);
    let second = "\n  - {name: other, task: binary, positive_label: 1, reference: reference.csv, clock: event,\n     reference_columns: {label: repaid, prediction: predicted, score: score, ignore: [id]}}\n";
    edit(
        home.path(),
        &[
            ("[1h, 1d]", "[1d, 2d, 960rows]"),
            ("wait: 7d", "wait: 14d"),
            ("segments: [region]", &format!("segments: [region]\n    baseline: {{accuracy: 0.5}}{second}")),
        ],
    );
    exporter.signal("HUP");
    until("the second model is there", async || {
        let text = exporter.metrics().await;
        if text.contains("model=\"other\"") { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
    let after = figures(&exporter.metrics().await);
    let stays = |sample: &&Sample| {
        label(sample, "window") != "1h"
            && sample.name != "model_accuracy_baseline"
            && !label(sample, "model").is_empty()
    };
    let lost: Vec<_> = before.difference(&after).filter(stays).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(before.iter().any(|sample| sample.name == "data_drift_detected"), "windows were decided on");

    // what waited for its label still does, and is in the windows that stayed
    let late: Vec<Value> =
        (700..APPLICANTS).map(|at| Applicant::usual(at).label(START + 9 * 86_400)).collect();
    assert_eq!(send(&exporter, &late).await, 100);
    wait_for(&exporter, "model_labels_total", &[("model", "loans")], APPLICANTS as f64).await;
    let horizon = [("model", "loans"), ("segment", ""), ("window", "1d")];
    let newest = (START + BETWEEN * (APPLICANTS as i64 - 1)) as f64;
    wait_for(&exporter, "model_quality_window_end_timestamp_seconds", &horizon, newest).await;
}

#[tokio::test]
async fn a_feature_that_is_counted_otherwise_begins_anew_alone_and_the_log_names_it() {
    for restart in [false, true] {
        let (home, mut exporter) = told_exporter("").await;
        let before = figures(&exporter.metrics().await);
        // what was counted is in a snapshot then, on cells of its own
        reload(&exporter).await;
        let owners = loans::reference().replacen(",true,", ",false,", 50);
        write(home.path(), "reference.csv", owners);
        if restart {
            exporter.crash();
            exporter.ready().await;
        } else {
            reload(&exporter).await;
        }
        let few = [("feature", "owner"), ("window", "1d"), ("state", "insufficient_rows")];
        let page = wait_for(&exporter, "data_drift_state", &few, 1.0).await;
        let after = figures(&page);
        // what is said of all features together has one less to speak of, and the cut-off moves with it
        let of_one = |sample: &&Sample| !["", "owner"].contains(&label(sample, "feature"));
        let of_none =
            |sample: &&Sample| sample.name.starts_with("model_") || sample.name == "data_window_rows";
        let of_cutoff =
            |sample: &&Sample| ["data_drift_threshold", "data_drift_excess"].contains(&&*sample.name);
        let stays = |sample: &&Sample| of_none(sample) || of_one(sample) && !of_cutoff(sample);
        let lost: Vec<_> = before.difference(&after).filter(stays).collect();
        assert!(lost.is_empty(), "{lost:#?}");
        assert_eq!(value(&page, "data_missing_ratio", &few[..2]), None, "a share of no rows is not told");
        let warned = exporter.output();
        let warned = warned.lines().find(|line| line.contains("windows begin anew")).unwrap_or_default();
        assert!(warned.contains("loans") && warned.contains("owner"), "{warned}");
        assert!(!warned.contains("income") && !warned.contains("region"), "{warned}");

        // sixty more, half of them without a value
        let more = |at: u64| {
            let mut event = Applicant::usual(at).prediction("1", START + BETWEEN * APPLICANTS as i64);
            if at.is_multiple_of(2) {
                event["features"]["owner"] = Value::Null;
            }
            event
        };
        let more: Vec<Value> = (APPLICANTS..APPLICANTS + 60).map(more).collect();
        assert_eq!(send(&exporter, &more).await, 60);
        let page = wait_for(&exporter, "data_missing_ratio", &few[..2], 0.5).await;
        assert_eq!(value(&page, "data_drift_state", &few), Some(0.0), "sixty rows are enough");
    }
}

#[tokio::test]
async fn twenty_reloads_under_load_count_every_event_once() {
    let (home, exporter) = told_exporter("").await;
    let done = Cell::new(false);
    let next = Cell::new(APPLICANTS);
    let sender = async || {
        while !done.get() {
            let at = next.replace(next.get() + 20);
            let time = START + BETWEEN * APPLICANTS as i64;
            let events: Vec<Value> =
                (at..at + 20).map(|at| Applicant::unusual(at).prediction("1", time)).collect();
            assert_eq!(send(&exporter, &events).await, 20);
        }
    };
    let reloads = async {
        for round in 0..20 {
            toggle_owner(home.path(), round);
            reload(&exporter).await;
        }
        done.set(true);
    };
    tokio::join!(sender(), sender(), sender(), reloads);
    let all = next.get() as f64;
    assert!(all > APPLICANTS as f64 + 400.0, "there was load");
    wait_for(&exporter, "model_predictions_total", &[], all).await;
    assert_counted_whole(&exporter).await;
}

/// Income is counted in every row of the window, each value as what it is.
async fn assert_counted_whole(exporter: &Program) {
    let model = exporter.get("/api/v1/models/loans").await.json();
    let window = &model["versions"]["1"]["segments"][""]["windows"]["1d"];
    assert!(window["current"]["rows"].as_u64().unwrap() > 0, "{window}");
    assert_eq!(window["features"]["income"]["rows"], window["current"]["rows"], "{window}");
    let ratios = &window["values"]["features"]["income"];
    assert_eq!((&ratios["missing"], &ratios["type_mismatch"]), (&Value::from(0.0), &Value::from(0.0)));
}

#[tokio::test]
async fn a_kill_around_a_reload_loses_nothing() {
    let (home, mut exporter) = told_exporter("").await;
    let mut random = random();
    for round in 0..12 {
        let first = APPLICANTS + 20 * round;
        let time = START + BETWEEN * APPLICANTS as i64;
        let events: Vec<Value> =
            (first..first + 20).map(|at| Applicant::usual(at).prediction("1", time)).collect();
        assert_eq!(send(&exporter, &events).await, 20);
        toggle_owner(home.path(), round);
        let asked = attempt(client().post(format!("{}/-/reload", exporter.url)));
        let within = Duration::from_micros(random.random_range(0..30_000));
        // the kill may come before the answer
        let _ = tokio::time::timeout(within, asked).await;
        exporter.crash();
        exporter.ready().await;
        wait_for(&exporter, "model_predictions_total", &[], (first + 20) as f64).await;
        assert_counted_whole(&exporter).await;
        let has_owner = exporter.metrics().await.contains("feature=\"owner\"");
        assert_eq!(has_owner, round % 2 == 1, "after {within:?} in round {round}");
    }
    wait_for(&exporter, "model_labels_total", &[], 700.0).await;
}

/// Changes whether the owner is monitored.
fn toggle_owner(home: &Path, round: u64) {
    let (without, with) = ("    features: {owner: {type: identifier}}\n    windows:", "    windows:");
    edit(home, &[if round.is_multiple_of(2) { (with, without) } else { (without, with) }]);
}

#[tokio::test]
async fn a_reference_that_is_missing_or_broken_refuses_the_reload_and_the_old_goes_on() {
    let (home, exporter) = told_exporter("").await;
    let before = figures(&exporter.metrics().await);
    let good = std::fs::read(home.path().join("exporter.yaml")).unwrap();
    for (spoiled, named) in
        [("windows: [1h", "windows"), ("reference: no.csv", "no.csv"), ("colour: red", "colour")]
    {
        let key = spoiled.split(':').next().unwrap();
        let text = String::from_utf8(good.clone()).unwrap();
        let lines = text.lines().map(|line| {
            if line.trim_start().starts_with(&format!("{key}:")) {
                format!("    {spoiled}\n")
            } else {
                format!("{line}\n")
            }
        });
        let mut text: String = lines.collect();
        if key == "colour" {
            text += "colour: red\n";
        }
        write(home.path(), "exporter.yaml", text);
        let answer = post(&format!("{}/-/reload", exporter.url), JSON, "").await;
        assert!(
            (400..600).contains(&answer.status) && answer.body.contains("exporter.yaml"),
            "{}",
            answer.body
        );
        assert!(named == "windows" || answer.body.contains(named), "{}", answer.body);
        exporter.wait_for_line("modelwatch_exporter_config_last_reload_successful 0").await;
        assert_eq!(figures(&exporter.metrics().await), before);
        write(home.path(), "exporter.yaml", &good);
        reload(&exporter).await;
        exporter.wait_for_line("modelwatch_exporter_config_last_reload_successful 1").await;
    }
    assert_eq!(figures(&exporter.metrics().await), before);
}
