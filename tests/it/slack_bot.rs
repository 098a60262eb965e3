//! Slack by a bot's token: one message for a group that follows it, and a ping when somebody has to look.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alerts::{Alert, webhook};
use crate::support::history::{attempts, history, marked, quiet, quiet_at_last};
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::slack::{BOT_TOKEN, CHANNEL, Fault, Posted, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

/// A receiver that tells a channel of Slack as a bot.
struct Stage {
    slack: Slack,
    receiver: Program,
    _home: TempDir,
}

impl Stage {
    /// With these keys for the channel, and these for all.
    async fn start(keys: &str, more: &str) -> Stage {
        let (slack, home) = (Slack::start().await, home());
        write(home.path(), "slack.token", format!("{BOT_TOKEN}\n"));
        let channel = format!(
            "name: team, type: slack, bot_token_file: slack.token, channel: \"{CHANNEL}\", api_url: \"{}\"{keys}",
            slack.api_url
        );
        write(
            home.path(),
            "receiver.yaml",
            format!(
                "environment: dev\nstorage: {{url: \"sqlite:receiver.db\"}}\ndelivery: {{retry: {{initial: 100ms, max: 200ms}}}}\n{more}\nroutes: [{{channels: [team]}}]\nchannels: [{{{channel}}}]\n"
            ),
        );
        let receiver = Program::receiver(home.path()).await;
        Stage { slack, receiver, _home: home }
    }

    /// Sends a webhook about a group and waits until all of it is told.
    async fn tell(&self, alerts: &[&Alert]) {
        self.send(alerts).await;
        quiet(&self.receiver).await;
    }

    async fn send(&self, alerts: &[&Alert]) {
        let body = webhook("g", alerts.iter().copied()).to_string();
        let answer = post(&format!("{}/webhook", self.receiver.url), JSON, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The messages of the channel, each by its title, with its edits, and whether it is in a thread.
    fn seen(&self) -> Vec<String> {
        self.slack.posts().iter().map(seen).collect()
    }

    /// What the attempts of the newest notification came to.
    async fn newest(&self) -> (Value, Vec<String>) {
        let newest = history(&self.receiver).await.remove(0);
        (newest["status"].clone(), attempts(&newest))
    }
}

fn seen(post: &Posted) -> String {
    let place = match (&post.thread, post.broadcast) {
        (None, _) => "",
        (Some(_), false) => " in the thread",
        (Some(_), true) => " in the thread and the channel",
    };
    let edits = if post.edits > 0 { format!(" after {} edits", post.edits) } else { String::new() };
    format!("{}{place}{edits}", post.title())
}

fn drift(number: i64) -> Alert {
    Alert::firing("Drift", START).with("number", &number.to_string())
}

#[tokio::test]
async fn a_group_has_one_message_that_follows_it_and_new_alerts_ping_in_its_thread() {
    let stage = Stage::start(", rate: 100/s", "").await;
    stage.tell(&[&drift(1)]).await;
    assert_eq!(stage.seen(), ["[FIRING:1][DEV] Drift"]);
    stage.tell(&[&drift(1), &drift(2)]).await;
    let ping = "[FIRING:2][DEV] Drift: Drift happened in the thread and the channel";
    assert_eq!(stage.seen(), ["[FIRING:2][DEV] Drift after 1 edits", ping]);
    stage.tell(&[&drift(1).resolved(START + 60), &drift(2)]).await;
    assert_eq!(stage.seen(), ["[FIRING:1][DEV] Drift after 2 edits", ping], "an end pings nobody");
    stage.tell(&[&drift(1).resolved(START + 60), &drift(2).resolved(START + 90)]).await;
    assert_eq!(stage.seen(), ["[RESOLVED:1][DEV] Drift after 3 edits", ping]);
    assert_eq!(stage.slack.posts()[0].payload["attachments"][0]["color"], "good");
    let again = Alert::firing("Drift", START + 1_000).with("number", "1");
    stage.tell(&[&again]).await;
    assert_eq!(
        stage.seen()[2..],
        ["[FIRING:1][DEV] Drift"],
        "what was over and fires again has a new message"
    );
    assert_eq!(stage.slack.refused(), [""; 0]);
    let ids: Vec<_> = history(&stage.receiver).await.iter().map(|one| one["id"].clone()).collect();
    let posts = stage.slack.posts();
    let identity = |post: &Posted| json!(post.identity);
    assert_eq!(
        [identity(&posts[2]), identity(&posts[1]), identity(&posts[0])],
        [ids[0].clone(), ids[3].clone(), ids[4].clone()]
    );
}

#[tokio::test]
async fn news_of_a_group_may_be_replies_in_its_thread_or_new_messages() {
    for (update, wanted) in [
        (
            "thread",
            [
                "[FIRING:1][DEV] Drift",
                "[FIRING:2][DEV] Drift in the thread and the channel",
                "[RESOLVED:2][DEV] Drift in the thread",
            ],
        ),
        ("post", ["[FIRING:1][DEV] Drift", "[FIRING:2][DEV] Drift", "[RESOLVED:2][DEV] Drift"]),
    ] {
        let stage = Stage::start(&format!(", rate: 100/s, update: {update}"), "").await;
        stage.tell(&[&drift(1)]).await;
        stage.tell(&[&drift(1), &drift(2)]).await;
        stage.tell(&[&drift(1).resolved(START + 60), &drift(2).resolved(START + 60)]).await;
        assert_eq!(stage.seen(), wanted);
        stage.tell(&[&Alert::firing("Drift", START + 1_000).with("number", "1")]).await;
        assert_eq!(stage.seen()[3], "[FIRING:1][DEV] Drift", "{update}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_edited_is_followed_by_a_new_one_once() {
    let stage = Stage::start(", rate: 100/s", "").await;
    stage.tell(&[&drift(1)]).await;
    let mut firing = vec![drift(1)];
    for (number, word) in (2..).zip([
        "message_not_found",
        "edit_window_closed",
        "cant_update_message",
        "is_inactive",
        "a_word_of_tomorrow",
    ]) {
        stage.slack.fail_next(Fault::RefuseEdit(word));
        firing.push(drift(number));
        let (before, requests) = (stage.slack.posts().len(), stage.slack.requests().len());
        stage.tell(&firing.iter().collect::<Vec<_>>()).await;
        assert_eq!(stage.slack.requests()[requests..], ["chat.update", "chat.postMessage"], "{word}");
        assert_eq!(
            stage.seen()[before..],
            [format!("[FIRING:{number}][DEV] Drift")],
            "{word}: and nobody is pinged twice"
        );
        assert_eq!(stage.newest().await, (json!("delivered"), vec!["delivered".to_owned()]));
    }
    stage.slack.delete_posts();
    firing.push(drift(9));
    stage.tell(&firing.iter().collect::<Vec<_>>()).await;
    assert_eq!(stage.seen(), ["[FIRING:7][DEV] Drift"]);
    let resolved: Vec<Alert> = firing.iter().map(|alert| alert.resolved(START + 60)).collect();
    stage.tell(&resolved.iter().collect::<Vec<_>>()).await;
    assert_eq!(stage.seen(), ["[RESOLVED:7][DEV] Drift after 1 edits"], "the new message is remembered");
}

#[tokio::test]
async fn a_repeat_pings() {
    let stage = Stage::start(", rate: 100/s", "dedupe: {repeat_interval: 1s}").await;
    until("it is repeated", async || {
        stage.tell(&[&drift(1)]).await;
        if stage.slack.posts().len() > 1 { Ok(()) } else { Err("it was not".to_owned()) }
    })
    .await;
    let ping = "[FIRING:1][DEV] Drift: Drift happened in the thread and the channel";
    assert_eq!(stage.seen(), ["[FIRING:1][DEV] Drift after 1 edits", ping]);
}

#[tokio::test]
async fn every_refusal_of_the_web_api_comes_to_what_it_means() {
    let table: [(Fault, &[&str], usize); 9] = [
        (Fault::Refuse("internal_error"), &["retryable server_error", "delivered"], 1),
        (Fault::Refuse("fatal_error"), &["retryable server_error ambiguous", "delivered"], 1),
        (Fault::Refuse("ratelimited"), &["retryable rate_limited", "delivered"], 1),
        (Fault::RetryAfter(429, 1), &["retryable rate_limited", "delivered"], 1),
        (Fault::DropAfterReading, &["retryable connect ambiguous", "delivered"], 2),
        (Fault::Garbage, &["retryable protocol ambiguous", "delivered"], 2),
        (Fault::Refuse("channel_not_found"), &["permanent not_found"], 0),
        (Fault::Refuse("token_revoked"), &["permanent auth"], 0),
        (Fault::Refuse("msg_blocks_too_long"), &["permanent too_large"], 0),
    ];
    let stage = Stage::start(", rate: 100/s, update: post", "").await;
    for (number, (fault, wanted, messages)) in (1..).zip(table) {
        stage.slack.fail_next(fault);
        let before = stage.slack.posts().len();
        let body = webhook(&format!("g{number}"), [&drift(number)]).to_string();
        post(&format!("{}/webhook", stage.receiver.url), JSON, body).await;
        quiet(&stage.receiver).await;
        assert_eq!(stage.newest().await.1, wanted, "{fault:?}");
        let copies = stage.slack.posts().split_off(before);
        assert_eq!(copies.len(), messages, "{fault:?}");
        assert!(
            copies.iter().all(|copy| copy.identity == copies[0].identity),
            "copies can be told from news"
        );
    }
    let shown = stage.receiver.get("/api/v1/notifications").await.body
        + &stage.receiver.output()
        + &stage.receiver.metrics().await;
    assert!(!shown.contains("verysecret"), "secrets are never shown");
}

#[tokio::test]
async fn a_channel_that_is_full_is_waited_for_by_all_that_goes_there() {
    let stage = Stage::start(", rate: 100/s", "").await;
    stage.slack.limit();
    for number in 1..=3 {
        let body = webhook(&format!("g{number}"), [&drift(number)]).to_string();
        post(&format!("{}/webhook", stage.receiver.url), JSON, body).await;
        until("it was asked for", async || {
            if stage.slack.requests().is_empty() { Err("nothing was".to_owned()) } else { Ok(()) }
        })
        .await;
    }
    quiet(&stage.receiver).await;
    let (accepted, asked) = (stage.slack.accepted(), stage.slack.asked_to_wait());
    assert_eq!(accepted.len(), 3);
    assert!(!asked.is_empty(), "the others were too early");
    for waited in &asked {
        let next = accepted.iter().map(|message| message.at).filter(|at| at > waited).min().unwrap();
        assert!(next - *waited >= Duration::from_millis(990), "Retry-After is waited for");
    }
    assert_eq!(stage.slack.posts().len(), 3);
}

#[tokio::test]
async fn an_edit_whose_ping_fails_is_made_again_and_pings_once() {
    let stage = Stage::start(", rate: 100/s", "").await;
    stage.tell(&[&drift(1)]).await;
    stage.slack.fail_next(Fault::Nothing);
    stage.slack.fail_next(Fault::Status(503, "busy"));
    stage.tell(&[&drift(1), &drift(2)]).await;
    let ping = "[FIRING:2][DEV] Drift: Drift happened in the thread and the channel";
    assert_eq!(stage.seen(), ["[FIRING:2][DEV] Drift after 2 edits", ping]);
    let (status, attempts) = stage.newest().await;
    assert_eq!(status, "delivered");
    assert_eq!(attempts, ["retryable server_error ambiguous", "delivered"], "the edit may have been read");
}

#[tokio::test]
async fn a_ping_whose_answer_is_lost_is_made_again_and_marked() {
    let stage = Stage::start(", rate: 100/s", "").await;
    stage.tell(&[&drift(1)]).await;
    stage.slack.fail_next(Fault::Nothing);
    stage.slack.fail_next(Fault::DropAfterReading);
    stage.tell(&[&drift(1), &drift(2)]).await;
    let posts = stage.slack.posts();
    assert_eq!(posts.len(), 3, "{:?}", stage.seen());
    assert_eq!(posts[1].identity, posts[2].identity, "copies can be told from news");
    assert_eq!(stage.newest().await.1, ["retryable connect ambiguous", "delivered"]);
}

/// A kill with a new message under way; how many messages there are in the end, and how many attempts are marked.
const KILLS: [(&str, usize, usize); 4] =
    [("Begun", 1, 1), ("PlaceAnswered", 2, 1), ("PlaceNoted", 1, 1), ("Answered", 1, 1)];

#[tokio::test]
async fn a_kill_while_a_message_is_posted_leaves_a_second_one_only_where_its_place_was_lost() {
    for (point, messages, marked_ones) in KILLS {
        let mut stage = Stage::start(", rate: 100/s", "").await;
        stage.receiver.crash_with(&[("MODELWATCH_STOP_AT", point)]);
        stage.receiver.ready().await;
        stage.send(&[&drift(1)]).await;
        until(&format!("it stops at {point}"), async || {
            let output = stage.receiver.output();
            if output.contains(&format!("stopped at {point}")) { Ok(()) } else { Err(output) }
        })
        .await;
        stage.receiver.crash();
        stage.receiver.ready().await;
        quiet_at_last(&stage.receiver).await;
        let found = history(&stage.receiver).await;
        assert_eq!(
            (found.len(), marked(&found[0]), &found[0]["status"]),
            (1, marked_ones, &json!("delivered")),
            "{point}"
        );
        stage.tell(&[&drift(1).resolved(START + 60)]).await;
        let posts = stage.slack.posts();
        assert_eq!(posts.len(), messages, "{point}");
        assert!(
            posts.last().unwrap().title().starts_with("[RESOLVED:1]"),
            "{point}: the last one is followed"
        );
    }
}
