//! What requests to any service have to keep.

use modelwatch_receiver_core::template::Body;
use serde_json::{Value, json};

use super::*;
use crate::notify::webhook::Webhook;

/// Parts of the settings that may be seen nowhere.
const KEY: &str = "hunter2key";
const BEARER: &str = "Bearer hunter2bearer";
const SIGNING: &str = "hunter2signing";

/// A channel that posts to `address`, with secrets wherever it can have some.
pub(super) fn hook(address: &str, more: &Value) -> Channel {
    // the provider is installed once per process; a second time changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut settings = json!({"type": "webhook", "name": "ops", "url": format!("{address}/services/{TOKEN}"),
        "headers": {"Authorization": BEARER}, "values": {"routing_key": KEY, "chat_id": KEY, "room_id": KEY},
        "signature": {"secret": SIGNING}});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let raw: RawChannel = serde_json::from_value(settings).unwrap();
    raw.validate(std::path::Path::new(".")).unwrap()
}

fn webhook(channel: &Channel, limits: Limits) -> Webhook {
    let ChannelType::Webhook(hook) = channel.r#type() else { panic!("a webhook channel") };
    Webhook::new(channel, hook, templates(channel), limits).unwrap()
}

/// Sends a sample, and looks for secrets wherever they could come out.
async fn deliver(address: &str, more: &Value, limits: Limits) -> Outcome {
    let (logs, _guard) = Logs::record();
    let channel = hook(address, more);
    let webhook = webhook(&channel, limits);
    let rendered = webhook.render(&samples::firing());
    let outcome = webhook.send(alone(&rendered)).await;
    for seen in [format!("{outcome:?} {rendered:?} {channel:?}"), logs.text()] {
        assert!(!seen.contains("SECRET") && !seen.contains("hunter2"), "a secret got out: {seen}");
    }
    outcome
}

async fn answered(behaviour: Behaviour, more: &Value) -> Outcome {
    let limits = if matches!(behaviour, Behaviour::Silence) { SHORT } else { Limits::default() };
    let destination = Destination::start(behaviour).await;
    deliver(&destination.url, more, limits).await
}

/// The head of the request, in lower case, and its body.
fn parts(destination: &Destination) -> (String, String) {
    let request = destination.request();
    let (head, body) = request.split_once("\r\n\r\n").expect("a request came");
    (head.to_owned(), body.to_owned())
}

fn header(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
}

/// Templates in a folder.
fn within(folder: &tempfile::TempDir) -> Settings {
    Settings { folder: Some(folder.path().to_owned()), ..Settings::default() }
}

#[test]
fn every_recipe_renders_every_sample_and_falls_back_with_the_reason() {
    for template in Body::RECIPES.map(Body::name).into_iter().chain(["webhook"]) {
        let channel = hook("https://127.0.0.1:1", &json!({"template": template}));
        let webhook = webhook(&channel, Limits::default());
        let none = Arc::new(
            Templates::load(TemplateSource::new(Settings::default(), []), &Registry::new()).unwrap(),
        );
        let without = build(&channel, &none).unwrap();
        for (name, message) in samples::all() {
            let rendered = webhook.render(&message);
            assert_eq!(rendered.problem, None, "{template}: {name}");
            assert!(!rendered.content.contains("hunter2"), "{template}: {name}");
            let plain = without.render(&message);
            assert!(plain.problem.is_some_and(|problem| problem.contains("there is no such template")));
            assert!(
                plain.content.contains("there is no such template"),
                "{template}: {name}: {}",
                plain.content
            );
            assert!(serde_json::from_str::<Value>(&plain.content).is_ok(), "{template}: {name}");
        }
    }
}

/// Alerts with more and longer labels and addresses than any template could write.
fn heavy() -> modelwatch_receiver_core::message::Message {
    let mut message = samples::thousand();
    let mut alert = message.alerts[0].clone();
    alert.labels.extend((0..300).map(|number| (format!("{}{number}", "<".repeat(500)), "<".repeat(5_000))));
    alert.annotations.insert("summary".to_owned(), "\"<&@".repeat(250_000));
    alert.annotations.insert("runbook_url".to_owned(), format!("https://a/{}", "&".repeat(1_980)));
    alert.generator_url = format!("https://a/{}", "&".repeat(1_980));
    message.alerts.truncate(2);
    message.alerts.extend(std::iter::repeat_n(alert, 12));
    message
}

#[test]
fn a_message_too_heavy_for_its_template_is_still_one_that_the_service_takes() {
    for recipe in Body::RECIPES {
        let channel = hook("https://127.0.0.1:1", &json!({"template": recipe.name()}));
        let rendered = webhook(&channel, Limits::default()).render(&heavy());
        let body: Value = serde_json::from_str(&rendered.content).unwrap();
        let needed =
            ["routing_key", "chat_id", "attachments", "embeds", "roomId", "cardsV2"].map(|name| &body[name]);
        assert!(needed.into_iter().any(|found| !found.is_null()), "{}: {}", recipe.name(), rendered.content);
    }
}

#[tokio::test]
async fn secrets_are_put_in_only_when_it_is_sent() {
    let destination = Destination::start(Behaviour::answer(202, r#"{"status": "success"}"#)).await;
    let channel = hook(&destination.url, &json!({"template": "pagerduty"}));
    let webhook = webhook(&channel, Limits::default());
    let rendered = webhook.render(&samples::firing());
    assert!(rendered.content.contains(r#""routing_key": "⟪routing_key⟫""#), "{}", rendered.content);
    let outcome = webhook.send(alone(&rendered)).await;
    assert_eq!(outcome, Outcome::Delivered { detail: "202 Accepted".to_owned() });
    let (head, body) = parts(&destination);
    assert_eq!(body, rendered.content.replace("⟪routing_key⟫", KEY));
    assert!(head.starts_with(&format!("POST /services/{TOKEN} HTTP/1.1\r\n")), "{head}");
    assert_eq!(header(&head, "content-type"), "application/json");
    assert_eq!(header(&head, "authorization"), BEARER);
    assert_eq!(header(&head, "idempotency-key"), alone(&rendered).id);
}

#[tokio::test]
async fn the_signature_covers_what_was_sent_and_when() {
    let destination = Destination::start(Behaviour::answer(200, "")).await;
    let outcome = deliver(&destination.url, &json!({"method": "PUT"}), Limits::default()).await;
    assert_eq!(outcome, Outcome::Delivered { detail: "200 OK".to_owned() });
    let (head, body) = parts(&destination);
    assert!(head.starts_with("PUT "), "{head}");
    let (id, time) = (header(&head, "webhook-id"), header(&head, "webhook-timestamp"));
    assert_eq!(id, header(&head, "idempotency-key"));
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert!(now.as_secs() - time.parse::<u64>().unwrap() < 60, "{time}");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SIGNING.as_bytes());
    let tag = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        header(&head, "webhook-signature").strip_prefix("v1,").unwrap(),
    );
    ring::hmac::verify(&key, format!("{id}.{time}.{body}").as_bytes(), &tag.unwrap()).unwrap();
}

#[tokio::test]
async fn a_text_is_sent_as_text() {
    let destination = Destination::start(Behaviour::answer(204, "")).await;
    let more = json!({"body": "text", "template": "webhook-text"});
    assert_eq!(deliver(&destination.url, &more, Limits::default()).await.as_str(), "delivered");
    let (head, body) = parts(&destination);
    assert_eq!(header(&head, "content-type"), "text/plain; charset=utf-8");
    assert!(body.starts_with("[FIRING:1][DEV] FeatureDriftSevere\n"), "{body}");
}

#[tokio::test]
async fn every_refusal_has_its_reason() {
    let table = [
        (301, Reason::Protocol),
        (307, Reason::Protocol),
        (400, Reason::Rejected),
        (401, Reason::Auth),
        (403, Reason::Auth),
        (404, Reason::NotFound),
        (410, Reason::NotFound),
        (413, Reason::TooLarge),
        (418, Reason::Rejected),
        (422, Reason::Rejected),
    ];
    for (status, reason) in table {
        let outcome = answered(Behaviour::answer(status, "{}"), &json!({})).await;
        assert_eq!(permanent(&outcome), reason, "{status}");
    }
}

#[tokio::test]
async fn what_may_go_well_later_is_tried_again_and_doubt_is_said() {
    let table = [
        (408, Reason::Timeout, false),
        (429, Reason::RateLimited, false),
        (500, Reason::ServerError, false),
        (502, Reason::ServerError, true),
        (503, Reason::ServerError, false),
        (504, Reason::ServerError, true),
    ];
    for (status, reason, doubt) in table {
        let outcome = answered(Behaviour::answer(status, ""), &json!({})).await;
        assert_eq!(retryable(&outcome), (reason, doubt), "{status}");
    }
}

#[tokio::test]
async fn a_limit_is_obeyed_as_the_header_or_the_answer_says() {
    let header = "HTTP/1.1 429 x\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n".to_owned();
    let telegram = r#"{"ok":false,"error_code":429,"parameters":{"retry_after":35}}"#;
    for (behaviour, seconds) in [(Behaviour::Answer(header), 30), (Behaviour::answer(429, telegram), 35)] {
        match answered(behaviour, &json!({"template": "telegram"})).await {
            Outcome::Retryable { reason: Reason::RateLimited, retry_after, ambiguous: false, .. } => {
                assert_eq!(retry_after, Some(Duration::from_secs(seconds)));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_no_within_a_success_is_a_no_and_a_strange_page_leaves_doubt() {
    let telegram = || json!({"template": "telegram"});
    let yes = answered(Behaviour::answer(200, r#"{"ok":true,"result":{}}"#), &telegram()).await;
    assert_eq!(yes.as_str(), "delivered");
    let no = r#"{"ok":false,"description":"Bad Request: chat not found"}"#;
    let no = answered(Behaviour::answer(200, no), &telegram()).await;
    assert_eq!(permanent(&no), Reason::Rejected);
    assert_eq!(no.detail(), "200 OK: Bad Request: chat not found, but the answer says no");
    let other = answered(Behaviour::answer(200, r#"{"result":"taken"}"#), &telegram()).await;
    assert_eq!(permanent(&other), Reason::Protocol, "sent again it would be told again");
    let unlisted = answered(Behaviour::answer(200, ""), &json!({"success": {"status": [202]}})).await;
    assert_eq!(permanent(&unlisted), Reason::Protocol);
    for page in ["", "<html>welcome to the hotel</html>"] {
        let outcome = answered(Behaviour::answer(200, page), &telegram()).await;
        assert_eq!(retryable(&outcome), (Reason::Protocol, true), "{page}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Destination::start(Behaviour::answer(200, "")).await;
    let answer = format!("HTTP/1.1 307 x\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    assert_eq!(permanent(&answered(Behaviour::Answer(answer), &json!({})).await), Reason::Protocol);
    assert_eq!(elsewhere.request(), "", "nothing was sent there");
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_lets_nothing_out() {
    for echo in
        [format!("no route for {TOKEN}"), format!("bad key {KEY}"), BEARER.to_owned(), SIGNING.to_owned()]
    {
        for status in [200, 400, 500] {
            // `deliver` looks for it
            answered(Behaviour::answer(status, &json!({"message": echo}).to_string()), &json!({})).await;
            answered(Behaviour::answer(status, &echo), &json!({"template": "telegram"})).await;
        }
    }
}

#[tokio::test]
async fn whatever_breaks_is_ambiguous_only_after_the_message_left() {
    let after = [
        (Behaviour::Silence, Reason::Timeout),
        (Behaviour::DropAfterReading, Reason::Connect),
        (Behaviour::Answer("HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\nok".to_owned()), Reason::Connect),
    ];
    for (behaviour, reason) in after {
        let what = format!("{behaviour:?}");
        assert_eq!(retryable(&answered(behaviour, &json!({})).await), (reason, true), "{what}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = deliver(&format!("http://{closed}"), &json!({}), Limits::default()).await;
    assert_eq!(retryable(&outcome), (Reason::Connect, false));
    let plain = Destination::start(Behaviour::answer(200, "")).await;
    let outcome = deliver(&plain.url.replace("http:", "https:"), &json!({}), Limits::default()).await;
    assert_eq!(retryable(&outcome), (Reason::Tls, false));
}

#[tokio::test]
async fn a_template_that_names_an_unknown_value_costs_no_message() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("own")).unwrap();
    std::fs::write(folder.path().join("own/body.hbs"), r#"{"key": "{{secret "nobody_has_it"}}"}"#).unwrap();
    let channel = hook("http://127.0.0.1:1", &json!({"template": "own"}));
    let source = TemplateSource::new(within(&folder), [&channel]);
    source.check().unwrap();
    let templates = Arc::new(Templates::load(source, &Registry::new()).unwrap());
    let rendered = build(&channel, &templates).unwrap().render(&samples::firing());
    let why = "the channel has no value `nobody_has_it`, write it under its `values`";
    assert!(rendered.problem.is_some_and(|problem| problem.contains(why)));
    assert!(rendered.content.contains("FeatureDriftSevere"), "{}", rendered.content);
}

#[test]
fn one_piece_of_a_recipe_can_be_worded_anew() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("telegram")).unwrap();
    std::fs::write(
        folder.path().join("telegram/text.hbs"),
        "<i>{{default common_labels.model \"@all\"}}</i>",
    )
    .unwrap();
    let channel = hook("http://127.0.0.1:1", &json!({"template": "telegram"}));
    let source = TemplateSource::new(within(&folder), [&channel]);
    let templates = Arc::new(Templates::load(source, &Registry::new()).unwrap());
    let rendered = build(&channel, &templates).unwrap().render(&samples::firing());
    assert_eq!(rendered.problem, None);
    let body: Value = serde_json::from_str(&rendered.content).unwrap();
    assert_eq!(body["text"], "<b>[FIRING:1][DEV] FeatureDriftSevere</b>\n<i>employment</i>");
    assert_eq!(body["chat_id"], "⟪chat_id⟫");
}

#[test]
fn the_documented_request_to_start_a_dag_is_one() {
    let docs = include_str!("../../../../docs/webhook.md");
    let source = docs.split("```handlebars\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("dags")).unwrap();
    std::fs::write(folder.path().join("dags/body.hbs"), source).unwrap();
    let channel = hook("http://127.0.0.1:1", &json!({"template": "dags", "success": {"status": [200, 409]}}));
    let source = TemplateSource::new(within(&folder), [&channel]);
    source.check().unwrap();
    let templates = Arc::new(Templates::load(source, &Registry::new()).unwrap());
    let rendered = build(&channel, &templates).unwrap().render(&samples::firing());
    let body: Value = serde_json::from_str(&rendered.content).unwrap();
    assert_eq!(body["dag_run_id"], "drift-5b0d2c4e8f1a47939c6e2d7b1a3f5e80-2026-01-02T01:59:05Z");
    assert_eq!(body["conf"]["feature"], "AGEP");
}

#[test]
fn a_body_that_is_not_json_is_refused_before_it_goes_live() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("own")).unwrap();
    std::fs::write(folder.path().join("own/body.hbs"), r#"{"title": {{title}}}"#).unwrap();
    let channel = hook("http://127.0.0.1:1", &json!({"template": "own"}));
    let faults = TemplateSource::new(within(&folder), [&channel]).check().unwrap_err().to_string();
    assert!(faults.contains("own/body.hbs: what it renders is not JSON: "), "{faults}");
}
