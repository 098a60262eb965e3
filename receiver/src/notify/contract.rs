//! What every notifier has to keep: it renders anything, understands every answer of its destination and every way a
//! connection breaks, and never lets a secret out.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::template::samples;
use prometheus::Registry;

use super::http::Limits;
use super::slack::{Posting, Slack};
use super::*;
use crate::templates::{Settings, TemplateSource, Templates};
use destination::{Behaviour, Destination};
use logs::Logs;

mod any_payload;
mod destination;
mod email;
mod logs;
mod slack_bot;
mod smtp;
mod webhook;

/// A part of the URL that may be seen nowhere.
const TOKEN: &str = "T0SECRET/B0SECRET/hunter2secret";

fn channel(kind: &str, template: Option<&str>, url: Option<String>) -> Channel {
    let raw = serde_json::json!({"type": kind, "name": "ops", "template": template});
    let mut raw: BTreeMap<String, serde_json::Value> = serde_json::from_value(raw).unwrap();
    raw.retain(|_, value| !value.is_null());
    raw.extend(url.map(|url| ("webhook_url".to_owned(), url.into())));
    if kind == "email" {
        raw.insert("smtp".to_owned(), serde_json::json!({"host": "127.0.0.1", "port": 1}));
        raw.insert("from".to_owned(), "alerts@example.com".into());
        raw.insert("to".to_owned(), serde_json::json!(["oncall@example.com"]));
    }
    let raw: RawChannel = serde_json::from_value(serde_json::json!(raw)).unwrap();
    raw.validate(std::path::Path::new(".")).unwrap()
}

fn templates(channel: &Channel) -> Arc<Templates> {
    Arc::new(Templates::load(TemplateSource::new(Settings::default(), [channel]), &Registry::new()).unwrap())
}

/// No destination that answers is held to so little.
const SHORT: Limits = Limits { connect: Duration::from_secs(5), answer: Duration::from_millis(300) };

/// A Slack notifier that posts to `address`.
fn slack(address: &str, limits: Limits) -> Slack {
    // the provider is installed once per process; a second time changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{address}/services/{TOKEN}");
    let channel = channel("slack", None, Some(url.clone()));
    Slack::new(&channel, &Posting::Webhook(Secret::new(url)), templates(&channel), limits).unwrap()
}

/// For destinations without recipients of their own, and messages that stay as they are.
fn alone(rendered: &Rendered) -> Parcel<'_> {
    static MESSAGE: LazyLock<Message> = LazyLock::new(samples::firing);
    let id = "019ab3f0-7c1e-7a41-9b6a-3d2f5c8e1a70";
    Parcel { id, rendered, message: &MESSAGE, earlier: &[], post: None, ledger: &Forgetful }
}

struct Forgetful;

impl Ledger for Forgetful {
    fn stopped(&self) -> Option<&'static str> {
        None
    }

    fn keep<'a>(&'a self, _receipt: &'a modelwatch_receiver_core::outcome::Receipt) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn keep_post<'a>(&'a self, _post: &'a Post) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

async fn outcome_of(behaviour: Behaviour) -> Outcome {
    let limits = if matches!(behaviour, Behaviour::Silence) { SHORT } else { Limits::default() };
    let destination = Destination::start(behaviour).await;
    send_to(&destination.url, limits).await
}

/// Sends a sample, and looks for secrets wherever they could come out.
async fn send_to(address: &str, limits: Limits) -> Outcome {
    let (logs, _guard) = Logs::record();
    let slack = slack(address, limits);
    let outcome = slack.send(alone(&slack.render(&samples::firing()))).await;
    for seen in [format!("{outcome:?}"), logs.text()] {
        assert!(!seen.contains("SECRET") && !seen.contains("hunter2"), "a secret got out: {seen}");
    }
    outcome
}

fn retryable(outcome: &Outcome) -> (Reason, bool) {
    match outcome {
        Outcome::Retryable { reason, ambiguous, .. } => (*reason, *ambiguous),
        other => panic!("{other:?} is not retryable"),
    }
}

fn permanent(outcome: &Outcome) -> Reason {
    match outcome {
        Outcome::Permanent { reason, .. } => *reason,
        other => panic!("{other:?} is not permanent"),
    }
}

#[test]
fn every_sample_renders_on_every_channel() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for kind in ["slack", "email", "log"] {
        let url = (kind == "slack").then(|| format!("https://127.0.0.1:1/{TOKEN}"));
        let channel = channel(kind, None, url);
        let notifier = build(&channel, &templates(&channel)).unwrap();
        for (name, message) in samples::all() {
            let rendered = notifier.render(&message);
            assert_eq!(rendered.problem, None, "{kind}: {name}");
            assert!(!rendered.content.is_empty(), "{kind}: {name}");
        }
    }
}

#[test]
fn without_a_usable_template_the_plain_layout_is_sent_with_the_reason() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for kind in ["slack", "email", "log"] {
        let url = (kind == "slack").then(|| format!("https://127.0.0.1:1/{TOKEN}"));
        let channel = channel(kind, Some("nobody-wrote-it"), url);
        let none = Arc::new(
            Templates::load(TemplateSource::new(Settings::default(), []), &Registry::new()).unwrap(),
        );
        let notifier = build(&channel, &none).unwrap();
        for (name, message) in samples::all() {
            let rendered = notifier.render(&message);
            let problem = rendered.problem.expect("the problem is noted");
            assert!(problem.contains("there is no such template"), "{problem}");
            assert!(rendered.content.contains("there is no such template"), "{kind}: {name}");
        }
    }
}

#[tokio::test]
async fn ok_is_delivered() {
    let outcome = outcome_of(Behaviour::answer(200, "ok")).await;
    assert_eq!(outcome, Outcome::Delivered { detail: "200 ok".to_owned() });
}

#[tokio::test]
async fn the_destination_gets_exactly_what_was_rendered() {
    let destination = Destination::start(Behaviour::answer(200, "ok")).await;
    let slack = slack(&destination.url, Limits::default());
    let rendered = slack.render(&samples::firing());
    slack.send(alone(&rendered)).await;
    let request = destination.request();
    assert!(request.starts_with(&format!("POST /services/{TOKEN} HTTP/1.1\r\n")), "{request}");
    assert!(request.contains("content-type: application/json"), "{request}");
    assert!(request.ends_with(&format!("\r\n\r\n{}", rendered.content)), "{request}");
}

#[tokio::test]
async fn every_refusal_of_slack_has_its_reason() {
    let table = [
        (400, "invalid_payload", Reason::Rejected),
        (400, "invalid_blocks", Reason::Rejected),
        (400, "no_text", Reason::Rejected),
        (400, "invalid_attachments", Reason::Rejected),
        (400, "user_not_found", Reason::NotFound),
        (400, "invalid_token", Reason::Auth),
        (400, "msg_blocks_too_long", Reason::TooLarge),
        (401, "", Reason::Auth),
        (403, "action_prohibited", Reason::Rejected),
        (403, "invalid_token", Reason::Auth),
        (404, "channel_not_found", Reason::NotFound),
        (404, "no_service", Reason::NotFound),
        (410, "channel_is_archived", Reason::NotFound),
        (413, "<html>too large</html>", Reason::TooLarge),
        (418, "teapot", Reason::Rejected),
    ];
    for (status, body, reason) in table {
        assert_eq!(permanent(&outcome_of(Behaviour::answer(status, body)).await), reason, "{status} {body}");
    }
}

#[tokio::test]
async fn a_failing_server_is_tried_again_and_a_gateway_leaves_doubt() {
    for (status, doubt) in [(500, false), (502, true), (503, false), (504, true), (599, false)] {
        let outcome = outcome_of(Behaviour::answer(status, "rollup_error")).await;
        assert_eq!(retryable(&outcome), (Reason::ServerError, doubt), "{status}");
    }
    assert_eq!(retryable(&outcome_of(Behaviour::answer(408, "")).await), (Reason::Timeout, false));
}

#[tokio::test]
async fn a_limit_is_obeyed_as_long_as_the_destination_says() {
    let limited =
        |header: &str| Behaviour::Answer(format!("HTTP/1.1 429 x\r\n{header}content-length: 0\r\n\r\n"));
    let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for (header, expected) in [
        ("retry-after: 30\r\n".to_owned(), Some(30)),
        (String::new(), None),
        ("retry-after: soon\r\n".to_owned(), None),
        ("retry-after: 99999999999999999999\r\n".to_owned(), Some(u64::MAX)),
        (format!("{date}retry-after: Sun, 06 Nov 1994 08:50:07 GMT\r\n"), Some(30)),
        (format!("{date}retry-after: Sunday, 06-Nov-94 08:50:07 GMT\r\n"), Some(30)),
        (format!("{date}retry-after: Sun, 06 Nov 1994 08:00:00 GMT\r\n"), Some(0)),
    ] {
        match outcome_of(limited(&header)).await {
            Outcome::Retryable { reason: Reason::RateLimited, retry_after, ambiguous: false, .. } => {
                assert_eq!(retry_after, expected.map(Duration::from_secs), "{header}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Destination::start(Behaviour::answer(200, "ok")).await;
    let answer = format!("HTTP/1.1 307 x\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    let outcome = outcome_of(Behaviour::Answer(answer)).await;
    assert_eq!(permanent(&outcome), Reason::Protocol);
    assert_eq!(elsewhere.request(), "", "nothing was sent there");
}

#[tokio::test]
async fn a_success_that_is_not_slacks_leaves_doubt() {
    for body in ["", "<html>welcome to the hotel</html>", "OK", "okay"] {
        let outcome = outcome_of(Behaviour::answer(200, body)).await;
        assert_eq!(retryable(&outcome), (Reason::Protocol, true), "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_repeats_the_url_lets_nothing_out() {
    let echo = format!("no route for /services/{TOKEN}");
    for status in [200, 404, 500] {
        assert!(!outcome_of(Behaviour::answer(status, &echo)).await.detail().contains("no route"));
    }
}

#[tokio::test]
async fn whatever_breaks_after_the_message_left_is_ambiguous() {
    let table = [
        (Behaviour::Silence, Reason::Timeout),
        (Behaviour::DropAfterReading, Reason::Connect),
        (Behaviour::Answer("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()), Reason::Connect),
        (Behaviour::Answer("HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\nok".to_owned()), Reason::Connect),
    ];
    for (behaviour, reason) in table {
        let what = format!("{behaviour:?}");
        assert_eq!(retryable(&outcome_of(behaviour).await), (reason, true), "{what}");
    }
}

#[tokio::test]
async fn whatever_breaks_before_the_message_left_is_not_ambiguous() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(
        retryable(&send_to(&format!("http://{closed}"), Limits::default()).await),
        (Reason::Connect, false)
    );
    let plain = Destination::start(Behaviour::answer(200, "ok")).await;
    let outcome = send_to(&plain.url.replace("http:", "https:"), Limits::default()).await;
    assert_eq!(retryable(&outcome), (Reason::Tls, false));
}

#[tokio::test]
async fn a_line_in_the_log_is_a_delivery_and_a_hidden_one_is_not() {
    let channel = channel("log", None, None);
    let log = build(&channel, &templates(&channel)).unwrap();
    let rendered = log.render(&samples::firing());
    {
        let (logs, _guard) = Logs::record();
        assert!(matches!(log.send(alone(&rendered)).await, Outcome::Delivered { .. }));
        assert!(
            logs.text().contains("[FIRING:1][DEV] FeatureDriftSevere: A feature of employment"),
            "{}",
            logs.text()
        );
    }
    let (_, _guard) = Logs::record_errors();
    assert_eq!(permanent(&log.send(alone(&rendered)).await), Reason::Rejected);
}
