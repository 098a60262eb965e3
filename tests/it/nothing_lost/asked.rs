//! A real Alertmanager that is asked whether alerts still fire.

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{came, send};
use crate::support::alerts::Alert;
use crate::support::history::{history, quiet};
use crate::support::http::{JSON, post};
use crate::support::peers::Peer;
use crate::support::process::free_port;
use crate::support::program::Program;
use crate::support::slack::{Accepted, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

struct Scene {
    slack: Slack,
    receiver: Program,
    /// `None` once it is stopped.
    alertmanager: Option<Peer>,
    /// When the alert began.
    began: Timestamp,
    _home: TempDir,
}

impl Scene {
    /// A receiver that asks the Alertmanager that sends to it.
    async fn start(dedupe: &str) -> Scene {
        let (slack, home, port) = (Slack::start().await, home(), free_port());
        let path = home.path();
        let yaml = format!(
            "storage: {{url: \"sqlite:receiver.db\"}}\nenvironment: dev\ndedupe: {dedupe}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{}\", rate: 10/s}}]\nalertmanager: {{url: \"http://127.0.0.1:{port}\"}}\n",
            slack.webhook_url
        );
        write(path, "receiver.yaml", yaml);
        let receiver = Program::receiver(path).await;
        let config = format!(
            "route: {{receiver: modelwatch, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}\nreceivers: [{{name: modelwatch, webhook_configs: [{{url: \"{}/webhook\"}}]}}]\n",
            receiver.url
        );
        write(path, "alertmanager/alertmanager.yml", config);
        let alertmanager = Some(Peer::alertmanager(path, port).await);
        let began = Timestamp::from_second(Timestamp::now().as_second() - 60).unwrap();
        Scene { slack, receiver, alertmanager, began, _home: home }
    }

    /// Tells Alertmanager what Prometheus would: that the alert fires since it began, or is over.
    async fn tell(&self, ends_at: Option<Timestamp>) {
        let mut alert = json!({"labels": labels(), "annotations": {"summary": "A happened"}, "startsAt": self.began.to_string()});
        if let Some(ends_at) = ends_at {
            alert["endsAt"] = json!(ends_at.to_string());
        }
        self.post("alerts", json!([alert])).await;
    }

    async fn post(&self, path: &str, body: Value) {
        let url = format!("{}/api/v2/{path}", self.alertmanager.as_ref().unwrap().url);
        let answer = post(&url, JSON, body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The alert is told as firing, then as over.
    async fn fired_and_ended(&self) {
        self.tell(None).await;
        came(&self.slack, 1).await;
        self.tell(Some(Timestamp::now())).await;
        came(&self.slack, 2).await;
        quiet(&self.receiver).await;
    }

    /// A copy from when it fired arrives now.
    async fn old_copy_arrives(&self) {
        let copy = Alert::firing("A", self.began.as_second());
        send(&self.receiver.url, "old", &[&copy]).await;
    }

    /// What the counter of these answers is at.
    async fn answers(&self, answer: &str) -> u64 {
        let series = format!("modelwatch_receiver_alertmanager_answers_total{{answer=\"{answer}\"}} ");
        let metrics = self.receiver.metrics().await;
        let number = metrics.lines().find_map(|line| line.strip_prefix(&series)).expect("the counter");
        number.parse().expect("a number")
    }

    /// Waits until it was said so many times more that the alert fires.
    async fn fires_again(&self, times: u64) {
        let before = self.answers("fires").await;
        until("it fires again", async || match self.answers("fires").await {
            now if now >= before + times => Ok(()),
            now => Err(format!("{} times", now - before)),
        })
        .await;
    }

    /// How the alert's newest occurrence stands.
    async fn state(&self) -> Value {
        self.receiver.get("/api/v1/alerts").await.json()["alerts"][0]["state"].clone()
    }

    fn titles(&self) -> Vec<String> {
        self.slack.accepted().iter().map(Accepted::title).collect()
    }
}

fn labels() -> Value {
    json!({"alertname": "A", "severity": "warning"})
}

#[tokio::test]
async fn a_return_with_its_old_start_is_told_within_seconds_and_ends_as_any_other() {
    let scene = Scene::start("{reorder_window: 15m}").await;
    scene.fired_and_ended().await;
    scene.tell(None).await;
    came(&scene.slack, 3).await;
    scene.tell(Some(Timestamp::now())).await;
    came(&scene.slack, 4).await;
    quiet(&scene.receiver).await;
    let (firing, over) = ("[FIRING:1][DEV] A", "[RESOLVED:1][DEV] A");
    assert_eq!(scene.titles(), [firing, over, firing, over]);
    let history = history(&scene.receiver).await;
    assert!(history.iter().all(|told| told["unconfirmed"] == false), "{:#}", json!(history));
    let starts: Vec<_> = history.iter().map(|told| told["alerts"][0]["starts_at"].clone()).collect();
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
}

#[tokio::test]
async fn an_old_copy_that_arrives_late_is_not_told_but_listed() {
    let scene = Scene::start("{reorder_window: 2s}").await;
    scene.fired_and_ended().await;
    scene.old_copy_arrives().await;
    let stale = "modelwatch_receiver_suppressed_total{channel=\"team\",reason=\"stale_copy\"} 1";
    scene.receiver.wait_for_line(stale).await;
    assert_eq!(scene.answers("gone").await, 1);
    let alerts = scene.receiver.get("/api/v1/alerts").await.json();
    let fingerprint = alerts["alerts"][0]["fingerprint"].as_str().unwrap();
    until("it is listed", async || {
        let timeline = scene.receiver.get(&format!("/api/v1/alerts/{fingerprint}")).await.json();
        let listed = timeline["occurrences"][0]["suppressed"].clone();
        let is_listed = listed.as_array().unwrap().iter().any(|untold| untold["reason"] == "stale_copy");
        if is_listed { Ok(()) } else { Err(listed.to_string()) }
    })
    .await;
    // an alert that is accepted after the window ended is told after whatever that window held back
    until("the window is over", async || {
        let seen = alerts["alerts"][0]["seen_at"].as_str().unwrap().parse::<Timestamp>().unwrap();
        let over = Timestamp::now().duration_since(seen).as_secs() > 4;
        if over { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    send(&scene.receiver.url, "other", &[&Alert::firing("B", scene.began.as_second())]).await;
    came(&scene.slack, 3).await;
    assert_eq!(scene.titles()[2], "[FIRING:1][DEV] B");
}

#[tokio::test]
async fn without_alertmanager_an_old_copy_is_told_as_unconfirmed_when_its_window_ends() {
    let mut scene = Scene::start("{reorder_window: 8s}").await;
    scene.fired_and_ended().await;
    scene.alertmanager = None;
    scene.old_copy_arrives().await;
    came(&scene.slack, 3).await;
    quiet(&scene.receiver).await;
    let history = history(&scene.receiver).await;
    assert_eq!(history[0]["unconfirmed"], true, "{:#}", json!(history));
    let metrics = scene.receiver.metrics().await;
    assert!(metrics.contains("alertmanager_requests_total{result=\"connect\"}"), "{metrics}");
    let output = scene.receiver.output();
    assert_eq!(output.matches("Alertmanager cannot be asked").count(), 1, "{output}");
}

#[tokio::test]
async fn an_alert_that_nobody_speaks_of_fires_as_long_as_alertmanager_says_so() {
    let mut scene = Scene::start("{stale_after: 2s}").await;
    scene.tell(None).await;
    came(&scene.slack, 1).await;
    scene.fires_again(2).await;
    assert_eq!(scene.state().await, "firing");
    let matcher = json!({"name": "alertname", "value": "A", "isRegex": false, "isEqual": true});
    let end = Timestamp::from_second(Timestamp::now().as_second() + 3600).unwrap();
    let silence = json!({"matchers": [matcher], "startsAt": Timestamp::now().to_string(), "endsAt": end.to_string(), "createdBy": "a test", "comment": "quiet"});
    scene.post("silences", silence).await;
    scene.fires_again(2).await;
    assert_eq!(scene.state().await, "firing", "it fires, though people do not want to hear of it");
    scene.alertmanager = None;
    until("it is stale", async || match scene.state().await {
        stale if stale == "stale" => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
    assert_eq!(scene.slack.count(), 1);
}

#[tokio::test]
async fn what_one_of_several_alertmanagers_was_not_sent_is_told_though_it_does_not_list_it() {
    let (slack, home) = (Slack::start().await, home());
    let path = home.path();
    write(path, "alertmanager/alertmanager.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n");
    let cluster = Peer::alertmanagers(path, 2).await;
    until("they know of each other", async || {
        let status = crate::support::http::get(&format!("{}/api/v2/status", cluster[0].url)).await.json();
        let peers = status["cluster"]["peers"].clone();
        if peers.as_array().is_some_and(|peers| peers.len() == 2) { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    let yaml = format!(
        "storage: {{url: \"sqlite:receiver.db\"}}\ndedupe: {{reorder_window: 4s}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{}\", rate: 10/s}}]\nalertmanager: {{url: \"{}/\"}}\n",
        slack.webhook_url, cluster[0].url
    );
    write(path, "receiver.yaml", yaml);
    let receiver = Program::receiver(path).await;
    let firing = Alert::firing("A", Timestamp::now().as_second() - 60);
    send(&receiver.url, "a", &[&firing]).await;
    came(&slack, 1).await;
    send(&receiver.url, "a", &[&firing.resolved(Timestamp::now().as_second() - 1)]).await;
    came(&slack, 2).await;
    send(&receiver.url, "a", &[&firing]).await;
    receiver.wait_for_line("modelwatch_receiver_alertmanager_answers_total{answer=\"unknown\"} 1").await;
    came(&slack, 3).await;
    assert_eq!(history(&receiver).await[0]["unconfirmed"], true);
}
