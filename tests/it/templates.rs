//! What operators do with templates: render them, copy the built-in ones, break them, write them in Korean, and try them on
//! real notifications.

use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};

use crate::support::http::{Answer, JSON, client, post, send};
use crate::support::program::{Program, RECEIVER, Said, run};
use crate::support::{home, write};

/// A log, a team on Slack and mails, with templates in a folder.
const CONFIG: &str = r#"
storage: {url: "sqlite:receiver.db"}
templates: {path: templates}
routes: [{channels: [console]}]
channels:
  - {name: console, type: log}
  - {name: team, type: slack, webhook_url: "http://127.0.0.1:9/hook"}
  - {name: mails, type: email, smtp: {host: localhost}, from: a@example.com, to: [b@example.com]}
"#;

fn render(home: &Path, arguments: &[&str]) -> Said {
    run(RECEIVER, home, &[&["render"], arguments].concat(), &[])
}

fn rendered(home: &Path, arguments: &[&str]) -> String {
    let said = render(home, arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out
}

fn webhook(name: &str, summary: &str) -> String {
    json!({
        "version": "4", "groupKey": "g", "status": "firing",
        "groupLabels": {"alertname": name}, "externalURL": "http://am:9093",
        "alerts": [{
            "status": "firing", "labels": {"alertname": name, "severity": "critical", "environment": "prod"},
            "annotations": {"summary": summary}, "startsAt": "2026-11-22T06:20:00Z",
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus:9090/graph"
        }]
    })
    .to_string()
}

#[test]
fn render_prints_what_a_channel_would_send() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    write(home.path(), "webhook.json", webhook("DiskFull", "the disk is <full>"));
    let slack = rendered(home.path(), &["--template", "slack", "--payload", "webhook.json"]);
    assert!(slack.contains("[FIRING:1][PROD] DiskFull"), "{slack}");
    assert!(slack.contains("the disk is <full>"), "as people see it: {slack}");
    let blocks =
        rendered(home.path(), &["--template", "slack", "--payload", "webhook.json", "--format", "json"]);
    let blocks: Value = serde_json::from_str(&blocks).unwrap();
    assert_eq!(blocks["blocks"][0]["text"]["text"], "[FIRING:1][PROD] DiskFull");
    assert_eq!(blocks["attachments"][0]["color"], "danger");
    let page = rendered(home.path(), &["--template", "email", "--format", "html", "--sample", "mixed"]);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("still firing"), "{page}");
    let line = rendered(home.path(), &["--template", "log"]);
    assert!(line.starts_with("[FIRING:1][DEV] FeatureDriftSevere: "), "{line}");
}

#[test]
fn render_says_what_it_cannot_do() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    write(home.path(), "bad.json", "{\"version\":\"9\"}");
    write(home.path(), "templates/slack/title.hbs", "one\n{{nothing}}");
    for (arguments, code, words) in [
        (&["--template", "mine"][..], 64, "no channel has a template `mine`"),
        (&["--template", "log", "--payload", "gone.json"], 1, "gone.json"),
        (&["--template", "log", "--payload", "bad.json"], 1, "version \"9\" is not known"),
        (&["--template", "log", "--format", "html"], 64, "html"),
        (&["--template", "slack"], 64, "templates/slack/title.hbs:2:1: this message has no `nothing`"),
        (&["--template", "log", "--sample", "x"], 64, "firing"),
    ] {
        let said = render(home.path(), arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
    }
}

#[test]
fn a_korean_team_is_told_in_korean() {
    let home = home();
    let korean = CONFIG.replace("{path: templates}", "{language: ko, timezone: Asia/Seoul}");
    write(home.path(), "receiver.yaml", korean);
    for (template, format) in
        [("slack", "text"), ("slack", "json"), ("email", "text"), ("email", "html"), ("log", "text")]
    {
        for sample in ["firing", "mixed", "flapping", "1000-alerts"] {
            let arguments = ["--template", template, "--format", format, "--sample", sample];
            let text = rendered(home.path(), &arguments);
            assert!(text.contains("다음 조치"), "{arguments:?}: {text}");
            for english in
                ["Next:", "NEXT:", "still firing", "since 20", "Runbook", " more", "began or ended"]
            {
                assert!(!text.contains(english), "{english} is in {arguments:?}: {text}");
            }
        }
    }
    let mail = rendered(home.path(), &["--template", "email"]);
    assert!(mail.contains("2026-01-02 10:59 KST부터 (1시간 5분)"), "{mail}");
}

#[test]
fn the_built_in_templates_are_copied_out_and_nothing_is_written_over() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    let before = rendered(home.path(), &["--template", "email", "--format", "html"]);
    let export =
        |arguments: &[&str]| run(RECEIVER, home.path(), &[&["export-templates"], arguments].concat(), &[]);
    let said = export(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("templates/slack/title.hbs") && said.out.contains("templates/email/html.hbs"),
        "{said:?}"
    );
    assert_eq!(rendered(home.path(), &["--template", "email", "--format", "html"]), before);
    write(home.path(), "templates/log/line.hbs", "mine {{title}}");
    let again = export(&["--template", "log"]);
    assert!(again.out.contains("kept templates/log/line.hbs"), "{again:?}");
    assert_eq!(rendered(home.path(), &["--template", "log"]), "mine [FIRING:1][DEV] FeatureDriftSevere\n");
}

#[test]
fn partials_are_shared_by_all_templates_and_never_include_themselves() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    write(home.path(), "templates/partials/who.hbs", "{{upper channel}}/{{t \"next\"}}");
    write(home.path(), "templates/log/line.hbs", "{{title}} {{> who}}");
    write(home.path(), "templates/email/subject.hbs", "{{> who}}");
    assert_eq!(
        rendered(home.path(), &["--template", "log"]),
        "[FIRING:1][DEV] FeatureDriftSevere SAMPLE/Next\n"
    );
    write(home.path(), "templates/partials/who.hbs", "a\n {{> other}}");
    write(home.path(), "templates/partials/other.hbs", "{{> who}}");
    let said = render(home.path(), &["--template", "log"]);
    assert_eq!(said.code, Some(64), "{said:?}");
    assert!(said.err.contains("templates/partials/who.hbs:2:2: "), "{said:?}");
    assert!(said.err.contains("who → other → who"), "{said:?}");
}

async fn preview(program: &Program, body: &Value) -> Answer {
    post(&format!("{}/api/v1/templates/preview", program.url), JSON, body.to_string()).await
}

#[tokio::test]
async fn a_preview_renders_a_piece_or_says_where_it_is_wrong() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    write(home.path(), "templates/partials/who.hbs", "to {{channel}}");
    let receiver = Program::receiver(home.path()).await;
    let payload: Value = serde_json::from_str(&webhook("DiskFull", "<!channel>")).unwrap();
    let good = json!({"template": "{{subject}}: {{default common_annotations.summary \"\"}} {{> who}}", "payload": payload});
    let answer = preview(&receiver, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["rendered"], "DiskFull: &lt;!channel&gt; to preview");
    let html = json!({"template": "<b>{{default common_annotations.summary \"\"}}</b>", "piece": "email/html", "payload": payload});
    assert_eq!(preview(&receiver, &html).await.json()["rendered"], "<b>&lt;!channel&gt;</b>");
    let bad = json!({"template": "one\n  {{enviroment}}", "payload": payload});
    let answer = preview(&receiver, &bad).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    let fault = &answer.json()["faults"][0];
    assert_eq!((fault["line"].as_u64(), fault["column"].as_u64()), (Some(2), Some(3)), "{fault}");
    assert!(fault["message"].as_str().unwrap().contains("enviroment"), "{fault}");
    for (body, status, words) in [
        (json!({"template": "x", "piece": "slack/colour"}), 400, "slack/title"),
        (json!({"template": "x", "payload": {"version": "9"}}), 400, "version"),
        (json!({"template": "x", "notification": "gone"}), 404, "notification"),
        (json!({"template": "x".repeat(2_000_000)}), 413, "longer"),
        (json!({"templat": "x"}), 400, "templat"),
    ] {
        let answer = preview(&receiver, &body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_real_notification_stands_beside_the_editor_without_any_script() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    let receiver = Program::receiver(home.path()).await;
    let taken = post(&format!("{}/webhook", receiver.url), JSON, webhook("DiskFull", "<b>full</b>")).await;
    assert_eq!(taken.status, 200);
    let history = receiver.get("/api/v1/notifications").await.json();
    let id = history["notifications"][0]["id"].as_str().unwrap().to_owned();
    let page = receiver.get(&format!("/notifications/{id}")).await.body;
    assert!(page.contains(&format!("/templates?notification={id}")), "{page}");
    let editor = receiver.get(&format!("/templates?notification={id}&piece=log/line")).await;
    assert_eq!(editor.status, 200);
    assert!(
        editor.body.contains("<form method=\"post\"") && !editor.body.contains("<script"),
        "{}",
        editor.body
    );
    let form = |template: &str| {
        let fields = [("notification", id.as_str()), ("piece", "log/line"), ("template", template)];
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let client: Client = client();
        client
            .post(format!("{}/templates", receiver.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
    };
    let shown = send(form("mine: {{subject}} {{common_annotations.summary}}")).await;
    assert_eq!(shown.status, 422, "a sample has no summary: {}", shown.body);
    let shown = send(form("mine: {{subject}} {{default common_annotations.summary \"\"}}")).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert!(shown.body.contains("mine: DiskFull &lt;b&gt;full&lt;/b&gt;"), "{}", shown.body);
    let broken = send(form("one\n{{#if late}}")).await;
    assert_eq!(broken.status, 422);
    assert!(broken.body.contains("line.hbs:2"), "{}", broken.body);
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
