//! The same of Slack by a bot's token: its answers say in their body what came of a request, and messages are changed.

use std::sync::Mutex;

use modelwatch_receiver_core::alert::Change;
use modelwatch_receiver_core::outcome::Receipt;
use serde_json::{Value, json};

use super::*;

/// May be seen nowhere.
const BOT: &str = "xoxb-1-hunter2SECRET";

fn bot(address: &str, update: &str, limits: Limits) -> Slack {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let raw = json!({"type": "slack", "name": "ops", "bot_token": BOT, "channel": "#ops", "api_url": format!("{address}/api/"), "update": update});
    let raw: RawChannel = serde_json::from_value(raw).unwrap();
    let channel = raw.validate(std::path::Path::new(".")).unwrap();
    let ChannelType::Slack(posting) = channel.r#type() else { panic!("not Slack") };
    Slack::new(&channel, posting, templates(&channel), limits).unwrap()
}

/// Remembers where messages are.
#[derive(Default)]
struct Places(Mutex<Vec<Post>>);

impl Ledger for Places {
    fn stopped(&self) -> Option<&'static str> {
        None
    }

    fn keep<'a>(&'a self, receipt: &'a Receipt) -> BoxFuture<'a, ()> {
        panic!("{receipt:?}: nobody is kept apart")
    }

    fn keep_post<'a>(&'a self, post: &'a Post) -> BoxFuture<'a, ()> {
        self.0.lock().unwrap().push(post.clone());
        Box::pin(std::future::ready(()))
    }
}

/// What came of telling a message: the outcome, the places that were kept, and the requests as method and body.
struct Told {
    outcome: Outcome,
    kept: Vec<Post>,
    requests: Vec<(String, Value)>,
}

/// Tells `message`, when `post` stands, to a Slack that behaves so; looks for secrets wherever they could come out.
async fn tell(update: &str, message: &Message, post: Option<&Post>, behaviours: Vec<Behaviour>) -> Told {
    let limits = if behaviours.iter().any(|one| matches!(one, Behaviour::Silence)) {
        SHORT
    } else {
        Limits::default()
    };
    let destination = Destination::start_with(behaviours).await;
    let (logs, _guard) = Logs::record();
    let (slack, places) = (bot(&destination.url, update, limits), Places::default());
    let rendered = slack.render(message);
    let outcome = slack.send(Parcel { message, post, ledger: &places, ..alone(&rendered) }).await;
    for seen in [format!("{outcome:?}"), logs.text()] {
        assert!(!seen.contains("SECRET") && !seen.contains("hunter2"), "a secret got out: {seen}");
    }
    let requests = destination.requests().into_iter().map(|request| {
        assert!(request.contains(&format!("authorization: Bearer {BOT}\r\n")), "{request}");
        let method = request.split([' ', '/']).nth(3).unwrap().to_owned();
        (method, serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap())
    });
    Told { outcome, kept: places.0.into_inner().unwrap(), requests: requests.collect() }
}

/// A new message.
async fn outcome_of(behaviour: Behaviour) -> Outcome {
    let told = tell("edit", &samples::firing(), None, vec![behaviour]).await;
    assert_eq!(told.requests.len(), 1);
    told.outcome
}

fn yes() -> Behaviour {
    Behaviour::answer(200, r#"{"ok": true, "channel": "C1", "ts": "1.2", "message": {"text": "x"}}"#)
}

fn no(word: &str) -> Behaviour {
    Behaviour::answer(200, &json!({"ok": false, "error": word}).to_string())
}

/// One alert fires on, and another is new or not.
fn news(change: Change) -> Message {
    let mut message = samples::mixed();
    message.alerts.truncate(2);
    (message.alerts[0].change, message.alerts[1].change) = (change, Change::StillFiring);
    message
}

/// What stands before.
fn standing() -> Post {
    let told = Message { id: "before".to_owned(), ..news(Change::StillFiring) };
    Post::saying(&told, "#ops", "C1".to_owned(), "1.1".to_owned())
}

fn methods(told: &Told) -> Vec<&str> {
    told.requests.iter().map(|(method, _)| method.as_str()).collect()
}

#[tokio::test]
async fn a_message_is_posted_with_its_identity_and_its_place_is_kept() {
    let message = samples::firing();
    let told = tell("edit", &message, None, vec![yes()]).await;
    assert_eq!(told.outcome, Outcome::Delivered { detail: "posted".to_owned() });
    assert_eq!(told.kept, [Post::saying(&message, "#ops", "C1".to_owned(), "1.2".to_owned())]);
    let (method, body) = &told.requests[0];
    assert_eq!(method, "chat.postMessage");
    assert_eq!((&body["channel"], &body["client_msg_id"]), (&json!("#ops"), &json!(message.id)));
    assert!(
        body["blocks"].is_array() && body["attachments"].is_array() && body["thread_ts"].is_null(),
        "{body}"
    );
    let told = tell("post", &message, None, vec![yes()]).await;
    assert_eq!(told.kept, [], "nothing follows it");
    let told = tell("edit", &message, None, vec![Behaviour::answer(200, r#"{"ok": true}"#)]).await;
    assert_eq!((told.outcome, told.kept), (Outcome::Delivered { detail: "posted".to_owned() }, vec![]));
}

#[tokio::test]
async fn every_word_of_the_web_api_has_its_reason() {
    let transient = [
        ("internal_error", Reason::ServerError, false),
        ("fatal_error", Reason::ServerError, true),
        ("request_timeout", Reason::Timeout, false),
        ("service_unavailable", Reason::ServerError, false),
        ("ratelimited", Reason::RateLimited, false),
    ];
    for (word, reason, doubt) in transient {
        assert_eq!(retryable(&outcome_of(no(word)).await), (reason, doubt), "{word}");
    }
    let permanent_ones = [
        ("channel_not_found", Reason::NotFound),
        ("not_in_channel", Reason::NotFound),
        ("is_archived", Reason::NotFound),
        ("invalid_auth", Reason::Auth),
        ("not_authed", Reason::Auth),
        ("account_inactive", Reason::Auth),
        ("token_revoked", Reason::Auth),
        ("missing_scope", Reason::Auth),
        ("msg_too_long", Reason::TooLarge),
        ("msg_blocks_too_long", Reason::TooLarge),
        ("invalid_blocks", Reason::Rejected),
        ("no_text", Reason::Rejected),
        ("restricted_action", Reason::Rejected),
        ("a_word_of_tomorrow", Reason::Rejected),
        (BOT, Reason::Rejected),
    ];
    for (word, reason) in permanent_ones {
        assert_eq!(permanent(&outcome_of(no(word)).await), reason, "{word}");
    }
}

#[tokio::test]
async fn every_status_has_its_reason() {
    for (status, doubt) in [(500, false), (502, true), (503, false), (504, true), (599, false)] {
        let outcome =
            outcome_of(Behaviour::answer(status, r#"{"ok": false, "error": "internal_error"}"#)).await;
        assert_eq!(retryable(&outcome), (Reason::ServerError, doubt), "{status}");
    }
    for (status, reason) in [
        (307, Reason::Protocol),
        (401, Reason::Auth),
        (404, Reason::NotFound),
        (413, Reason::TooLarge),
        (418, Reason::Rejected),
    ] {
        assert_eq!(permanent(&outcome_of(Behaviour::answer(status, "<html>")).await), reason, "{status}");
    }
}

#[tokio::test]
async fn a_limit_is_obeyed_as_long_as_slack_says_whatever_the_status() {
    for status in [429, 200] {
        let body = r#"{"ok":false,"error":"ratelimited"}"#;
        let answer =
            format!("HTTP/1.1 {status} x\r\nretry-after: 30\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        match outcome_of(Behaviour::Answer(answer)).await {
            Outcome::Retryable { reason: Reason::RateLimited, retry_after, ambiguous: false, .. } => {
                assert_eq!(retry_after, Some(Duration::from_secs(30)), "{status}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_success_that_is_not_slacks_and_an_answer_that_breaks_leave_doubt() {
    for body in
        ["", "ok", "<html>welcome to the hotel</html>", "{}", r#"{"ok": "yes"}"#, r#"{"ok": true, "ts": "#]
    {
        let outcome = outcome_of(Behaviour::answer(200, body)).await;
        assert_eq!(retryable(&outcome), (Reason::Protocol, true), "{body}");
    }
    let cut = "HTTP/1.1 200 x\r\ncontent-length: 99\r\n\r\n{\"ok\": true".to_owned();
    for (behaviour, reason) in [
        (Behaviour::Silence, Reason::Timeout),
        (Behaviour::DropAfterReading, Reason::Connect),
        (Behaviour::Answer(cut), Reason::Connect),
    ] {
        assert_eq!(retryable(&outcome_of(behaviour).await), (reason, true));
    }
}

#[tokio::test]
async fn whatever_breaks_before_the_message_left_is_not_ambiguous() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = Destination::start(yes()).await;
    for (address, reason) in
        [(format!("http://{closed}"), Reason::Connect), (plain.url.replace("http:", "https:"), Reason::Tls)]
    {
        let slack = bot(&address, "edit", Limits::default());
        let outcome = slack.send(alone(&slack.render(&samples::firing()))).await;
        assert_eq!(retryable(&outcome), (reason, false));
    }
}

#[tokio::test]
async fn every_sample_is_told_in_words_that_mention_nobody() {
    for (name, message) in samples::all() {
        let told = tell("edit", &message, None, vec![yes()]).await;
        let body = told.requests[0].1.to_string();
        assert!(!body.contains("<!") && !body.contains("<@"), "{name}: {body}");
    }
}

#[tokio::test]
async fn news_change_the_message_that_stands_and_wake_nobody() {
    let message = news(Change::StillFiring);
    let told = tell("edit", &message, Some(&standing()), vec![yes()]).await;
    assert_eq!(told.outcome, Outcome::Delivered { detail: "edited".to_owned() });
    assert_eq!(told.kept, [standing().now_saying(&message)]);
    assert_eq!(methods(&told), ["chat.update"]);
    let body = &told.requests[0].1;
    assert_eq!((&body["channel"], &body["ts"]), (&json!("C1"), &json!("1.1")));
    assert!(body["blocks"].is_array() && body["attachments"].is_array(), "{body}");
}

#[tokio::test]
async fn new_alerts_are_also_said_in_the_thread_where_the_channel_sees_it() {
    let message = news(Change::New);
    let told = tell("edit", &message, Some(&standing()), vec![yes()]).await;
    assert!(matches!(told.outcome, Outcome::Delivered { .. }));
    assert_eq!(told.kept, [standing().now_saying(&message)]);
    assert_eq!(methods(&told), ["chat.update", "chat.postMessage"]);
    let ping = &told.requests[1].1;
    assert_eq!(
        (&ping["channel"], &ping["thread_ts"], &ping["reply_broadcast"]),
        (&json!("C1"), &json!("1.1"), &json!(true))
    );
    assert!(ping["text"].as_str().unwrap().starts_with("[FIRING:2]") && ping["blocks"].is_null(), "{ping}");
    assert_eq!(ping["client_msg_id"], message.id);
}

#[tokio::test]
async fn replies_in_the_thread_are_shown_in_the_channel_when_they_are_to_be_seen() {
    for (change, shown) in [(Change::New, true), (Change::StillFiring, false)] {
        let told = tell("thread", &news(change), Some(&standing()), vec![yes()]).await;
        assert_eq!(told.outcome, Outcome::Delivered { detail: "replied".to_owned() });
        let (method, reply) = &told.requests[0];
        assert_eq!(
            (method.as_str(), &reply["thread_ts"], &reply["reply_broadcast"]),
            ("chat.postMessage", &json!("1.1"), &json!(shown))
        );
        assert!(reply["blocks"].is_array());
        assert_eq!(told.kept[0].ts, "1.1", "the thread stays");
    }
}

#[tokio::test]
async fn what_belongs_to_no_standing_message_is_a_new_one() {
    let over = Post { is_over: true, ..standing() };
    let elsewhere = Post { asked: "#old".to_owned(), ..standing() };
    for (update, post) in [("edit", &over), ("edit", &elsewhere), ("thread", &over), ("post", &standing())] {
        let told = tell(update, &news(Change::New), Some(post), vec![yes()]).await;
        assert_eq!(methods(&told), ["chat.postMessage"], "{update}");
        assert!(told.requests[0].1["thread_ts"].is_null());
    }
    let told = tell("edit", &samples::firing(), Some(&standing()), vec![yes()]).await;
    assert_eq!(methods(&told), ["chat.postMessage"], "nothing is left of what was told");
}

#[tokio::test]
async fn an_edit_that_is_refused_for_good_becomes_one_new_message() {
    for word in [
        "message_not_found",
        "edit_window_closed",
        "cant_update_message",
        "is_inactive",
        "a_word_of_tomorrow",
    ] {
        for (update, refused) in [("edit", "chat.update"), ("thread", "chat.postMessage")] {
            let message = news(Change::New);
            let told = tell(update, &message, Some(&standing()), vec![no(word), yes()]).await;
            assert_eq!(methods(&told), [refused, "chat.postMessage"], "{word}");
            assert_eq!(told.outcome.detail(), format!("posted instead of {refused}: {word}"));
            assert_eq!(told.kept, [Post::saying(&message, "#ops", "C1".to_owned(), "1.2".to_owned())]);
        }
    }
    let told =
        tell("edit", &news(Change::New), Some(&standing()), vec![no("is_inactive"), no("not_in_channel")])
            .await;
    assert_eq!((permanent(&told.outcome), told.requests.len(), told.kept), (Reason::NotFound, 2, vec![]));
}

#[tokio::test]
async fn an_edit_that_may_work_later_is_tried_later() {
    for (behaviour, doubt) in [
        (no("internal_error"), false),
        (no("ratelimited"), false),
        (no("fatal_error"), true),
        (Behaviour::DropAfterReading, true),
    ] {
        let told = tell("edit", &news(Change::New), Some(&standing()), vec![behaviour]).await;
        assert_eq!(retryable(&told.outcome).1, doubt);
        assert_eq!((methods(&told), told.kept.len()), (vec!["chat.update"], 0), "nobody is pinged");
    }
}

#[tokio::test]
async fn a_ping_that_fails_leaves_doubt_since_the_edit_may_have_been_read() {
    let told = tell("edit", &news(Change::New), Some(&standing()), vec![yes(), no("ratelimited")]).await;
    assert_eq!(retryable(&told.outcome), (Reason::RateLimited, true));
    assert_eq!(
        (methods(&told), told.kept.len()),
        (vec!["chat.update", "chat.postMessage"], 0),
        "all of it is made again"
    );
    let told =
        tell("edit", &news(Change::New), Some(&standing()), vec![yes(), no("restricted_action"), yes()])
            .await;
    assert_eq!(methods(&told), ["chat.update", "chat.postMessage", "chat.postMessage"]);
    assert!(matches!(told.outcome, Outcome::Delivered { .. }));
    assert!(told.requests[2].1["thread_ts"].is_null(), "where no reply may be made, a new message is");
}

#[tokio::test]
async fn what_an_earlier_attempt_is_known_to_have_told_is_not_told_again() {
    let message = news(Change::New);
    let told = tell("edit", &message, Some(&standing().now_saying(&message)), vec![yes()]).await;
    assert_eq!((told.requests, told.kept), (vec![], vec![]));
    assert!(matches!(told.outcome, Outcome::Delivered { .. }));
}
