//! From webhooks to Slack: what Slack's answers come to, through the running receiver.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alerts::{Alert, webhook};
use crate::support::history::attempts;
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::slack::{Accepted, Fault, PATH, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

/// A receiver that tells Slack.
struct Told {
    slack: Slack,
    receiver: Program,
    _home: TempDir,
}

impl Told {
    async fn start(channel: &str) -> Told {
        let slack = Slack::start().await;
        let home = home();
        write(home.path(), "slack.url", &slack.webhook_url);
        write(
            home.path(),
            "receiver.yaml",
            format!(
                "environment: dev\nstorage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url_file: slack.url{channel}}}]\ndelivery: {{retry: {{initial: 100ms, max: 1s}}}}\n"
            ),
        );
        let receiver = Program::receiver(home.path()).await;
        Told { slack, receiver, _home: home }
    }

    async fn send(&self, group: &str, alert: &Alert) {
        let answer =
            post(&format!("{}/webhook", self.receiver.url), JSON, webhook(group, [alert]).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The notifications, newest first, once there are so many and none is pending.
    async fn settled(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} notifications are settled"), async || {
            let found = self.receiver.get("/api/v1/notifications").await.json()["notifications"].clone();
            let found = found.as_array().unwrap();
            let settled = found.len() == count && found.iter().all(|one| one["status"] != "pending");
            if settled { Ok(found.clone()) } else { Err(json!(found).to_string()) }
        })
        .await
    }
}

#[tokio::test]
async fn every_answer_of_slack_comes_to_what_it_means() {
    let table: [(Fault, &str, &[&str], usize); 9] = [
        (Fault::Status(500, "rollup_error"), "delivered", &["retryable server_error", "delivered"], 1),
        (Fault::Status(503, "<html>busy</html>"), "delivered", &["retryable server_error", "delivered"], 1),
        (Fault::RetryAfter(429, 1), "delivered", &["retryable rate_limited", "delivered"], 1),
        (Fault::Drop, "delivered", &["retryable connect ambiguous", "delivered"], 1),
        (Fault::DropAfterReading, "delivered", &["retryable connect ambiguous", "delivered"], 2),
        (Fault::Garbage, "delivered", &["retryable protocol ambiguous", "delivered"], 2),
        (Fault::Status(404, "channel_not_found"), "dead", &["permanent not_found"], 0),
        (Fault::Status(403, "action_prohibited"), "dead", &["permanent rejected"], 0),
        (Fault::Status(400, "invalid_token"), "dead", &["permanent auth"], 0),
    ];
    let told = Told::start(", rate: 100/s").await;
    for (number, (fault, status, wanted, messages)) in table.into_iter().enumerate() {
        told.slack.fail_next(fault);
        let before = told.slack.accepted().len();
        told.send(&format!("g{number}"), &Alert::firing("Bad", START).with("number", &number.to_string()))
            .await;
        let newest = told.settled(number + 1).await.remove(0);
        assert_eq!(
            (newest["status"].as_str().unwrap(), attempts(&newest)),
            (status, wanted.iter().map(ToString::to_string).collect()),
            "{fault:?}"
        );
        assert_eq!(told.slack.accepted().len() - before, messages, "{fault:?}");
    }
    told.slack.archive();
    told.send("last", &Alert::firing("Last", START)).await;
    let newest = told.settled(10).await.remove(0);
    assert_eq!(attempts(&newest), ["permanent not_found"]);
    let history = told.receiver.get("/api/v1/notifications").await.body;
    let secret = PATH.rsplit('/').next().unwrap();
    assert!(
        !history.contains(secret) && !told.receiver.metrics().await.contains(secret),
        "secrets are never shown"
    );
}

#[tokio::test]
async fn retry_after_is_obeyed_and_one_message_a_second_is_kept() {
    let told = Told::start("").await;
    told.slack.limit();
    told.slack.fail_next(Fault::RetryAfter(429, 2));
    let begin = Instant::now();
    for number in 0..3 {
        told.send(&format!("g{number}"), &Alert::firing("Bad", START).with("number", &number.to_string()))
            .await;
    }
    told.settled(3).await;
    let times: Vec<Instant> = told.slack.accepted().iter().map(|message| message.at).collect();
    assert_eq!(times.len(), 3);
    assert!(times[0] - begin >= Duration::from_secs(2), "Retry-After is waited for");
    assert_eq!(told.slack.refused(), [""; 0], "never faster than one a second");
}

#[tokio::test]
async fn transitions_are_told_once_whatever_is_sent_again() {
    let told = Told::start(", rate: 100/s").await;
    let firing = Alert::firing("Bad", START).with("owner", "<!channel> & <https://evil|ok>");
    let again = Alert::firing("Bad", START + 1_000).with("owner", "<!channel> & <https://evil|ok>");
    for (alert, count) in [(&firing, 1), (&firing.resolved(START + 60), 2), (&again, 3)] {
        for _ in 0..3 {
            told.send("g", alert).await;
        }
        told.settled(count).await;
    }
    let messages = told.slack.accepted();
    let titles: Vec<_> = messages.iter().map(Accepted::title).collect();
    assert_eq!(titles, ["[FIRING:1][DEV] Bad", "[RESOLVED:1][DEV] Bad", "[FIRING:1][DEV] Bad"]);
    for message in &messages {
        let text = message.text();
        assert!(text.contains("&lt;!channel&gt; &amp; &lt;https://evil|ok&gt;"), "{text}");
        assert!(!text.contains("<!channel>") && !text.contains("<https://evil"), "{text}");
    }
    assert_eq!(told.slack.refused(), [""; 0]);
}

#[tokio::test]
async fn a_thousand_alerts_with_long_labels_are_one_message_within_slacks_limits() {
    let told = Told::start("").await;
    let alerts: Vec<Alert> = (0..1_000)
        .map(|number| {
            Alert::firing("Flood", START).with("pod", &number.to_string()).with("note", &"<&>".repeat(2_000))
        })
        .collect();
    let answer =
        post(&format!("{}/webhook", told.receiver.url), JSON, webhook("g", &alerts).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    told.settled(1).await;
    let messages = told.slack.accepted();
    assert_eq!(messages.iter().map(Accepted::title).collect::<Vec<_>>(), ["[FIRING:1000][DEV] Flood"]);
    assert!(messages[0].text().contains("more"), "it says that there are more");
    assert_eq!(told.slack.refused(), [""; 0]);
}
