//! What operators do with templates: render them, copy the built-in ones, break them, write them in Korean, and try them on
//! real notifications.

use std::path::Path;
use std::process::Command;

use mail_parser::MessageParser;
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::http::{Answer, JSON, client, post, send};
use crate::support::program::{Program, RECEIVER, Said, binary, run};
use crate::support::slack::Slack;
use crate::support::smtp::{MailServer, PASSWORD, USER};
use crate::support::wait::until;
use crate::support::{home, root, write};

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
    assert!(again.out.starts_with("kept ") && again.out.contains("templates/log/line.hbs"), "{again:?}");
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
    assert!(said.err.contains("other → who → other"), "{said:?}");
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

/// Values that try to be more than text.
const NASTY: [&str; 5] = [
    "<!channel> <https://evil.example|Runbook>",
    "a\r\nBcc: everyone@mail.test\r\n\r\n<script>alert(1)</script>",
    "\u{1}\u{1b}[2J\u{7f}\u{2028}",
    "\u{202e}gnirts desrever ابجد",
    "=?utf-8?q?=0D=0ABcc:x@mail.test?=",
];

fn hostile(group: usize, alerts: usize) -> String {
    let alert = |number: usize| {
        let value = NASTY[number % NASTY.len()];
        let long = if number == 0 { "<!channel>🧨".repeat(80_000) } else { value.to_owned() };
        json!({
            "status": "firing", "startsAt": "2026-11-22T06:20:00Z", "generatorURL": value,
            "labels": {"alertname": value, "severity": value, "environment": value, "n": format!("{group}-{number}")},
            "annotations": {"summary": value, "description": long, "next_action": value, "runbook_url": value}
        })
    };
    let alerts: Vec<Value> = (0..alerts).map(alert).collect();
    json!({"version": "4", "groupKey": format!("{group}{}", NASTY[1]), "groupLabels": {"alertname": NASTY[1]}, "alerts": alerts})
        .to_string()
}

#[tokio::test]
async fn any_payload_reaches_slack_mail_and_log_within_their_limits_and_never_gets_out_of_its_place() {
    let (slack, mails, home) = (Slack::start().await, MailServer::start().await, home());
    write(home.path(), "slack.url", &slack.webhook_url);
    write(
        home.path(),
        "receiver.yaml",
        format!(
            "storage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [console, team, mails]}}]\nchannels:\n  - {{name: console, type: log}}\n  - {{name: team, type: slack, webhook_url_file: slack.url, rate: 100/s}}\n  - {{name: mails, type: email, smtp: {{host: localhost, port: {}, tls: none, username: {USER}, password: {PASSWORD}}}, from: a@mail.test, to: [alice@mail.test]}}\n",
            mails.plain
        ),
    );
    let receiver = Program::receiver(home.path()).await;
    for (group, alerts) in [5_000, 3].into_iter().enumerate() {
        let answer = post(&format!("{}/webhook", receiver.url), JSON, hostile(group, alerts)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        until("everybody is told", async || {
            let history = receiver.get("/api/v1/notifications").await.json();
            let told = history["notifications"].as_array().unwrap().clone();
            let is_told = |one: &Value| one["status"] == "delivered" && one["problem"].is_null();
            let short: Vec<_> = told
                .iter()
                .map(|one| (one["channel"].clone(), one["status"].clone(), one["problem"].clone()))
                .collect();
            if told.len() == 3 * (group + 1) && told.iter().all(is_told) {
                Ok(())
            } else {
                Err(format!("{short:?}"))
            }
        })
        .await;
    }
    assert_eq!(slack.refused(), Vec::<String>::new());
    for accepted in slack.accepted() {
        let payload = accepted.payload.to_string();
        assert!(!payload.contains("<!channel") && !payload.contains("<https://evil"), "{payload}");
    }
    for mail in mails.wait_for("alice", 2).await {
        let parsed = MessageParser::default().parse(&mail).unwrap();
        assert!(parsed.bcc().is_none() && !parsed.subject().unwrap().contains(char::is_control), "{mail}");
        let html = parsed.body_html(0).unwrap();
        assert!(!html.contains("<script") && !html.contains("<!channel"), "{html}");
    }
    let log = receiver.output();
    let bare = log
        .lines()
        .find(|line| line.starts_with("Bcc") || line.contains('\u{1b}') || line.contains('\u{202e}'));
    assert_eq!(bare, None, "a value began a line of its own or steers the terminal");
}

/// What stands between fences of this kind, in order.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Each command of the document, with what it prints.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in blocks(text, "console").into_iter().flat_map(str::lines) {
        match line.strip_prefix("$ ") {
            Some(command) => found.push((command.to_owned(), Vec::new())),
            None => found.last_mut().unwrap().1.push(line.to_owned()),
        }
    }
    found
}

fn shell(home: &Path, address: &str, command: &str) -> String {
    let folder = binary(RECEIVER).parent().unwrap().to_owned();
    let command = command.replace("127.0.0.1:9741", address);
    let script = format!("PATH='{}':\"$PATH\"; {{ {command}; }} 2>&1", folder.display());
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(home)
        .env("MODELWATCH_RECEIVER__WEB__LISTEN_ADDRESS", address)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_in_the_document_goes_as_it_says() {
    let text = std::fs::read_to_string(root().join("docs/templates.md")).unwrap();
    let home = home();
    write(home.path(), "receiver.yaml", blocks(&text, "yaml")[0]);
    let receiver = Program::receiver(home.path()).await;
    let address = receiver.url.trim_start_matches("http://").to_owned();
    let commands = commands(&text);
    assert!(commands.len() > 15, "{commands:?}");
    for (command, expected) in commands {
        until(&format!("`{command}` prints what the document says"), async || {
            let (home, address, command) = (home.path().to_owned(), address.clone(), command.clone());
            let run = tokio::task::spawn_blocking(move || shell(&home, &address, &command));
            let said = run.await.unwrap();
            let is_there = expected.iter().all(|line| said.contains(line.as_str()));
            if is_there { Ok(()) } else { Err(said) }
        })
        .await;
    }
}

#[tokio::test]
async fn every_helper_of_the_document_does_what_it_says() {
    let text = std::fs::read_to_string(root().join("docs/templates.md")).unwrap();
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    let receiver = Program::receiver(home.path()).await;
    let table = text.split("## Helpers").nth(1).unwrap();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | `"))
        .map(|(template, rest)| (template, rest.split('`').next().unwrap()))
        .collect();
    assert!(rows.len() > 20, "{rows:?}");
    for (template, expected) in rows {
        let answer = preview(&receiver, &json!({"template": template, "piece": "slack/summary"})).await;
        assert_eq!(answer.status, 200, "{template}: {}", answer.body);
        assert_eq!(answer.json()["rendered"], expected, "{template}");
    }
}
