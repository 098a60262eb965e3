//! `/metrics` of both programs: valid, complete, and all that the rules of Prometheus ask for.

mod catalogue;
mod contract;
mod dashboard;
mod rules;

use serde_json::Value;

use crate::support::alerts::{Alert, webhook};
use crate::support::exposition::Sample;
use crate::support::http::{JSON, NDJSON, post};
use crate::support::loans::{self, Applicant, START};
use crate::support::peers::check_metrics;
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, write};

/// How many applicants a loaded exporter has seen: three days, one every two minutes.
const APPLICANTS: u64 = 2_160;

/// An exporter that has something to say in every family.
struct Loaded {
    _home: tempfile::TempDir,
    program: Program,
}

impl Loaded {
    /// Predictions and labels of as many applicants, the first of which is `from`.
    async fn send(&self, from: u64) {
        let mut events: Vec<Value> = Vec::new();
        for number in from..from + APPLICANTS {
            let time = START + 120 * number as i64;
            // the second version sees other people; a feature of theirs is sometimes missing
            let applicant =
                if number % 2 == 0 { Applicant::usual(number) } else { Applicant::unusual(number) };
            let mut prediction = applicant.prediction(if number % 2 == 0 { "1" } else { "2" }, time);
            if number % 100 == 0 {
                prediction["features"]["income"] = Value::Null;
            }
            events.push(prediction);
            events.push(applicant.label(time + 3600));
        }
        let body = format!("{}this is no event\n", loans::lines(&events));
        let answer = post(&format!("{}/v1/events", self.program.url), NDJSON, body).await;
        assert_eq!(answer.json()["accepted"], 2 * APPLICANTS, "{}", answer.body);
        let rows = from + APPLICANTS;
        self.program
            .wait_for_line(&format!("data_rows_total{{model=\"loans\",source=\"http\"}} {rows}"))
            .await;
    }

    /// Tells a receiver of an alert.
    async fn hear_of(&self, alert: &Alert) {
        let body = webhook("g", [alert]).to_string();
        assert_eq!(post(&format!("{}/webhook", self.program.url), JSON, body).await.status, 200);
    }

    /// Lets an exporter save its state, as it does when it is asked to reload.
    async fn save(&self) {
        let answer = post(&format!("{}/-/reload", self.program.url), JSON, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

async fn loaded_exporter() -> Loaded {
    let home = home();
    loans::configure(home.path(), "    segments: [region, shop]\n");
    let program = Program::exporter(home.path()).await;
    let loaded = Loaded { _home: home, program };
    loaded.send(0).await;
    loaded
}

async fn loaded_receiver() -> Loaded {
    let home = home();
    write(
        home.path(),
        "receiver.yaml",
        "storage: {url: \"sqlite:receiver.db\"}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\nheartbeats: [{name: prometheus, match: ['alertname=\"Watchdog\"'], every: 5m, grace: 1m, channels: [console]}]\n",
    );
    let program = Program::receiver(home.path()).await;
    until("the receiver watches its heartbeats", async || {
        let page = program.metrics().await;
        if page.contains("\nmodelwatch_receiver_heartbeat_up{") { Ok(()) } else { Err(page) }
    })
    .await;
    Loaded { _home: home, program }
}

#[tokio::test]
async fn promtool_finds_nothing_in_the_exporters_metrics() {
    let exporter = loaded_exporter().await;
    assert_eq!(check_metrics(&exporter.program.metrics().await), "");
}

#[tokio::test]
async fn promtool_finds_nothing_in_the_receivers_metrics() {
    let receiver = loaded_receiver().await;
    assert_eq!(check_metrics(&receiver.program.metrics().await), "");
    let firing = Alert::firing("Bad", START);
    for alert in [&firing, &firing.resolved(START + 60)] {
        receiver.hear_of(alert).await;
    }
    receiver.program.wait_for_line("modelwatch_receiver_webhooks_total{result=\"accepted\"} 2").await;
    assert_eq!(check_metrics(&receiver.program.metrics().await), "");
}

/// Whether a sample belongs to a family of that name and type.
fn is_of(sample: &Sample, family: &str, kind: &str) -> bool {
    let rest = sample.name.strip_prefix(family);
    if kind == "histogram" { matches!(rest, Some("_bucket" | "_sum" | "_count")) } else { rest == Some("") }
}
