//! The fire drill: `send-test` through the running receiver, and what each destination answers.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{JSON, client, post, send};
use crate::support::process::free_port;
use crate::support::program::{Program, RECEIVER, Said, run};
use crate::support::slack::{Fault, Slack};
use crate::support::{home, loans, write};

/// A receiver that tells a log, a team and, where nobody listens, a pager.
struct Drill {
    slack: Slack,
    receiver: Program,
    home: TempDir,
}

impl Drill {
    async fn start(web: &str) -> Drill {
        let slack = Slack::start().await;
        let home = home();
        write(home.path(), "slack.url", &slack.webhook_url);
        write(home.path(), "receiver.yaml", config(web));
        let receiver = Program::receiver(home.path()).await;
        Drill { slack, receiver, home }
    }

    async fn send(&self, arguments: &[&str]) -> Said {
        send_test(self.home.path(), &self.receiver.url, arguments).await
    }

    async fn history(&self) -> Vec<Value> {
        let history = self.receiver.get("/api/v1/notifications").await.json();
        history["notifications"].as_array().unwrap().clone()
    }
}

fn config(web: &str) -> String {
    format!(
        r#"
environment: dev
storage: {{url: "sqlite:receiver.db"}}
delivery: {{retry: {{initial: 1h, max: 2h}}}}
{web}
routes:
  - {{match: ['severity="critical"', 'environment="prod"'], channels: [team, pager]}}
  - {{match: ['severity="critical"'], channels: [team], continue: true}}
  - {{match: ['team="nobody"'], channels: [console]}}
  - {{match: ['team!="nobody"', 'severity!="none"'], channels: [console]}}
channels:
  - {{name: console, type: log}}
  - {{name: team, type: slack, webhook_url_file: slack.url, rate: 100/s}}
  - {{name: pager, type: slack, webhook_url: "http://127.0.0.1:{}/hook"}}
heartbeats:
  - {{name: prometheus, match: ['alertname="Watchdog"'], every: 5m, channels: [console]}}
"#,
        free_port()
    )
}

/// Runs the command without blocking the stand-in that has to answer meanwhile.
async fn send_test(home: &Path, url: &str, arguments: &[&str]) -> Said {
    let address = format!("--web.listen-address={}", url.trim_start_matches("http://"));
    let mut all = vec!["send-test".to_owned(), address];
    all.extend(arguments.iter().map(ToString::to_string));
    let home = home.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        run(RECEIVER, &home, &all, &[])
    });
    running.await.unwrap()
}

fn lines(said: &Said) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    said.out.lines().map(words).collect()
}

#[tokio::test]
async fn a_test_without_flags_goes_by_the_routes_and_says_that_it_arrived() {
    let drill = Drill::start("").await;
    let said = drill.send(&[]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let shown = lines(&said);
    assert!(shown[0].contains("alertname=ModelwatchTest environment=dev"), "{shown:?}");
    assert!(shown[0].contains("routes[3]"), "{shown:?}");
    assert_eq!(shown[1..], ["console delivered written to the log"]);
    let history = drill.history().await;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["kind"], "test");
    assert_eq!(history[0]["title"], "[TEST][DEV] ModelwatchTest");
    assert!(history[0]["content"].as_str().unwrap().contains("test"), "{}", history[0]);
}

#[tokio::test]
async fn tests_are_never_copies_of_each_other_and_count_as_no_alert() {
    let drill = Drill::start("").await;
    for _ in 0..3 {
        let said = drill.send(&["--channel=team"]).await;
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let messages = drill.slack.accepted();
    assert_eq!(messages.len(), 3);
    for message in &messages {
        assert_eq!(message.title(), "[TEST][DEV] ModelwatchTest");
        assert!(message.text().contains("nothing is wrong"), "{}", message.text());
        assert_eq!(message.payload["attachments"][0]["color"], "good");
    }
    assert_eq!(drill.slack.refused(), [""; 0]);
    let metrics = drill.receiver.metrics().await;
    for line in metrics.lines().filter(|line| {
        line.starts_with("modelwatch_receiver_suppressed_total")
            || line.starts_with("modelwatch_receiver_alerts_received_total")
            || line.starts_with("modelwatch_receiver_webhooks_total")
    }) {
        assert!(line.ends_with(" 0"), "{line}");
    }
}

#[tokio::test]
async fn labels_show_who_would_be_told_and_a_refusal_is_an_answer_like_any_other() {
    let drill = Drill::start("").await;
    drill.slack.fail_next(Fault::Status(404, "no_service"));
    let said = drill.send(&["--route", "severity=critical", "--route", "environment=prod"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let mut shown = lines(&said);
    assert!(shown[0].contains("environment=prod severity=critical"), "{shown:?}");
    assert!(shown[0].contains("routes[0]") && !shown[0].contains("routes[1]"), "{shown:?}");
    shown[1..].sort();
    assert!(
        shown[1].starts_with("pager will be tried again connect: no connection: ")
            && shown[1].contains("next at 20"),
        "{shown:?}"
    );
    assert!(shown[2].starts_with("team refused not_found: 404 no_service"), "{shown:?}");
    assert!(said.err.contains("pager") && said.err.contains("team"), "{}", said.err);
    assert_eq!(drill.slack.count(), 0);
    let statuses: Vec<_> = drill.history().await.iter().map(|one| one["status"].clone()).collect();
    assert!(statuses.contains(&json!("dead")) && statuses.contains(&json!("pending")), "{statuses:?}");
}

#[tokio::test]
async fn an_answer_for_programs_has_every_destination() {
    let drill = Drill::start("").await;
    let said = drill.send(&["--route=severity=critical", "--format=json"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["routes"], json!([1, 3]));
    assert_eq!(answer["labels"]["severity"], "critical");
    let told = |destination: &Value| (destination["channel"].clone(), destination["answer"].clone());
    let destinations: Vec<_> = answer["destinations"].as_array().unwrap().iter().map(told).collect();
    let delivered = json!("delivered");
    assert_eq!(destinations, [(json!("team"), delivered.clone()), (json!("console"), delivered)]);
    let id = answer["destinations"][0]["notification"].as_str().unwrap();
    assert_eq!(drill.receiver.get(&format!("/notifications/{id}")).await.status, 200);
}

#[tokio::test]
async fn nobody_to_tell_is_said() {
    let drill = Drill::start("").await;
    let said = drill.send(&["--route=severity=none"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("no route takes"), "{said:?}");
    let said = drill.send(&["--route=alertname=Watchdog"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("heartbeat") && said.err.contains("prometheus"), "{said:?}");
    assert_eq!(drill.history().await.len(), 0);
    let fed = "modelwatch_receiver_suppressed_total{channel=\"\",reason=\"heartbeat\"} 0";
    drill.receiver.wait_for_line(fed).await;
}

#[tokio::test]
async fn a_destination_that_does_not_answer_is_not_waited_for_for_ever() {
    let drill = Drill::start("").await;
    drill.slack.answer_after(std::time::Duration::from_secs(10));
    let said = drill.send(&["--channel=team", "--timeout=300ms"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(lines(&said)[1].starts_with("team no answer yet nothing came back within 300ms"), "{said:?}");
}

#[tokio::test]
async fn a_channel_that_the_receiver_does_not_have_is_a_usage_error() {
    let drill = Drill::start("").await;
    let said = drill.send(&["--channel=pigeon"]).await;
    assert_eq!(said.code, Some(64), "{said:?}");
    for word in ["--channel", "`pigeon`", "`console`", "`pager`", "`team`"] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
    let url = format!("{}/api/v1/send-test", drill.receiver.url);
    for (body, status) in [
        ("{}", 200),
        ("{\"channel\":\"pigeon\"}", 422),
        ("{\"channel\":\"team\",\"labels\":{\"a\":\"b\"}}", 400),
        ("{\"labels\":{\"\":\"b\"}}", 400),
        ("{\"colour\":\"red\"}", 400),
        ("red", 400),
    ] {
        let answer = post(&url, JSON, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let forged = post(&format!("{}/webhook?source=(test)", drill.receiver.url), JSON, "{}").await;
    assert_eq!(forged.status, 400, "{}", forged.body);
}

const TOKENS: &str = "web: {auth: {tokens: [{name: am, file: am.token, allow: [ingest]}, {name: operator, file: operator.token, allow: [read, write]}]}}";

#[tokio::test]
async fn a_token_of_the_configuration_opens_the_receiver() {
    let home = home();
    write(home.path(), "am.token", "let-me-in");
    write(home.path(), "operator.token", "let-me-work");
    write(home.path(), "slack.url", "http://127.0.0.1:1/x");
    write(home.path(), "receiver.yaml", config(TOKENS));
    let receiver = Program::receiver(home.path()).await;
    let said = send_test(home.path(), &receiver.url, &["--channel=console"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let request = || client().post(format!("{}/api/v1/send-test", receiver.url)).body("{}");
    assert_eq!(send(request()).await.status, 401);
    assert_eq!(send(request().bearer_auth("let-me-in")).await.status, 403);
    // the file is another one than that the running receiver was started with
    write(home.path(), "operator.token", "hunter2");
    let said = send_test(home.path(), &receiver.url, &["--channel=console"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("web.auth") && said.err.contains("401"), "{said:?}");
    assert!(!said.err.contains("hunter2"), "{said:?}");
    write(home.path(), "receiver.yaml", config(&TOKENS.replace("read, write", "read")));
    let said = send_test(home.path(), &receiver.url, &["--channel=console"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("web.auth") && said.err.contains("write"), "{said:?}");
}

#[tokio::test]
async fn whoever_may_not_read_what_comes_of_a_test_begins_none() {
    let home = home();
    write(home.path(), "am.token", "let-me-in");
    write(home.path(), "operator.token", "let-me-work");
    write(home.path(), "slack.url", "http://127.0.0.1:1/x");
    write(home.path(), "receiver.yaml", config(TOKENS));
    let receiver = Program::receiver(home.path()).await;
    write(home.path(), "receiver.yaml", config(&TOKENS.replace("read, write", "write")));
    let said = send_test(home.path(), &receiver.url, &["--channel=console"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("web.auth has no token that may read"), "{said:?}");
    let history = client().get(format!("{}/api/v1/notifications", receiver.url)).bearer_auth("let-me-work");
    assert_eq!(send(history).await.json()["notifications"], json!([]));
}

#[tokio::test]
async fn a_program_that_knows_no_drills_is_not_taken_for_a_wrong_flag() {
    let home = home();
    write(
        home.path(),
        "receiver.yaml",
        "channels: [{name: console, type: log}]\nroutes: [{channels: [console]}]\n",
    );
    loans::configure(home.path(), "");
    let exporter = Program::exporter(home.path()).await;
    let said = send_test(home.path(), &exporter.url, &[]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("no receiver that knows this command (404)"), "{said:?}");
}
