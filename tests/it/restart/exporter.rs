//! The exporter: after any number of kills every figure is that of a run without one.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{KILLS, kill_often};
use crate::support::exposition::{Sample, samples};
use crate::support::http::{NDJSON, attempt, client};
use crate::support::loans::{self, Applicant, START};
use crate::support::program::Program;
use crate::support::random::random;
use crate::support::wait::{pause, until};
use crate::support::{exposition, home};

/// Applicants of one batch.
const APPLICANTS: u64 = 40;
/// Seconds of event time from one applicant to the next: a batch is twenty minutes.
const BETWEEN: i64 = 30;
/// Most labels come so many batches after their predictions.
const LABELLED_AFTER: u64 = 9;
/// Some come days later, into panes that were closed long ago.
const LABELLED_LATE: u64 = 150;
/// After so many batches the configuration is reloaded, for which the exporter saves its state.
const BETWEEN_RELOADS: u64 = 60;
/// Eight days: windows have moved on, drift has come and is being decided about.
const LEAST: u64 = 8 * 86_400 / (APPLICANTS * BETWEEN as u64);
/// What a sender lets pass after each batch and after each failure.
const BREATH: Duration = Duration::from_millis(4);

/// Two features and a column of events alone; some of its values are beyond the limit.
const SEGMENTS: &str = "    segments: [region, owner, channel]\nlimits: {segments: 8}\n";

/// An exporter and the folder it lives in.
struct Exporter {
    program: Program,
    _home: TempDir,
}

impl Exporter {
    async fn start() -> Exporter {
        let home = home();
        loans::configure(home.path(), SEGMENTS);
        Exporter { program: Program::exporter(home.path()).await, _home: home }
    }
}

/// One sender, which sends a batch until it was answered 200 and only then the next.
struct Sender {
    client: Client,
    url: String,
    sent_again: u64,
}

impl Sender {
    fn to(exporter: &Exporter) -> Sender {
        Sender { client: client(), url: exporter.program.url.clone(), sent_again: 0 }
    }

    async fn send(&mut self, body: &str) {
        loop {
            let request = self.client.post(format!("{}/v1/events", self.url)).header("content-type", NDJSON);
            match attempt(request.body(body.to_owned())).await {
                Ok(answer) if answer.status == 200 => {
                    assert_eq!(answer.json()["rejected"], 0, "{}", answer.body);
                    return;
                }
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
                Err(_) => {}
            }
            self.sent_again += 1;
            pause(BREATH).await;
        }
    }

    /// Sends batch after batch until there is an end and enough, and says how many.
    async fn send_until(&mut self, end: &Cell<bool>) -> u64 {
        let mut number = 0;
        while !end.get() || number < LEAST {
            self.send(&batch(number)).await;
            number += 1;
            if number % BETWEEN_RELOADS == 0 {
                // a kill may come in between
                let _ = attempt(self.client.post(format!("{}/-/reload", self.url))).await;
            }
            pause(BREATH).await;
        }
        number
    }
}

/// Predictions of two versions, and the labels that come with them: in time, late, early, and contradicting earlier ones.
fn batch(number: u64) -> String {
    let mut events = Vec::new();
    for at in applicants_of(number) {
        let mut prediction = applicant(at).prediction(if at % 3 == 0 { "2" } else { "1" }, time(at));
        if at % 4 != 0 {
            prediction["segment"] = json!({"channel": format!("channel {}", at % 5)});
        }
        if at % 17 == 0 {
            prediction["features"]["income"] = Value::Null;
        }
        events.push(prediction);
    }
    let now = time((number + 1) * APPLICANTS);
    let label = |at: u64| applicant(at).label(now);
    let earlier = |batches: u64| number.checked_sub(batches).map(applicants_of).into_iter().flatten();
    events.extend(earlier(LABELLED_AFTER).filter(|at| at % 7 != 0 && at % 11 != 0).map(label));
    events.extend(earlier(LABELLED_LATE).filter(|at| at % 7 == 0 && at % 11 != 0).map(label));
    events.extend(applicants_of(number + 2).filter(|at| at % 11 == 0).map(label));
    events.extend(earlier(LABELLED_AFTER + 3).filter(|at| at % 13 == 0).map(|at| {
        let mut other = label(at);
        other["label"] = json!(1 - other["label"].as_u64().unwrap());
        other
    }));
    loans::lines(&events)
}

fn applicants_of(batch: u64) -> std::ops::Range<u64> {
    batch * APPLICANTS..(batch + 1) * APPLICANTS
}

/// Usual people for five days, then others for two, and again.
fn applicant(at: u64) -> Applicant {
    let day = (time(at) - START) / 86_400;
    if day % 7 < 5 { Applicant::usual(at) } else { Applicant::unusual(at) }
}

fn time(at: u64) -> i64 {
    START + BETWEEN * at as i64
}

/// Everything that `/metrics` says of models and data. How often something came twice is true of the run, not of the
/// events, and so is the exporter's own health.
fn figures(page: &str) -> BTreeSet<Sample> {
    let of_run = |sample: &Sample| {
        let is_clock = sample.name == "modelwatch_exporter_model_clock_seconds";
        let is_health = sample.name.starts_with("modelwatch_exporter_") && !is_clock;
        is_health || sample.labels.get("reason").is_some_and(|reason| reason == "duplicate")
    };
    samples(page).into_iter().filter(|sample| !of_run(sample)).collect()
}

/// Waits until both say the same, and fails with what differs.
async fn assert_same(killed: &Exporter, spared: &Exporter) {
    until("the killed exporter says what the spared one says", async || {
        let (killed, spared) = (killed.program.metrics().await, spared.program.metrics().await);
        let (killed, spared) = (figures(&killed), figures(&spared));
        let differ: Vec<_> = killed.symmetric_difference(&spared).collect();
        if differ.is_empty() { Ok(()) } else { Err(format!("{} samples differ: {differ:#?}", differ.len())) }
    })
    .await;
}

/// The number of a family without other labels than `model`, `source` and `version`.
async fn total(exporter: &Exporter, family: &str) -> f64 {
    let page = exporter.program.metrics().await;
    exposition::samples(&page)
        .iter()
        .filter(|s| s.name == family)
        .map(|s| s.value.parse::<f64>().unwrap())
        .sum()
}

#[tokio::test]
async fn thirty_kills_under_load_change_no_figure() {
    let mut random = random();
    let mut killed = Exporter::start().await;
    let mut sender = Sender::to(&killed);
    let end = Cell::new(false);
    let killing = async {
        kill_often(&mut killed.program, &mut random, KILLS).await;
        end.set(true);
    };
    let (batches, ()) = tokio::join!(sender.send_until(&end), killing);

    let spared = Exporter::start().await;
    let mut steady = Sender::to(&spared);
    for number in 0..batches {
        steady.send(&batch(number)).await;
    }
    assert_same(&killed, &spared).await;
    let days = batches as i64 * APPLICANTS as i64 * BETWEEN / 86_400;
    println!(
        "{KILLS} kills, {batches} batches over {days} days of event time, {} sent again",
        sender.sent_again
    );
    assert_eq!(total(&killed, "model_predictions_total").await, (batches * APPLICANTS) as f64);
    assert!(total(&killed, "data_drift_alerts_total").await >= 1.0, "drift was found");
}

#[tokio::test]
async fn a_kill_right_after_200_loses_nothing() {
    let mut exporter = Exporter::start().await;
    let mut sender = Sender::to(&exporter);
    for round in 0..8 {
        sender.send(&loans::lines([&Applicant::usual(round).prediction("1", time(round))])).await;
        exporter.program.crash();
        exporter.program.ready().await;
        assert_eq!(total(&exporter, "model_predictions_total").await, (round + 1) as f64);
    }
}

#[tokio::test]
async fn labels_that_come_after_a_kill_find_their_predictions() {
    let applicants: Vec<_> = (0..720).map(|at| (Applicant::usual(at), START + 120 * at as i64)).collect();
    let predictions: Vec<_> =
        applicants.iter().map(|(applicant, time)| applicant.prediction("1", *time)).collect();
    let labels: Vec<_> =
        applicants.iter().map(|(applicant, time)| applicant.label(time + 3 * 86_400)).collect();
    let (mut killed, spared) = (Exporter::start().await, Exporter::start().await);
    for events in [predictions, labels] {
        let body = loans::lines(&events);
        Sender::to(&spared).send(&body).await;
        Sender::to(&killed).send(&body).await;
        killed.program.crash();
        killed.program.ready().await;
    }
    assert_same(&killed, &spared).await;
    killed.program.wait_for_line("model_labels_total{model=\"loans\",version=\"1\"} 720").await;
    killed
        .program
        .wait_for_line("model_accuracy{model=\"loans\",version=\"1\",segment=\"\",window=\"1d\"} 0.95")
        .await;
}
