use std::time::Duration;

use modelwatch_receiver_core::message::AlertView;

use super::*;
use crate::history::Entry;
use crate::testing::{Rig, accept_all, from_source, group};

mod restless;
mod trouble;

const CONFIG: &str = "
environment: dev
dedupe: {repeat_interval: 1h, reorder_window: 15m, stale_after: 8h, ignore_labels: [replica]}
routes:
  - {match: ['alertname=Quiet'], channels: [quiet]}
  - {match: ['alertname=Both'], channels: [console], continue: true}
  - {match: ['alertname=Both'], channels: [quiet]}
  - {match: ['alertname!~\"Lost|Quiet\"'], channels: [console]}
channels:
  - {name: console, type: log}
  - {name: quiet, type: log, send_resolved: false}
heartbeats:
  - {name: prometheus, match: [alertname=Watchdog], every: 1m, grace: 10s, channels: [console]}
";

/// What was to be told: channel, kind and status of each notification.
fn told(history: &[Entry]) -> Vec<String> {
    history.iter().map(|entry| format!("{} {} {}", entry.channel, entry.kind, entry.status)).collect()
}

async fn after(webhooks: &[Webhook]) -> (Rig, Intake) {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    accept_all(&intake, webhooks).await.unwrap();
    (rig, intake)
}

/// The same with everything delivered at once after each.
async fn heard(webhooks: &[Webhook]) -> (Rig, Intake) {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    for webhook in webhooks {
        intake.accept(webhook.clone()).await.unwrap();
        rig.deliver().await;
    }
    (rig, intake)
}

#[tokio::test]
async fn a_webhook_is_on_disk_when_it_was_accepted() {
    let (rig, _intake) = after(&[group(&[("A", None)])]).await;
    assert_eq!(told(&rig.history().await), ["console new pending"]);
    assert!((rig.metric("alerts_received_total{status=\"firing\"}") - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn many_waiting_webhooks_share_a_commit() {
    let rig = Rig::new(CONFIG).await;
    let (intake, intaker) = rig.intake();
    let waiting = async {
        let names: Vec<String> = (0..20).map(|i| format!("A{i}")).collect();
        let webhooks = names.iter().map(|name| group(&[(name, None)]));
        let mut asked: Vec<_> = webhooks.map(|webhook| Box::pin(intake.accept(webhook))).collect();
        for future in &mut asked {
            assert!(futures_poll(future).await.is_none());
        }
        rig.tasks.spawn("intake", intaker.run(rig.tasks.shutdown()));
        for future in asked {
            future.await.unwrap();
        }
    };
    waiting.await;
    assert!((rig.metric("store_commit_seconds_count") - 1.0).abs() < f64::EPSILON);
    assert!((rig.metric("alerts_received_total{status=\"firing\"}") - 20.0).abs() < f64::EPSILON);
}

/// Polls once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_full_intake_says_so_at_once() {
    let rig = Rig::new(CONFIG).await;
    let (intake, _intaker) = rig.intake();
    let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(intake.accept(group(&[("A", None)])))).collect();
    for future in &mut waiting {
        assert!(futures_poll(future).await.is_none());
    }
    assert_eq!(intake.accept(group(&[("A", None)])).await, Err(IntakeError::Full));
}

#[tokio::test]
async fn a_failing_store_asks_the_sender_to_come_again() {
    let (rig, intake) = after(&[]).await;
    rig.store.close().await;
    assert_eq!(intake.accept(group(&[("A", None)])).await, Err(IntakeError::Store));
}

#[tokio::test]
async fn copies_are_told_once_and_counted() {
    let copy = group(&[("A", None)]);
    let (rig, _intake) = after(&[copy.clone(), copy.clone(), copy]).await;
    assert_eq!(told(&rig.history().await), ["console new pending"]);
    let duplicates = "suppressed_total{channel=\"console\",reason=\"duplicate\"}";
    assert!((rig.metric(duplicates) - 2.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn the_same_alert_from_two_sources_is_two() {
    let (rig, _intake) =
        after(&[from_source("a", &[("A", 0, None)]), from_source("b", &[("A", 0, None)])]).await;
    assert_eq!(rig.history().await.len(), 2);
}

#[tokio::test]
async fn what_is_over_before_anybody_heard_of_it_is_not_told_and_counted() {
    let (rig, _intake) =
        after(&[group(&[("A", None)]), group(&[("A", Some(5))]), group(&[("A", Some(5))])]).await;
    let history = rig.history().await;
    assert_eq!(told(&history), ["console new suppressed"]);
    assert_eq!(history[0].suppressed.as_deref(), Some("never_told"));
    assert_eq!(history[0].alerts.len(), 1, "the history shows what was to be told");
    let never_told = "suppressed_total{channel=\"console\",reason=\"never_told\"}";
    assert!((rig.metric(never_told) - 2.0).abs() < f64::EPSILON, "an alert and a notification");
    let unsent = "notifications_total{channel=\"console\",result=\"suppressed\"}";
    assert!((rig.metric(unsent) - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn others_are_told_without_what_is_over_before_anybody_heard_of_it() {
    let (rig, _intake) =
        after(&[group(&[("A", None), ("B", None)]), group(&[("A", Some(5)), ("B", None)])]).await;
    let history = rig.history().await;
    assert_eq!(told(&history), ["console new pending"]);
    let names: Vec<&str> = history[0].alerts.iter().map(AlertView::name).collect();
    assert_eq!(names, ["B"]);
}

#[tokio::test]
async fn an_alert_missing_from_a_snapshot_is_not_resolved_and_still_told() {
    let (rig, _intake) = after(&[group(&[("A", None)]), group(&[("B", None)])]).await;
    let history = rig.history().await;
    assert_eq!(told(&history), ["console new suppressed", "console new pending"]);
    let names: Vec<&str> = history[1].alerts.iter().map(AlertView::name).collect();
    assert_eq!(names, ["A", "B"]);
}

#[tokio::test]
async fn who_was_never_told_that_it_began_is_not_told_that_it_is_over() {
    let (rig, _intake) = after(&[group(&[("A", Some(5))]), group(&[("A", None)])]).await;
    assert!(rig.history().await.is_empty());
    let never = "suppressed_total{channel=\"console\",reason=\"never_told\"}";
    assert!((rig.metric(never) - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_channel_that_does_not_want_to_hear_what_is_over_does_not() {
    let (rig, _intake) = heard(&[group(&[("Quiet", None)]), group(&[("Quiet", Some(5))])]).await;
    assert_eq!(told(&rig.history().await), ["quiet new delivered"]);
    let off = "suppressed_total{channel=\"quiet\",reason=\"resolved_off\"}";
    assert!((rig.metric(off) - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn routes_continue_only_when_they_say_so_and_what_none_takes_is_counted() {
    let (rig, _intake) = after(&[group(&[("Both", None)]), group(&[("Lost", None)])]).await;
    let mut told = told(&rig.history().await);
    told.sort();
    assert_eq!(told, ["console new pending", "quiet new pending"]);
    let no_route = "suppressed_total{channel=\"\",reason=\"no_route\"}";
    assert!((rig.metric(no_route) - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn an_alert_is_given_the_environment_it_does_not_name() {
    let (rig, _intake) = after(&[group(&[("A", None)])]).await;
    assert_eq!(rig.history().await[0].alerts[0].labels["environment"], "dev");
    assert!(rig.history().await[0].title.contains("[DEV]"));
}

#[tokio::test]
async fn a_heartbeat_goes_nowhere_else() {
    let (rig, _intake) = after(&[group(&[("Watchdog", None)])]).await;
    assert!(rig.history().await.is_empty());
    let heartbeat = "suppressed_total{channel=\"\",reason=\"heartbeat\"}";
    assert!((rig.metric(heartbeat) - 1.0).abs() < f64::EPSILON);
    assert!(rig.store.last_beat("prometheus").await.unwrap().is_some());
}

#[tokio::test]
async fn a_repeat_is_due_from_nine_tenths_of_its_interval_after_the_last_message() {
    let copy = group(&[("A", None)]);
    let (rig, intake) = after(std::slice::from_ref(&copy)).await;
    rig.clock.advance(Duration::from_secs(53 * 60));
    intake.accept(copy.clone()).await.unwrap();
    assert_eq!(rig.history().await.len(), 1);
    let repeat = "suppressed_total{channel=\"console\",reason=\"repeat\"}";
    assert!((rig.metric(repeat) - 1.0).abs() < f64::EPSILON);
    rig.clock.advance(Duration::from_secs(60));
    intake.accept(copy.clone()).await.unwrap();
    assert_eq!(rig.history().await.len(), 2);
    rig.clock.advance(Duration::from_secs(60));
    intake.accept(copy).await.unwrap();
    assert_eq!(rig.history().await.len(), 2);
}

#[tokio::test]
async fn a_return_with_its_old_start_is_held_and_told_as_unconfirmed_when_nothing_refutes_it() {
    let (rig, intake) = heard(&[group(&[("A", None)]), group(&[("A", Some(5))])]).await;
    intake.accept(group(&[("A", None)])).await.unwrap();
    assert_eq!(rig.history().await.len(), 2);
    rig.clock.advance(Duration::from_secs(16 * 60));
    let history = rig.until(|history| history.len() == 3).await;
    assert!(history[2].unconfirmed);
    assert_eq!(history[2].kind, "new");
}

/// Lets `minutes` pass, a minute at a time, and everything that is due be looked at.
async fn pass(rig: &Rig, minutes: u64) {
    for _ in 0..minutes {
        rig.clock.advance(Duration::from_secs(60));
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while rig.store.has_due_occurrences(rig.clock.now()).await.unwrap() {
            assert!(std::time::Instant::now() < deadline, "something stays due");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_held_copy_is_told_once_and_leaves_nothing_behind() {
    let (rig, intake) = heard(&[group(&[("A", None)]), group(&[("A", Some(5))])]).await;
    intake.accept(group(&[("A", None)])).await.unwrap();
    pass(&rig, 16).await;
    assert_eq!(rig.history().await.len(), 3);
    rig.deliver().await;
    pass(&rig, 100).await;
    assert_eq!(rig.history().await.len(), 3, "nobody spoke of it, so nothing repeats it");
    intake.accept(from_source("am", &[("A", 0, Some(7000))])).await.unwrap();
    assert_eq!(told(&rig.history().await)[3], "console resolved pending");
    pass(&rig, 100).await;
    assert_eq!(rig.history().await.len(), 4, "it is over");
}

#[tokio::test]
async fn a_held_copy_is_given_up_when_a_newer_occurrence_opens() {
    let (rig, intake) = heard(&[group(&[("A", None)]), group(&[("A", Some(5))])]).await;
    accept_all(&intake, &[group(&[("A", None)]), from_source("am", &[("A", 9, None)])]).await.unwrap();
    let before = rig.history().await.len();
    rig.deliver().await;
    pass(&rig, 100).await;
    let history = rig.history().await;
    let alert = history[before - 1].alerts.last().unwrap();
    assert_eq!(alert.starts_at.as_second(), crate::testing::START + 9);
    intake.accept(from_source("am", &[("A", 9, Some(6000))])).await.unwrap();
    pass(&rig, 100).await;
    assert_eq!(rig.history().await.len(), before + 1, "no copy comes back");
}

#[tokio::test]
async fn a_return_that_is_over_before_its_time_is_never_told() {
    let (rig, intake) = heard(&[group(&[("A", None)]), group(&[("A", Some(5))])]).await;
    accept_all(&intake, &[group(&[("A", None)]), group(&[("A", Some(3600))])]).await.unwrap();
    rig.clock.advance(Duration::from_secs(16 * 60));
    assert!(!rig.store.has_due_occurrences(rig.clock.now()).await.unwrap());
    assert_eq!(rig.history().await.len(), 2);
}

#[tokio::test]
async fn an_old_end_told_again_refutes_no_return() {
    let (rig, intake) = heard(&[group(&[("A", None)]), group(&[("A", Some(5))])]).await;
    accept_all(&intake, &[group(&[("A", None)]), group(&[("A", Some(5))])]).await.unwrap();
    rig.clock.advance(Duration::from_secs(16 * 60));
    let history = rig.until(|history| history.len() == 3).await;
    assert!(history[2].unconfirmed);
    let reasons: Vec<String> = untold(&rig).await.into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(reasons, ["duplicate"], "of the end; the copy was told after all");
}

#[tokio::test]
async fn what_nobody_speaks_of_goes_stale_without_a_message() {
    let (rig, _intake) = after(&[group(&[("A", None)])]).await;
    rig.clock.advance(Duration::from_secs(9 * 3600));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while rig.store.has_due_occurrences(rig.clock.now()).await.unwrap() {
        assert!(std::time::Instant::now() < deadline, "it never went stale");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(rig.history().await.len(), 1);
}

#[tokio::test]
async fn replicas_that_differ_in_ignored_labels_are_one_alert_that_ends_with_the_last() {
    let of = |replica: &str, end: Option<i64>| {
        let mut webhook = group(&[("A", end)]);
        webhook.snapshot.alerts[0].labels.insert("replica".to_owned(), replica.to_owned());
        webhook
    };
    let (rig, intake) = heard(&[of("1", None), of("2", None), of("1", Some(5))]).await;
    assert_eq!(told(&rig.history().await), ["console new delivered"]);
    intake.accept(of("2", Some(6))).await.unwrap();
    assert_eq!(told(&rig.history().await), ["console new delivered", "console resolved pending"]);
}

async fn untold(rig: &Rig) -> Vec<(String, i64)> {
    let rows: Vec<sqlx::any::AnyRow> =
        sqlx::query("select reason, times from suppressions order by channel, reason")
            .fetch_all(rig.store.readers())
            .await
            .unwrap();
    rows.iter().map(|row| (sqlx::Row::get(row, "reason"), sqlx::Row::get(row, "times"))).collect()
}

#[tokio::test]
async fn what_was_only_heard_is_written_before_the_program_ends() {
    let rig = Rig::new(CONFIG).await;
    rig.tasks.shutdown().trigger();
    let intake = rig.running_intake();
    let copy = group(&[("A", None)]);
    accept_all(&intake, &[copy.clone(), copy.clone()]).await.unwrap();
    rig.clock.advance(Duration::from_secs(60));
    accept_all(&intake, &[copy]).await.unwrap();
    assert_eq!(untold(&rig).await, []);
    drop(intake);
    rig.tasks.drain(Duration::from_secs(20)).await.unwrap();
    assert_eq!(untold(&rig).await, [("duplicate".to_owned(), 2)]);
    let seen: i64 =
        sqlx::query_scalar("select seen_at from occurrences").fetch_one(rig.store.readers()).await.unwrap();
    assert_eq!(seen, rig.clock.now().as_microsecond());
}

#[tokio::test]
async fn what_was_heard_of_many_alerts_is_written_slice_by_slice() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let names: Vec<String> = (0..1_300).map(|number| format!("A{number}")).collect();
    let alerts: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
    accept_all(&intake, &[group(&alerts), group(&alerts), group(&alerts)]).await.unwrap();
    let count = "select coalesce(sum(times), 0) from suppressions where reason = 'duplicate'";
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let times: i64 = sqlx::query_scalar(count).fetch_one(rig.store.readers()).await.unwrap();
        if times == 2 * 1_300 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{times} are written");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_alarm_about_a_heartbeat_that_is_held_goes_to_those_of_the_heartbeat() {
    let rig =
        Rig::new(&CONFIG.replace("grace: 10s, channels: [console]", "grace: 10s, channels: [quiet]")).await;
    let intake = rig.running_intake();
    let alarm = |end: Option<i64>| {
        let mut webhook = group(&[("HeartbeatMissing", end)]);
        webhook.source = crate::store::HEARTBEAT_SOURCE.to_owned();
        webhook.channels = Some(vec!["quiet".to_owned()]);
        let labels = &mut webhook.snapshot.alerts[0].labels;
        labels.insert("heartbeat".to_owned(), "prometheus".to_owned());
        webhook
    };
    accept_all(&intake, &[alarm(None), alarm(Some(5)), alarm(None)]).await.unwrap();
    rig.clock.advance(Duration::from_secs(16 * 60));
    let history = rig.until(|history| history.len() == 2).await;
    assert!(history.iter().all(|entry| entry.channel == "quiet"), "{:?}", told(&history));
}
