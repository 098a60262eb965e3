//! Dead letters: seen, told to a fallback, and sent again by `replay` through the running receiver.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alerts::{Alert, webhook};
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::{Program, RECEIVER, Said, run};
use crate::support::slack::{Fault, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

/// A receiver that tells a team, and a log when it cannot.
struct Stage {
    slack: Slack,
    receiver: Program,
    home: TempDir,
}

const CONFIG: &str = r#"
storage: {url: "sqlite:receiver.db"}
delivery: {retry: {initial: 20ms, max: 50ms}}
routes: [{channels: [team]}]
channels:
  - {name: console, type: log}
  - {name: team, type: slack, webhook_url_file: slack.url, rate: 100/s, fallback: console}
"#;

impl Stage {
    async fn start() -> Stage {
        let slack = Slack::start().await;
        let home = home();
        write(home.path(), "slack.url", &slack.webhook_url);
        write(home.path(), "receiver.yaml", CONFIG);
        let receiver = Program::receiver(home.path()).await;
        Stage { slack, receiver, home }
    }

    async fn replay(&self, arguments: &[&str]) -> Said {
        replay(self.home.path(), &self.receiver.url, arguments).await
    }

    async fn send(&self, alert: &Alert) {
        let body = webhook("g", [alert]).to_string();
        let answer = post(&format!("{}/webhook", self.receiver.url), JSON, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The one notification to a channel that stands there, once there is one.
    async fn one(&self, channel: &str, status: &str) -> Value {
        let path = format!("/api/v1/notifications?channel={channel}&status={status}");
        until(&format!("one to {channel} is {status}"), async || {
            let found = self.receiver.get(&path).await.json()["notifications"].clone();
            if found.as_array().unwrap().len() == 1 { Ok(found[0].clone()) } else { Err(found.to_string()) }
        })
        .await
    }
}

/// Runs the command without blocking the stand-in that has to answer meanwhile.
async fn replay(home: &Path, url: &str, arguments: &[&str]) -> Said {
    let address = format!("--web.listen-address={}", url.trim_start_matches("http://"));
    let mut all = vec!["replay".to_owned(), address];
    all.extend(arguments.iter().map(ToString::to_string));
    let home = home.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        run(RECEIVER, &home, &all, &[])
    });
    running.await.unwrap()
}

fn id(notification: &Value) -> String {
    notification["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_dead_letter_goes_to_the_fallback_and_to_its_channel_when_it_is_replayed() {
    let stage = Stage::start().await;
    stage.slack.fail_next(Fault::Status(404, "no_service"));
    stage.send(&Alert::firing("Drift", START)).await;
    let dead = stage.one("team", "dead").await;
    let told = stage.one("console", "delivered").await;
    assert_eq!((&told["fallback_of"], &dead["fallback"]), (&dead["id"], &told["id"]));
    let words = told["content"].as_str().unwrap();
    assert!(words.contains("instead of team: the channel, mailbox or address does not exist"), "{words}");
    let page = stage.receiver.get(&format!("/notifications/{}", id(&dead))).await.body;
    for shown in
        [format!("modelwatch-receiver replay {}", id(&dead)), format!("/notifications/{}", id(&told))]
    {
        assert!(page.contains(&shown), "{shown}");
    }
    assert_eq!(stage.slack.count(), 0);

    let said = stage.replay(&[&id(&dead)]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(&id(&dead)) && said.out.contains("queued"), "{}", said.out);
    let delivered = stage.one("team", "delivered").await;
    assert_eq!((&delivered["id"], &delivered["late"]), (&dead["id"], &json!(true)));
    let results: Vec<_> =
        delivered["attempts"].as_array().unwrap().iter().map(|attempt| attempt["result"].clone()).collect();
    assert_eq!(results, ["permanent", "delivered"]);
    let accepted = stage.slack.accepted();
    assert_eq!(accepted.len(), 1);
    assert!(accepted[0].text().contains("Late"), "{}", accepted[0].text());

    let said = stage.replay(&[&id(&dead), "nothing"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in ["not dead", "it is delivered", "unknown", "there is no such notification"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let said = stage.replay(&["--dead", "--channel=team", "--since=24h"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(0), "there are no dead letters\n"));
    assert_eq!(stage.slack.count(), 1);
}

#[tokio::test]
async fn what_was_over_before_anybody_heard_of_it_is_no_news_any_more() {
    let stage = Stage::start().await;
    stage.slack.fail_next(Fault::Status(404, "no_service"));
    let alert = Alert::firing("Drift", START);
    stage.send(&alert).await;
    let dead = stage.one("team", "dead").await;
    stage.slack.fail_next(Fault::Status(404, "no_service"));
    stage.send(&alert.resolved(START + 60)).await;
    let said = stage.replay(&[&id(&dead), "--format=json"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["notifications"][0]["answer"], "suppressed", "{answer}");
    let suppressed = stage.receiver.get(&format!("/api/v1/notifications/{}", id(&dead))).await.json();
    assert_eq!(suppressed["suppressed"], "never_told");
    assert_eq!(stage.slack.count(), 0);
}

#[tokio::test]
async fn a_channel_that_there_is_not_is_a_usage_error() {
    let stage = Stage::start().await;
    let said = stage.replay(&["--dead", "--channel=pigeon"]).await;
    assert_eq!(said.code, Some(64), "{said:?}");
    assert!(
        said.err.contains("there is no channel `pigeon`, expected one of `console`, `team`"),
        "{}",
        said.err
    );
}
