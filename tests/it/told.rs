//! Who hears what of an alert: its end goes to whoever heard its beginning, wherever, and to nobody else.

mod stats;

use std::fmt::Write as _;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alerts::{Alert, webhook};
use crate::support::history::{history, quiet};
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::slack::{Accepted, Fault, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

/// A receiver whose channels are called `first` and `second`.
struct Stage {
    slacks: [Slack; 2],
    receiver: Program,
    home: TempDir,
}

impl Stage {
    /// With these routes and, for each channel, these keys.
    async fn start(more: &str, routes: &str, keys: [&str; 2]) -> Stage {
        let slacks = [Slack::start().await, Slack::start().await];
        let home = home();
        let mut yaml = format!(
            "storage: {{url: \"sqlite:receiver.db\"}}\ndelivery: {{retry: {{initial: 100ms, max: 200ms}}}}\n{more}\nroutes: [{routes}]\nchannels:\n"
        );
        for ((name, slack), keys) in ["first", "second"].iter().zip(&slacks).zip(keys) {
            let url = &slack.webhook_url;
            writeln!(yaml, "  - {{name: {name}, type: slack, webhook_url: \"{url}\"{keys}}}").unwrap();
        }
        write(home.path(), "receiver.yaml", yaml);
        let receiver = Program::receiver(home.path()).await;
        Stage { slacks, receiver, home }
    }

    async fn send(&self, alerts: &[&Alert]) {
        let body = webhook("g", alerts.iter().copied()).to_string();
        let answer = post(&format!("{}/webhook", self.receiver.url), JSON, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The titles that a channel got, once there are so many and nothing waits.
    async fn titles(&self, channel: usize, count: usize) -> Vec<String> {
        self.came(channel, count).await;
        quiet(&self.receiver).await;
        self.slacks[channel].accepted().iter().map(Accepted::title).collect()
    }

    /// Waits until a channel got so many messages, whatever waits for others.
    async fn came(&self, channel: usize, count: usize) {
        until(&format!("{count} messages came"), async || {
            let came = self.slacks[channel].count();
            if came >= count { Ok(()) } else { Err(format!("{came} did")) }
        })
        .await;
    }

    /// Waits until an attempt came to something.
    async fn tried(&self) {
        until("it was tried", async || {
            let found = history(&self.receiver).await;
            let is_tried = found.iter().any(|one| one["attempts"][0]["result"].is_string());
            if is_tried { Ok(()) } else { Err(json!(found).to_string()) }
        })
        .await;
    }

    /// What became of the newest occurrence of the only alert: `channel status: told`, or why not.
    async fn told(&self) -> Vec<String> {
        let alerts = self.receiver.get("/api/v1/alerts").await.json()["alerts"].clone();
        let path = format!("/api/v1/alerts/{}", alerts[0]["fingerprint"].as_str().unwrap());
        let timeline = self.receiver.get(&path).await.json();
        let line = |told: &Value| {
            let what =
                if told["told_at"].is_string() { "told" } else { told["suppressed"].as_str().unwrap() };
            format!("{} {}: {what}", told["channel"].as_str().unwrap(), told["status"].as_str().unwrap())
        };
        let mut told: Vec<_> =
            timeline["occurrences"][0]["told"].as_array().unwrap().iter().map(line).collect();
        told.sort();
        told
    }
}

const BOTH: &str = "{channels: [first, second]}";
const FIRST: &str = "{channels: [first]}";
const FAST: &str = ", rate: 100/s";

#[tokio::test]
async fn what_is_over_before_a_channel_that_fails_heard_of_it_is_not_told_there_and_the_history_says_so() {
    let stage = Stage::start("", BOTH, [FAST, FAST]).await;
    stage.slacks[0].always(Some(Fault::Status(503, "busy")));
    let alert = Alert::firing("Drift", START);
    stage.send(&[&alert]).await;
    stage.came(1, 1).await;
    stage.tried().await;
    stage.send(&[&alert.resolved(START + 60)]).await;
    assert_eq!(stage.titles(1, 2).await, ["[FIRING:1] Drift", "[RESOLVED:1] Drift"]);
    stage.slacks[0].always(None);
    let other = Alert::firing("Other", START);
    stage.send(&[&other, &alert.resolved(START + 60)]).await;
    assert_eq!(stage.titles(0, 1).await, ["[FIRING:1] Other"]);
    let found = history(&stage.receiver).await;
    let unheard = found.iter().find(|one| one["suppressed"] == "never_told").unwrap();
    assert_eq!((&unheard["channel"], &unheard["status"]), (&json!("first"), &json!("suppressed")));
    let metrics = stage.receiver.metrics().await;
    let counted = "suppressed_total{channel=\"first\",reason=\"never_told\"} 2";
    assert!(metrics.contains(counted), "an alert and its notification: {metrics}");
}

#[tokio::test]
async fn what_is_over_before_its_turn_came_is_never_said_to_have_been_told() {
    let stage = Stage::start("", FIRST, [", rate: 12/m", FAST]).await;
    let before = Alert::firing("Before", START);
    let body = webhook("other", [&before]).to_string();
    post(&format!("{}/webhook", stage.receiver.url), JSON, body).await;
    stage.titles(0, 1).await;
    let alert = Alert::firing("Short", START);
    stage.send(&[&alert]).await;
    stage.send(&[&alert.resolved(START + 60)]).await;
    quiet(&stage.receiver).await;
    assert_eq!(stage.told().await, ["first firing: superseded", "first resolved: never_told"]);
    assert_eq!(stage.titles(0, 1).await, ["[FIRING:1] Before"]);
}

#[tokio::test]
async fn a_fallback_that_heard_the_beginning_hears_the_end_once_and_the_dead_channel_does_not() {
    let stage = Stage::start("", FIRST, [", rate: 100/s, fallback: second", FAST]).await;
    stage.slacks[0].always(Some(Fault::Status(404, "no_service")));
    let alert = Alert::firing("Drift", START);
    stage.send(&[&alert]).await;
    assert_eq!(stage.titles(1, 1).await, ["[FIRING:1] Drift"]);
    for _ in 0..3 {
        stage.send(&[&alert.resolved(START + 60)]).await;
    }
    assert_eq!(stage.titles(1, 2).await, ["[FIRING:1] Drift", "[RESOLVED:1] Drift"]);
    assert_eq!(stage.slacks[0].count(), 0);
    let told = [
        "first firing: superseded",
        "first resolved: never_told",
        "second firing: told",
        "second resolved: told",
    ];
    assert_eq!(stage.told().await, told);
}

#[tokio::test]
async fn a_channel_that_routes_no_longer_lead_to_hears_the_end_of_what_it_heard_begin() {
    let stage = Stage::start("", FIRST, [FAST, FAST]).await;
    let alert = Alert::firing("Drift", START);
    stage.send(&[&alert]).await;
    stage.titles(0, 1).await;
    let file = stage.home.path().join("receiver.yaml");
    let yaml = std::fs::read_to_string(&file).unwrap().replace(FIRST, "{channels: [second]}");
    write(stage.home.path(), "receiver.yaml", yaml);
    let answer = post(&format!("{}/-/reload", stage.receiver.url), JSON, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    stage.send(&[&alert]).await;
    stage.titles(1, 1).await;
    stage.send(&[&alert.resolved(START + 60)]).await;
    for channel in [0, 1] {
        assert_eq!(stage.titles(channel, 2).await, ["[FIRING:1] Drift", "[RESOLVED:1] Drift"], "{channel}");
    }
}

#[tokio::test]
async fn what_flaps_is_said_once_and_is_not_still_firing_to_who_heard_that_it_is_over() {
    let stage = Stage::start("dedupe: {flap: {changes: 4, within: 1h}}", FIRST, [FAST, FAST]).await;
    let flapping = |start: i64| Alert::firing("Drift", START + start).with("x", "1");
    let mut count = 0;
    for start in [0, 100] {
        for alert in [flapping(start), flapping(start).resolved(START + start + 50)] {
            stage.send(&[&alert]).await;
            count += 1;
            stage.titles(0, count).await;
        }
    }
    let other = Alert::firing("Drift", START).with("x", "2");
    stage.send(&[&flapping(200), &other]).await;
    let titles = stage.titles(0, 5).await;
    assert_eq!(titles[3], "[RESOLVED:1][FLAPPING] Drift");
    assert_eq!(titles[4..], ["[FIRING:1] Drift"], "only the other one is news");
    let text = stage.slacks[0].accepted()[4].text();
    assert!(!text.contains("still") && !text.contains("flaps"), "{text}");
    stage.send(&[&flapping(200).resolved(START + 250), &other.resolved(START + 250)]).await;
    assert_eq!(stage.titles(0, 6).await[5], "[RESOLVED:1] Drift");
}
