//! Webhooks: refused with the reason when they can never be accepted, and nothing else.

use serde_json::{Value, json};

use crate::support::alerts::{Alert, webhook};
use crate::support::http::{JSON, client, post, send};
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, write};

const CONFIG: &str = r#"
storage: {url: "sqlite:receiver.db"}
routes: [{channels: [console]}]
channels: [{name: console, type: log}]
"#;

fn changed(field: &str, value: Value) -> String {
    let mut body = webhook("g", [&Alert::firing("Bad", 1)]);
    body[field] = value;
    body.to_string()
}

#[tokio::test]
async fn what_is_no_webhook_is_400_with_the_reason_and_leaves_no_trace() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    let receiver = Program::receiver(home.path()).await;
    let mut broken = webhook("g", [&Alert::firing("Bad", 1)]);
    broken["alerts"][0].as_object_mut().unwrap().remove("labels");
    let mut without_start = webhook("g", [&Alert::firing("Bad", 1)]);
    without_start["alerts"][0]["startsAt"] = json!("soon");
    let table = [
        (String::new(), "JSON"),
        ("no json".to_owned(), "JSON"),
        ("[]".to_owned(), "object"),
        ("{\"version\":\"4\"".to_owned(), "JSON"),
        (changed("version", json!("5")), "version"),
        (changed("version", Value::Null), "version"),
        (changed("version", json!("1")), "orgId"),
        (changed("alerts", json!([])), "alerts"),
        (changed("alerts", Value::Null), "alerts"),
        (changed("alerts", json!("many")), "alerts"),
        (broken.to_string(), "labels"),
        (without_start.to_string(), "alerts[0].startsAt"),
    ];
    let refused = table.len();
    for (body, named) in table {
        let answer = post(&format!("{}/webhook", receiver.url), JSON, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        let reason = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(!reason.is_empty() && reason.contains(named), "{body} has to name {named}: {reason}");
    }
    let history = receiver.get("/api/v1/notifications").await.json();
    assert_eq!(history["notifications"], json!([]));
    let counted = format!("modelwatch_receiver_webhooks_total{{result=\"invalid\"}} {refused}");
    receiver.wait_for_line(&counted).await;
}

#[tokio::test]
async fn unknown_fields_and_grafanas_version_are_taken() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    let receiver = Program::receiver(home.path()).await;
    let mut grafana: Value = serde_json::from_str(&changed("version", json!("1"))).unwrap();
    grafana["orgId"] = json!(1);
    grafana["alerts"][0]["valueString"] = json!("[ var='A' ]");
    for body in [
        changed("routeLabels", json!({"a": "b"})),
        changed("notification_reason", json!("new alerts added")),
        grafana.to_string(),
    ] {
        let answer = post(&format!("{}/webhook", receiver.url), JSON, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_webhook_over_max_body_is_413() {
    let home = home();
    write(home.path(), "receiver.yaml", format!("{CONFIG}web: {{max_body: 64KiB}}\n"));
    let receiver = Program::receiver(home.path()).await;
    let url = format!("{}/webhook", receiver.url);
    let answer = post(&url, JSON, changed("groupKey", json!("x".repeat(65 * 1024)))).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert!(answer.json()["error"].as_str().unwrap().contains("64KiB"), "{}", answer.body);
    let answer = post(&url, JSON, changed("groupKey", json!("x".repeat(50 * 1024)))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(receiver.get("/webhook").await.status, 405);
}

#[tokio::test]
async fn tokens_are_asked_for_and_name_the_source() {
    let home = home();
    let auth = "web: {auth: {tokens: [{name: am, file: am.token, allow: [ingest]}, {name: people, file: people.token, allow: [read, metrics]}]}}\n";
    write(home.path(), "am.token", "let-me-in\n");
    write(home.path(), "people.token", "let-me-look\n");
    write(home.path(), "receiver.yaml", format!("{CONFIG}{auth}"));
    let receiver = Program::receiver(home.path()).await;
    let body = webhook("g", [&Alert::firing("Good", 1)]).to_string();
    let request =
        || client().post(format!("{}/webhook", receiver.url)).header("content-type", JSON).body(body.clone());
    assert_eq!(send(request()).await.status, 401);
    assert_eq!(send(request().bearer_auth("wrong")).await.status, 401);
    assert_eq!(send(request().basic_auth("am", Some("let-me-in"))).await.status, 401);
    assert_eq!(send(request().bearer_auth("let-me-look")).await.status, 403);
    assert_eq!(send(request().bearer_auth("let-me-in")).await.status, 200);
    let history = || client().get(format!("{}/api/v1/notifications", receiver.url));
    assert_eq!(send(history()).await.status, 401);
    assert_eq!(send(history().bearer_auth("let-me-in")).await.status, 403);
    until("the one webhook is told", async || {
        let answer = send(history().bearer_auth("let-me-look")).await;
        let count = answer.json()["notifications"].as_array().unwrap().len();
        if count == 1 { Ok(()) } else { Err(format!("{count} notifications")) }
    })
    .await;
    for open in ["/-/healthy", "/-/ready"] {
        assert_eq!(receiver.get(open).await.status, 200, "{open}");
    }
}
