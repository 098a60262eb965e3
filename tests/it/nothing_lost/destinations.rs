//! Destinations that are slow, dead, or answer nonsense: others are told meanwhile, and they themselves once they can be.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Scene, came, send};
use crate::support::alerts::Alert;
use crate::support::history::{history, marked, quiet_at_last};
use crate::support::loans::START;
use crate::support::process::free_port;
use crate::support::program::Program;
use crate::support::slack::{Fault, PATH, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// Waits until an attempt of this channel's newest notification failed for this reason, and says how often.
async fn failed(receiver: &Program, channel: &str, reason: &str) -> Value {
    until(&format!("{channel} fails: {reason}"), async || {
        let all = history(receiver).await;
        let newest = all.into_iter().find(|one| one["channel"] == channel).ok_or("nothing yet")?;
        let attempts = newest["attempts"].as_array().unwrap();
        let is_so = attempts.iter().filter(|attempt| attempt["reason"] == reason).count() > 1;
        if is_so { Ok(newest) } else { Err(newest.to_string()) }
    })
    .await
}

#[tokio::test]
async fn a_faulty_destination_holds_up_no_other_shows_why_and_is_told_once_it_works() {
    let table = [
        (Fault::Drop, "connect"),
        (Fault::DropAfterReading, "connect"),
        (Fault::Garbage, "protocol"),
        (Fault::Status(502, "<html>bad gateway</html>"), "server_error"),
        (Fault::RetryAfter(429, 1), "rate_limited"),
    ];
    let scene = Scene::start(2).await;
    let [fast, faulty] = &scene.slacks[..] else { panic!("two channels") };
    for (number, (fault, reason)) in table.into_iter().enumerate() {
        let before = [fast.count(), faulty.count()];
        faulty.always(Some(fault));
        scene
            .send(&format!("g{number}"), &Alert::firing("Drift", START).with("number", &number.to_string()))
            .await;
        let still = failed(&scene.receiver, "second", reason).await;
        assert_eq!(still["status"], "pending", "{fault:?}");
        came(fast, before[0] + 1).await;
        let metrics = scene.receiver.metrics().await;
        let series = format!("delivery_attempts_total{{channel=\"second\",reason=\"{reason}\"}} ");
        let value =
            metrics.lines().find_map(|line| line.split_once(&series)).map(|(_, value)| value.to_owned());
        assert!(value.is_some_and(|value| value != "0" && value != "1"), "{reason}: {metrics}");
        faulty.always(None);
        let newest = scene.settled().await.into_iter().find(|one| one["channel"] == "second").unwrap();
        assert_eq!(newest["status"], "delivered", "{fault:?}: {newest:#}");
        let copies = faulty.count() - before[1];
        assert!((1..=1 + marked(&newest)).contains(&copies), "{fault:?}: {copies} copies: {newest:#}");
        assert_eq!(fast.count(), before[0] + 1, "{fault:?}: the other channel is told once");
    }
}

#[tokio::test]
async fn a_destination_that_hangs_holds_up_no_other() {
    let scene = Scene::start(2).await;
    let [fast, hanging] = &scene.slacks[..] else { panic!("two channels") };
    hanging.answer_after(FOR_EVER);
    // more than may be under way to one destination
    for number in 0..20 {
        scene
            .send(&format!("g{number}"), &Alert::firing("Drift", START).with("number", &number.to_string()))
            .await;
    }
    came(fast, 20).await;
    let history = history(&scene.receiver).await;
    let waiting = history.iter().filter(|one| one["channel"] == "second");
    assert!(waiting.clone().all(|one| one["status"] == "pending"));
    assert_eq!(waiting.count(), 20);
}

#[tokio::test]
async fn a_destination_that_nobody_serves_is_told_once_somebody_does() {
    let (home, port) = (home(), free_port());
    let yaml = format!(
        "storage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"http://127.0.0.1:{port}{PATH}\", rate: 100/s}}]\ndelivery: {{retry: {{initial: 100ms, max: 500ms}}}}\n"
    );
    write(home.path(), "receiver.yaml", yaml);
    let receiver = Program::receiver(home.path()).await;
    // it comes and goes
    for round in 0..3 {
        let alert = Alert::firing("Drift", START).with("round", &round.to_string());
        send(&receiver.url, &format!("g{round}"), &[&alert]).await;
        failed(&receiver, "team", "connect").await;
        let slack = Slack::start_at(port).await;
        came(&slack, 1).await;
        quiet_at_last(&receiver).await;
        assert_eq!(slack.count(), 1, "round {round}");
    }
    let history = history(&receiver).await;
    assert_eq!(
        history.iter().map(|one| one["status"].clone()).collect::<Vec<_>>(),
        [json!("delivered"), json!("delivered"), json!("delivered")]
    );
    assert_eq!(history.iter().map(marked).sum::<usize>(), 0, "nobody was there to read it");
}
