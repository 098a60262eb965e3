//! Firing copies of an alert that is over: held, shown as such, and told or refuted; and copies that speak of the past.

use serde_json::{Value, json};

use crate::support::alerts::{Alert, webhook};
use crate::support::history::{history, quiet};
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, write};

const CONFIG: &str = "storage: {url: \"sqlite:receiver.db\"}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n";

async fn receiver(home: &std::path::Path, more: &str) -> Program {
    write(home, "receiver.yaml", format!("{CONFIG}{more}"));
    Program::receiver(home).await
}

async fn send(receiver: &Program, alert: &Alert) {
    let sent = post(&format!("{}/webhook", receiver.url), JSON, webhook("g", [alert]).to_string()).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
}

/// The occurrences of the only alert there is, newest first.
async fn occurrences(receiver: &Program) -> Vec<Value> {
    let all = receiver.get("/api/v1/alerts").await.json();
    let fingerprint = all["alerts"][0]["fingerprint"].as_str().unwrap();
    let timeline = receiver.get(&format!("/api/v1/alerts/{fingerprint}")).await.json();
    timeline["occurrences"].as_array().unwrap().clone()
}

fn stale_copies(number: u8) -> String {
    format!("modelwatch_receiver_suppressed_total{{channel=\"console\",reason=\"stale_copy\"}} {number}")
}

/// What people were told, the oldest first.
async fn told(receiver: &Program) -> Vec<Value> {
    quiet(receiver).await;
    let mut told: Vec<Value> = history(receiver).await.iter().map(|one| one["kind"].clone()).collect();
    told.reverse();
    told
}

#[tokio::test]
async fn a_return_is_shown_as_held_and_told_although_the_old_end_comes_again() {
    let home = home();
    let receiver = receiver(home.path(), "dedupe: {reorder_window: 4s}\n").await;
    let firing = Alert::firing("Returns", START);
    let over = firing.resolved(START + 60);
    for alert in [&firing, &over] {
        send(&receiver, alert).await;
        quiet(&receiver).await;
    }
    for alert in [&firing, &over] {
        send(&receiver, alert).await;
    }
    let newest = occurrences(&receiver).await.remove(0);
    assert_eq!((&newest["state"], &newest["held"]["starts_at"]), (&json!("resolved"), &newest["starts_at"]));
    let until_then = newest["held"]["until"].as_str().unwrap().to_owned();
    let page = receiver.get(&format!("/alerts/{}", newest["fingerprint"].as_str().unwrap())).await;
    assert!(page.body.contains(">held</span>") && page.body.contains(&until_then[..19]), "{}", page.body);
    let newest = until("the return is told", async || {
        let newest = occurrences(&receiver).await.remove(0);
        if newest["state"] == "firing" { Ok(newest) } else { Err(newest.to_string()) }
    })
    .await;
    assert_eq!((&newest["unconfirmed"], newest.get("held")), (&json!(true), None));
    assert_eq!(told(&receiver).await, ["new", "resolved", "new"]);
    receiver.wait_for_line(&stale_copies(0)).await;
}

#[tokio::test]
async fn a_return_that_is_over_while_it_is_held_is_known_and_told_nobody() {
    let home = home();
    let receiver = receiver(home.path(), "").await;
    let firing = Alert::firing("Returns", START);
    for alert in [&firing, &firing.resolved(START + 60)] {
        send(&receiver, alert).await;
        quiet(&receiver).await;
    }
    for alert in [&firing, &firing.resolved(START + 600)] {
        send(&receiver, alert).await;
    }
    let known = occurrences(&receiver).await;
    assert_eq!(known.len(), 2, "{known:?}");
    assert_eq!((&known[0]["state"], &known[0]["unconfirmed"]), (&json!("resolved"), &json!(true)));
    assert_eq!(known[0]["told"][0]["suppressed"], "never_told", "{known:?}");
    assert!(known.iter().all(|one| one.get("held").is_none()), "{known:?}");
    assert_eq!(told(&receiver).await, ["new", "resolved"]);
    receiver.wait_for_line(&stale_copies(1)).await;
}

#[tokio::test]
async fn an_old_copy_does_not_move_the_start_of_what_fires_now() {
    let home = home();
    let receiver = receiver(home.path(), "").await;
    let first = Alert::firing("Moves", START);
    let second = Alert::firing("Moves", START + 120);
    for alert in [&first, &first.resolved(START + 60), &second, &first, &second.resolved(START + 300)] {
        send(&receiver, alert).await;
        quiet(&receiver).await;
    }
    let starts: Vec<Value> =
        occurrences(&receiver).await.iter().map(|one| one["starts_at"].clone()).collect();
    let moment = |seconds: i64| json!(jiff::Timestamp::from_second(seconds).unwrap().to_string());
    assert_eq!(starts, [moment(START + 120), moment(START)]);
}

#[tokio::test]
async fn every_outage_of_a_heartbeat_is_told() {
    let home = home();
    let switch = "heartbeats: [{name: prometheus, match: ['alertname=\"Watchdog\"'], every: 1s, channels: [console]}]\n";
    let receiver = receiver(home.path(), switch).await;
    let line = |up: u8| format!("modelwatch_receiver_heartbeat_up{{name=\"prometheus\"}} {up}");
    for outage in 1..5 {
        receiver.wait_for_line(&line(0)).await;
        until("the outage is told", async || {
            let firing = history(&receiver).await.iter().filter(|one| one["kind"] == "heartbeat").count();
            if firing == 2 * outage - 1 { Ok(()) } else { Err(format!("{firing} of {outage}")) }
        })
        .await;
        send(&receiver, &Alert::firing("Watchdog", START)).await;
        until("the return is told", async || {
            let all = history(&receiver).await;
            let back = all[0]["alerts"][0]["annotations"]["summary"] == "the heartbeat prometheus is back";
            if back && all.len() == 2 * outage { Ok(()) } else { Err(json!(all).to_string()) }
        })
        .await;
    }
}
