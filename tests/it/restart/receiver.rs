//! The receiver: what was answered 200 is told, and told twice only where history says that it may have been.

use std::rc::Rc;
use std::time::Duration;

use super::{KILLS, kill_often};
use crate::support::alerts::{Alert, webhook};
use crate::support::history::{history, quiet, quiet_at_last};
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::random::random;
use crate::support::rounds::{assert_nothing_lost, rounds_during};
use crate::support::slack::Slack;
use crate::support::{home, write};

/// How long Slack takes, so that kills meet messages on their way.
const LATENCY: Duration = Duration::from_millis(10);
/// How often it is killed by whoever has minutes to wait.
const MANY_KILLS: usize = 200;

fn config(slack: &Slack) -> String {
    format!(
        "storage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{}\", rate: 200/s}}]\ndedupe: {{flap: {{changes: 0}}}}\ndelivery: {{retry: {{initial: 100ms, max: 1s}}}}\n",
        slack.webhook_url
    )
}

async fn kill_under_load(kills: usize) {
    let mut random = random();
    let slack = Rc::new(Slack::start().await);
    slack.answer_after(LATENCY);
    let home = home();
    write(home.path(), "receiver.yaml", config(&slack));
    let mut receiver = Program::receiver(home.path()).await;
    let urls = [receiver.url.clone()];
    let rounds = rounds_during(&slack, &urls, kill_often(&mut receiver, &mut random, kills)).await;
    quiet_at_last(&receiver).await;
    println!("{kills} kills");
    assert_nothing_lost(&slack, &history(&receiver).await, &rounds);
}

// the stand-in answers on other threads, whatever the groups have to do
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_kills_under_load_lose_nothing_and_double_only_what_is_marked() {
    kill_under_load(KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; run it by its name"]
async fn two_hundred_kills_under_load_lose_nothing_and_double_only_what_is_marked() {
    kill_under_load(MANY_KILLS).await;
}

#[tokio::test]
async fn a_kill_right_after_200_loses_no_webhook() {
    let slack = Slack::start().await;
    let home = home();
    write(home.path(), "receiver.yaml", config(&slack));
    let mut receiver = Program::receiver(home.path()).await;
    for number in 0..8 {
        let group = format!("group {number}");
        let alerts = ["a", "b"].map(|it| Alert::firing("Load", START).with("group", &group).with("it", it));
        let body = webhook(&group, &alerts).to_string();
        assert_eq!(post(&format!("{}/webhook", receiver.url), JSON, body).await.status, 200);
        receiver.crash();
        receiver.ready().await;
    }
    quiet(&receiver).await;
    let history = history(&receiver).await;
    assert_eq!(history.len(), 8);
    let groups: std::collections::BTreeSet<_> = history.iter().map(|one| one["group"].to_string()).collect();
    assert_eq!(groups.len(), 8, "each group was told: {history:#?}");
    assert!(slack.count() >= 8);
}
