//! Events in, people told: both programs between a real Prometheus, a real Alertmanager and a stand-in for Slack, with the
//! project's rules, with tokens everywhere, and with data of its own.

use std::collections::BTreeMap;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::http::{Answer, NDJSON, client, send};
use crate::support::loans::{self, Applicant, START};
use crate::support::peers::Peer;
use crate::support::process::free_port;
use crate::support::program::Program;
use crate::support::slack::{Accepted, Slack};
use crate::support::wait::until;
use crate::support::{home, root, write};

/// A version whose name would be markup, and people told something else, if it were not escaped.
const VERSION: &str = "<!channel> & co";
/// What people read instead.
const ESCAPED: &str = "&lt;!channel&gt; &amp; co";
const DAY: i64 = 86_400;
/// Seconds from one applicant to the next.
const BETWEEN: i64 = 120;
const TOKENS: [&str; 4] = ["ingest.token", "metrics.token", "people.token", "alertmanager/receiver.token"];
const ALERTS: [&str; 3] = ["DataDriftDetected", "FeatureDriftSevere", "ModelAccuracyDrop"];

/// Everything that runs.
struct Loop {
    exporter: Program,
    receiver: Program,
    prometheus: Peer,
    slack: Slack,
    _alertmanager: Peer,
    _home: TempDir,
}

impl Loop {
    async fn start() -> Loop {
        let (slack, home) = (Slack::start().await, home());
        let path = home.path();
        TOKENS.iter().for_each(|token| write(path, token, format!("secret of {token}\n")));
        loans::configure(
            path,
            "web: {auth: {tokens: [{name: serving, file: ingest.token, allow: [ingest]}, {name: prometheus, file: metrics.token, allow: [metrics, read]}]}}\n",
        );
        write(path, "slack.url", &slack.webhook_url);
        write(path, "receiver.yaml", RECEIVER);
        let (exporter, receiver) = (Program::exporter(path).await, Program::receiver(path).await);
        write(path, "alertmanager/alertmanager.yml", alertmanager_config(&receiver.url));
        let port = free_port();
        let alertmanager = Peer::alertmanager(path, port).await;
        copy_rules(&home);
        write(path, "prometheus.yml", prometheus_config(&exporter, port));
        let prometheus = Peer::prometheus(path).await;
        Loop { exporter, receiver, prometheus, slack, _alertmanager: alertmanager, _home: home }
    }

    /// One day of event time, whose labels come an hour after each prediction.
    async fn day(&self, day: i64, applicant: fn(u64) -> Applicant) {
        let mut events = Vec::new();
        for at in 0..DAY / BETWEEN {
            let (number, time) = ((day * DAY / BETWEEN + at) as u64, START + day * DAY + at * BETWEEN);
            events
                .extend([applicant(number).prediction(VERSION, time), applicant(number).label(time + 3_600)]);
        }
        let request =
            client().post(format!("{}/v1/events", self.exporter.url)).header("content-type", NDJSON);
        let answer: Answer =
            send(request.bearer_auth("secret of ingest.token").body(loans::lines(&events))).await;
        assert_eq!((answer.status, &answer.json()["rejected"]), (200, &Value::from(0)), "{}", answer.body);
    }

    /// Waits until people were told that each of the alerts is in this state.
    async fn told(&self, state: &str) {
        until(&format!("people are told that all alerts are {state}"), async || {
            let titles: Vec<_> = self.slack.accepted().iter().map(Accepted::title).collect();
            let is_told = |name: &&str| titles.contains(&format!("[{state}:1][TEST] {name}"));
            if ALERTS.iter().all(is_told) { Ok(()) } else { Err(format!("they are told {titles:?}")) }
        })
        .await;
    }

    /// Waits until Prometheus has seen what the exporter says now.
    async fn scraped(&self, query: &str, value: &str) {
        let url = format!("{}/api/v1/query", self.prometheus.url);
        let url = reqwest::Url::parse_with_params(&url, [("query", query)]).expect("a URL");
        until(&format!("{query} is {value}"), async || {
            let found = send(client().get(url.clone())).await.json();
            let values: Vec<_> = found["data"]["result"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["value"][1].clone())
                .collect();
            if values == [value] { Ok(()) } else { Err(format!("{values:?}")) }
        })
        .await;
    }

    /// What the receiver answers to people.
    async fn read(&self, path: &str) -> Value {
        let request = client().get(format!("{}{path}", self.receiver.url));
        send(request.bearer_auth("secret of people.token")).await.json()
    }

    /// What the history holds, by kind and alert, once nothing is under way.
    async fn history(&self) -> BTreeMap<(String, String), Value> {
        let notifications = until("nothing is under way", async || {
            let all = self.read("/api/v1/notifications").await["notifications"].clone();
            let is_pending = |one: &Value| one["status"] == "pending";
            if all.as_array().unwrap().iter().any(is_pending) { Err(all.to_string()) } else { Ok(all) }
        })
        .await;
        let mut found = BTreeMap::new();
        for one in notifications.as_array().unwrap() {
            let name = one["alerts"][0]["labels"]["alertname"].as_str().unwrap().to_owned();
            let kind = one["kind"].as_str().unwrap().to_owned();
            assert_eq!(
                found.insert((name, kind), one.clone()),
                None,
                "each is there once: {notifications:#}"
            );
        }
        found
    }
}

const RECEIVER: &str = r#"
storage: {url: "sqlite:receiver.db"}
environment: test
web: {auth: {tokens: [{name: alertmanager, file: alertmanager/receiver.token, allow: [ingest]}, {name: people, file: people.token, allow: [read]}]}}
routes: [{channels: [team]}]
channels: [{name: team, type: slack, webhook_url_file: slack.url, rate: 10/s}]
heartbeats: [{name: prometheus, match: ['alertname="Watchdog"'], every: 5m, grace: 1m, channels: [team]}]
"#;

/// The project's rules with seconds for minutes and hours; what is compared stays.
fn copy_rules(home: &TempDir) {
    let mut copied = 0;
    for entry in std::fs::read_dir(root().join("rules")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".rules.yml") {
            let text = std::fs::read_to_string(&path).unwrap();
            write(home.path(), &format!("rules/{name}"), sooner(&text));
            copied += 1;
        }
    }
    assert!(copied >= 4, "rules/ has the rules of four subjects");
}

fn sooner(rules: &str) -> String {
    let line = |line: &str| match line.trim_start().starts_with("for: ") {
        true => format!("{}for: 1s\n", &line[..line.len() - line.trim_start().len()]),
        false => format!("{}\n", line.replace("[1h]", "[4s]").replace("[10m]", "[4s]")),
    };
    rules.lines().map(line).collect()
}

/// The project's Alertmanager configuration, grouping faster and sending to the receiver of this test.
fn alertmanager_config(receiver: &str) -> String {
    let shipped = std::fs::read_to_string(root().join("alertmanager/alertmanager.yml")).unwrap();
    let faster = |line: &str| {
        let (indent, text) = line.split_at(line.len() - line.trim_start().len());
        match text.split_once(": ") {
            Some((key @ ("group_wait" | "group_interval"), _)) => format!("{indent}{key}: 1s\n"),
            _ => format!("{}\n", line.replace("http://127.0.0.1:9741", receiver)),
        }
    };
    let config: String = shipped.lines().map(faster).collect();
    assert!(config.contains(receiver), "the webhook is this test's receiver: {config}");
    config
}

fn prometheus_config(exporter: &Program, alertmanager: u16) -> String {
    let target = exporter.url.trim_start_matches("http://");
    format!(
        "global: {{scrape_interval: 400ms, evaluation_interval: 400ms}}\nrule_files: [rules/*.rules.yml]\nalerting:\n  alertmanagers: [{{static_configs: [{{targets: [\"127.0.0.1:{alertmanager}\"]}}]}}]\nscrape_configs:\n  - job_name: modelwatch-exporter\n    authorization: {{credentials_file: metrics.token}}\n    static_configs: [{{targets: [\"{target}\"]}}]\n"
    )
}

fn assert_says_everything(message: &Accepted, alert: &Value) {
    let text = message.text();
    let labels = alert["labels"].as_object().unwrap();
    assert!(labels.len() >= 6, "{labels:?}");
    for (name, value) in labels {
        let value = value.as_str().unwrap().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(text.contains(name) && text.contains(&value), "{name}: {value} is missing in {text}");
    }
    for annotation in ["summary", "next_action"] {
        let said = alert["annotations"][annotation].as_str().unwrap();
        let said = said.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(text.contains(&said), "{annotation} {said:?} is missing in {text}");
    }
    assert!(text.contains(ESCAPED) && !text.contains("<!channel>"), "{text}");
}

#[tokio::test]
async fn drift_and_an_accuracy_drop_are_told_once_when_they_begin_and_once_when_they_end() {
    let all = Loop::start().await;
    all.day(0, Applicant::usual).await;
    all.day(1, Applicant::usual).await;
    all.scraped("model_accuracy{window=\"1d\"} > bool 0.9", "1").await;
    all.scraped("data_drift_dataset_detected{window=\"1d\"}", "0").await;
    assert_eq!(all.slack.accepted().len(), 0, "a usual day tells nobody anything");

    all.day(2, Applicant::unusual).await;
    all.day(3, Applicant::unusual).await;
    all.told("FIRING").await;
    all.day(4, Applicant::usual).await;
    all.day(5, Applicant::usual).await;
    all.told("RESOLVED").await;

    let history = all.history().await;
    let messages = all.slack.accepted();
    assert_eq!(all.slack.refused(), [""; 0]);
    assert_eq!(
        messages.len(),
        2 * ALERTS.len(),
        "{:?}",
        messages.iter().map(Accepted::title).collect::<Vec<_>>()
    );
    assert_eq!(history.len(), messages.len(), "{:?}", history.keys());
    for name in ALERTS {
        for (kind, state, status) in [("new", "FIRING", "firing"), ("resolved", "RESOLVED", "resolved")] {
            let entry = &history[&(name.to_owned(), kind.to_owned())];
            assert_eq!(
                (&entry["status"], &entry["channel"]),
                (&Value::from("delivered"), &Value::from("team"))
            );
            assert_eq!(entry["attempts"].as_array().unwrap().len(), 1, "{entry}");
            assert_eq!(entry["attempts"][0]["ambiguous"], false, "{entry}");
            let alert = &entry["alerts"][0];
            assert_eq!(
                (&alert["status"], &alert["change"]),
                (&Value::from(status), &Value::from(kind)),
                "{entry}"
            );
            assert_eq!(alert["labels"]["environment"], "test", "{entry}");
            let title = format!("[{state}:1][TEST] {name}");
            let message =
                messages.iter().find(|message| message.title() == title).expect("the message was told");
            assert_says_everything(message, alert);
            let one = all.read(&format!("/api/v1/notifications/{}", entry["id"].as_str().unwrap())).await;
            assert_eq!(&one, entry);
        }
    }
}
