//! Whatever Alertmanager posts is put into words by every channel with its own template, within the channel's limits, and
//! nothing in it can pretend to be ours.

use modelwatch_receiver_core::alert::Snapshot;
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::Body;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::notify::webhook::golden;

/// What values try.
const NASTY: [&str; 16] = [
    "<!channel> <!here> <@U123> <#C1|x>",
    "<https://evil.example|Runbook>",
    "a\r\nBcc: everyone@example.com\r\n\r\n<script>alert(1)</script>",
    "=?utf-8?q?=0D=0ABcc:x?=",
    "\u{0}\u{1}\u{7}\u{8}\u{1b}[2J\u{7f}\u{85}\u{2028}\u{2029}",
    "\u{202e}gnirts desrever\u{2066}\u{200f}\u{feff}",
    "</td></table><img src=x onerror=alert(1)>\"'`",
    "{{title}} {{{x}}} {{> self}} {{#each alerts}}",
    "javascript:alert(1)",
    "https://ok.example/?a=<>|\"'&b",
    "*bold* _it_ `code` ~x~",
    "🧨👩‍👩‍👧‍👦e\u{301}\u{301}\u{301}",
    "데이터 드리프트 ابجد אבג",
    "",
    " ",
    "\\u0000 %0d%0a &#60;!channel&#62; &lt;b&gt;",
];

fn posted(alerts: &[(String, String, String)]) -> Message {
    let alerts: Vec<Value> = alerts
        .iter()
        .enumerate()
        .map(|(number, (name, value, long))| {
            json!({
                "status": if number % 3 == 2 { "resolved" } else { "firing" },
                "labels": {"alertname": value, "severity": value, "environment": value, name: value, "n": number.to_string()},
                "annotations": {"summary": value, "description": long, "next_action": value, "runbook_url": value, name: value},
                "startsAt": "2026-11-22T06:20:00Z", "endsAt": "2026-11-22T07:20:00Z", "generatorURL": value
            })
        })
        .collect();
    let body = json!({
        "version": "4", "groupKey": "<!channel>\r\n", "externalURL": "javascript:alert(1)",
        "groupLabels": {"alertname": "<!channel>\r\nBcc: x"}, "alerts": alerts
    });
    let snapshot = Snapshot::parse(body.to_string().as_bytes()).unwrap();
    let mut message =
        Message::of_webhook(snapshot, "019ab3f0-7c1e-7a41-9b6a-3d2f5c8e1a70", "ops", Timestamp::UNIX_EPOCH);
    message.history_url = Some("http://localhost:9741/notifications/1".to_owned());
    message
}

fn notifiers() -> Vec<(&'static str, Arc<dyn Notifier>)> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = |kind| (kind == "slack").then(|| format!("https://127.0.0.1:1/{TOKEN}"));
    let channels = ["slack", "email", "log"].map(|kind| (kind, channel(kind, None, url(kind))));
    let bodies = Body::RECIPES.map(Body::name).into_iter().chain(["webhook"]);
    let hooks = bodies.map(|name| (name, webhook::hook("https://127.0.0.1:1", &json!({"template": name}))));
    let built = |(kind, channel)| (kind, build(&channel, &templates(&channel)).unwrap());
    channels.into_iter().chain(hooks).map(built).collect()
}

/// All texts of a JSON value that people read; where a button leads to is not one, but is an address of the web.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(map) => {
            let url = map.get("url").and_then(Value::as_str).unwrap_or("https:");
            assert!(url.starts_with("https:") || url.starts_with("http:"), "{url}");
            map.iter().filter(|(key, _)| *key != "url").flat_map(|(_, value)| texts(value)).collect()
        }
        _ => Vec::new(),
    }
}

fn controls(text: &str) -> bool {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || turns(c))
}

fn check(kind: &str, rendered: &Rendered, message: &Message) {
    assert_eq!(rendered.problem, None, "{kind}: its own template is used");
    let content = &rendered.content;
    match kind {
        "slack" => {
            let payload: Value = serde_json::from_str(content).unwrap();
            let attached = payload["attachments"][0]["blocks"].as_array().unwrap();
            assert!(attached.len() < 50 && content.encode_utf16().count() < 15_000);
            for text in texts(&payload) {
                assert!(!controls(text), "{text:?}");
                for (at, _) in text.match_indices('<') {
                    let tag = &text[at..];
                    assert!(
                        tag.starts_with("<http://localhost") || tag.starts_with("<https://ok.example"),
                        "{tag}"
                    );
                }
            }
        }
        "email" => {
            let mail: Value = serde_json::from_str(content).unwrap();
            let [subject, text, html] = ["subject", "text", "html"].map(|name| mail[name].as_str().unwrap());
            assert!(
                !controls(subject) && !subject.contains('\n') && subject.chars().count() <= 200,
                "{subject:?}"
            );
            assert!(!subject.contains("=?"), "{subject}");
            assert!(!controls(text) && !controls(html) && html.len() < 256 * 1024);
            for tag in ["<script", "<img", "<!channel", "href=\"javascript", "</table><img"] {
                assert!(!html.contains(tag), "{tag} in {html}");
            }
            for (name, value) in mail["headers"].as_array().unwrap().iter().map(|pair| (&pair[0], &pair[1])) {
                assert!(name.as_str().unwrap().starts_with("X-Alert-"), "{name}");
                assert!(!value.as_str().unwrap().contains(char::is_control), "{value}");
            }
        }
        "webhook" => {
            let body: Value = serde_json::from_str(content).unwrap();
            assert!(texts(&body).into_iter().all(|text| !controls(text)), "{content}");
        }
        "log" => assert!(
            !controls(content) && !content.contains('\n') && content.chars().count() < 20_000,
            "{content:?}"
        ),
        recipe => golden::check(Body::recipe(recipe).unwrap(), content, message, "any payload"),
    }
}

#[test]
fn five_thousand_alerts_with_a_megabyte_of_text_are_told_within_the_limits_of_every_channel() {
    let alert = |number: usize| {
        let value = NASTY[number % NASTY.len()].to_owned();
        let long = if number.is_multiple_of(500) {
            "<!channel>\u{202e}\u{1b}🧨".repeat(70_000)
        } else {
            value.clone()
        };
        (format!("label_{number}"), value, long)
    };
    let message = posted(&(0..5_000).map(alert).collect::<Vec<_>>());
    assert_eq!(message.alerts.len(), 5_000);
    for (kind, notifier) in notifiers() {
        check(kind, &notifier.render(&message), &message);
    }
}

#[test]
fn every_nasty_value_alone_is_told_by_every_channel() {
    for (kind, notifier) in notifiers() {
        for nasty in NASTY {
            let long = nasty.repeat(1 + 1_000_000 / (nasty.len() + 1));
            let message = posted(&[("x".to_owned(), nasty.to_owned(), long)]);
            check(kind, &notifier.render(&message), &message);
        }
    }
}

fn value() -> impl Strategy<Value = String> {
    let nasty = proptest::sample::select(NASTY.as_slice()).prop_map(str::to_owned);
    let any = proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter);
    proptest::collection::vec(prop_oneof![nasty, any], 1..4).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_values_of_any_alerts_are_told_by_every_channel(
        alerts in proptest::collection::vec((value(), value(), value()), 1..6),
    ) {
        let message = posted(&alerts);
        static NOTIFIERS: LazyLock<Vec<(&'static str, Arc<dyn Notifier>)>> = LazyLock::new(notifiers);
        for (kind, notifier) in NOTIFIERS.iter() {
            check(kind, &notifier.render(&message), &message);
        }
    }
}
