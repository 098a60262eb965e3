use std::collections::BTreeMap;
use std::time::Duration;

use modelwatch_common::backoff::Backoff;
use modelwatch_common::time::{Clock, SystemClock};
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::outcome::{Outcome, Reason};

use super::*;
use crate::history::Entry;
use crate::notify::{BoxFuture, Parcel, Rendered};
use crate::testing::{Rig, Scripted, group};

mod receivers;

const CONFIG: &str = "
delivery: {retry: {initial: 20ms, max: 100ms, jitter: 0}, give_up_after: 1h, workers: 2}
routes:
  - {match: ['alertname=~\"A.*\"'], channels: [a], continue: true}
  - {match: ['alertname=~\"A?B.*\"'], channels: [b]}
channels:
  - {name: a, type: log}
  - {name: b, type: log}
";

fn busy(retry_after: Option<Duration>) -> Outcome {
    Outcome::Retryable {
        reason: Reason::RateLimited,
        retry_after,
        ambiguous: false,
        detail: "busy".to_owned(),
    }
}

fn lost() -> Outcome {
    Outcome::Retryable {
        reason: Reason::Timeout,
        retry_after: None,
        ambiguous: true,
        detail: "lost".to_owned(),
    }
}

fn plan(rig: &Rig, destinations: [(&str, &Arc<Scripted>, Option<Rate>); 2]) -> Plan {
    let destinations = destinations.into_iter().map(|(name, scripted, rate)| {
        let notifier: Arc<dyn Notifier> = Arc::clone(scripted) as Arc<dyn Notifier>;
        (name.to_owned(), Destination { notifier, rate, fallback: None })
    });
    Plan {
        destinations: BTreeMap::from_iter(destinations),
        settings: rig.config.delivery,
        wording: rig.config.wording(),
    }
}

fn start(rig: &Rig, plan: Plan) -> Delivery {
    // retries are timed by the wall clock, so the held one is of no use here
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let means = Means {
        store: rig.store.clone(),
        clock,
        metrics: Arc::clone(&rig.metrics),
        tasks: rig.tasks.clone(),
        bell: rig.bell.clone(),
    };
    Delivery::start(means, plan)
}

/// One in which what is accepted is accepted now.
async fn rig() -> Rig {
    let rig = Rig::new(CONFIG).await;
    let now = jiff::Timestamp::now().as_second() - crate::testing::START;
    rig.clock.advance(Duration::from_secs(u64::try_from(now).unwrap()));
    rig
}

#[tokio::test]
async fn a_notification_is_tried_until_it_is_delivered_and_every_attempt_is_remembered() {
    let rig = rig().await;
    let a = Arc::new(Scripted::answering([busy(None), lost()]));
    let _delivery = start(&rig, plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]));
    rig.running_intake().accept(group(&[("A", None)])).await.unwrap();
    let history = rig.until(|history| history.iter().all(|entry| entry.status == "delivered")).await;
    let attempts: Vec<_> = history[0].attempts.iter().map(|a| (a.result.as_deref(), a.ambiguous)).collect();
    assert_eq!(attempts, [(Some("retryable"), false), (Some("retryable"), true), (Some("delivered"), false)]);
    assert_eq!(history[0].content.as_deref(), Some("[FIRING:1] A"));
    for (reason, times) in [("rate_limited", 1.0), ("timeout", 1.0), ("", 1.0)] {
        let series = format!("delivery_attempts_total{{channel=\"a\",reason=\"{reason}\"}}");
        assert!((rig.metric(&series) - times).abs() < f64::EPSILON, "{reason}");
    }
}

/// A channel with a fault of its own: it panics while it renders, then while it sends, and then works.
#[derive(Default)]
struct Faulty(std::sync::atomic::AtomicU32);

impl Faulty {
    fn panic_at(&self, call: u32) {
        let calls = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        assert!(calls != call, "a fault of the channel");
    }
}

impl Notifier for Faulty {
    fn render(&self, message: &Message) -> Rendered {
        self.panic_at(0);
        Rendered { content: message.title(), problem: None }
    }

    fn send<'a>(&'a self, _parcel: Parcel<'a>) -> BoxFuture<'a, Outcome> {
        self.panic_at(2);
        Box::pin(std::future::ready(Outcome::Delivered { detail: "yes".to_owned() }))
    }
}

#[tokio::test]
async fn a_channel_that_panics_has_failed_and_is_tried_again() {
    let rig = rig().await;
    let mut faulty = plan(&rig, [("a", &Arc::default(), None), ("b", &Arc::default(), None)]);
    faulty.destinations.get_mut("a").unwrap().notifier = Arc::new(Faulty::default());
    let _delivery = start(&rig, faulty);
    rig.running_intake().accept(group(&[("A", None)])).await.unwrap();
    let history = rig.until(|history| history.iter().all(|entry| entry.status == "delivered")).await;
    let attempts: Vec<_> = history[0].attempts.iter().map(|a| (a.reason.as_deref(), a.ambiguous)).collect();
    assert_eq!(attempts, [(Some("template"), false), (Some("protocol"), true), (None, false)]);
}

#[tokio::test]
async fn a_stuck_destination_delays_no_other() {
    let rig = rig().await;
    let stuck = Arc::new(Scripted::stuck());
    let b = Arc::new(Scripted::default());
    let _delivery = start(&rig, plan(&rig, [("a", &stuck, None), ("b", &b, None)]));
    rig.running_intake().accept(group(&[("AB", None)])).await.unwrap();
    rig.until(|history| history.iter().any(|e| e.channel == "b" && e.status == "delivered")).await;
    assert_eq!(stuck.sent().len(), 1);
}

#[tokio::test]
async fn a_destination_that_asks_for_a_pause_gets_one_for_everything() {
    let rig = rig().await;
    let a = Arc::new(Scripted::answering([busy(Some(Duration::from_millis(400)))]));
    let _delivery = start(&rig, plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]));
    let intake = rig.running_intake();
    intake.accept(group(&[("A1", None)])).await.unwrap();
    rig.until(|history| history[0].attempts.iter().any(|attempt| attempt.result.is_some())).await;
    let mut other = group(&[("A2", None)]);
    other.snapshot.group_key = "another".to_owned();
    intake.accept(other).await.unwrap();
    rig.until(|history| history.iter().all(|entry| entry.status == "delivered")).await;
    let sent = a.sent();
    assert_eq!(sent.len(), 3);
    assert!(sent[1].0 - sent[0].0 >= Duration::from_millis(390), "{sent:?}");
}

#[tokio::test]
async fn a_rate_spreads_what_is_sent() {
    let rig = rig().await;
    let a = Arc::new(Scripted::default());
    let _delivery = start(&rig, plan(&rig, [("a", &a, "10/s".parse().ok()), ("b", &Arc::default(), None)]));
    let began = tokio::time::Instant::now();
    let intake = rig.running_intake();
    for i in 0..4 {
        let mut webhook = group(&[("A", None)]);
        webhook.snapshot.group_key = format!("g{i}");
        webhook.snapshot.alerts[0].labels.insert("i".to_owned(), i.to_string());
        intake.accept(webhook).await.unwrap();
    }
    rig.until(|history| history.len() == 4 && history.iter().all(|entry| entry.status == "delivered")).await;
    // the way of one may take longer than that of the next, but none begins before its turn
    for (turn, (sent, title)) in (0..).zip(a.sent()) {
        assert!(sent.duration_since(began) >= turn * Duration::from_millis(100), "{turn}: {title}");
    }
}

#[tokio::test]
async fn what_can_never_be_delivered_is_a_dead_letter_at_once() {
    let rig = rig().await;
    let never = Outcome::Permanent { reason: Reason::NotFound, detail: "no such channel".to_owned() };
    let a = Arc::new(Scripted::answering([never]));
    let _delivery = start(&rig, plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]));
    rig.running_intake().accept(group(&[("A", None)])).await.unwrap();
    let history = rig.until(|history| history.iter().any(|entry| entry.status == "dead")).await;
    assert_eq!(history[0].attempts[0].reason.as_deref(), Some("not_found"));
    let counted = |_: &[Entry]| rig.metric("notifications_total{channel=\"a\",result=\"dead\"}") > 0.0;
    rig.until(counted).await;
}

#[tokio::test]
async fn the_end_of_what_nobody_heard_begin_is_not_told() {
    let rig = rig().await;
    let never = Outcome::Permanent { reason: Reason::NotFound, detail: "no such channel".to_owned() };
    let a = Arc::new(Scripted::answering([never]));
    let _delivery = start(&rig, plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]));
    let intake = rig.running_intake();
    intake.accept(group(&[("A", None)])).await.unwrap();
    rig.until(|history| history.iter().any(|entry| entry.status == "dead")).await;
    intake.accept(group(&[("A", Some(5))])).await.unwrap();
    assert_eq!(rig.history().await.len(), 1);
    let never_told = "suppressed_total{channel=\"a\",reason=\"never_told\"}";
    assert!((rig.metric(never_told) - 1.0).abs() < f64::EPSILON);
    intake.accept(group(&[("A", Some(5))])).await.unwrap();
    assert!((rig.metric(never_told) - 1.0).abs() < f64::EPSILON, "that is settled once");
}

#[tokio::test]
async fn a_group_that_changed_meanwhile_is_told_once_in_its_newest_state() {
    let rig = rig().await;
    let a = Arc::new(Scripted::answering([busy(None)]));
    let mut plan = plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]);
    let never = Duration::from_secs(600);
    plan.settings.backoff = Backoff { initial: never, max: never, jitter: 0.0 };
    let _delivery = start(&rig, plan);
    let intake = rig.running_intake();
    intake.accept(group(&[("A", None)])).await.unwrap();
    rig.until(|history| history[0].attempts.iter().any(|attempt| attempt.result.is_some())).await;
    intake.accept(group(&[("A", None), ("AX", None)])).await.unwrap();
    let history = rig.until(|history| history.iter().any(|entry| entry.status == "delivered")).await;
    assert_eq!(history[0].suppressed.as_deref(), Some("superseded"));
    let titles: Vec<String> = a.sent().into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles, ["[FIRING:1] A", "[FIRING:2] A, AX"]);
}

#[tokio::test]
async fn the_end_of_what_was_only_tried_in_vain_is_not_told_and_what_was_perhaps_heard_is() {
    let rig = rig().await;
    let a = Arc::new(Scripted::answering([busy(None), lost()]));
    let mut plan = plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]);
    let never = Duration::from_secs(600);
    plan.settings.backoff = Backoff { initial: never, max: never, jitter: 0.0 };
    let _delivery = start(&rig, plan);
    let intake = rig.running_intake();
    let mut titles = vec![];
    for (name, end) in [("A1", None), ("A2", Some("[RESOLVED:1] A2"))] {
        intake.accept(group(&[(name, None)])).await.unwrap();
        let tried = |entry: &Entry| entry.attempts.iter().any(|attempt| attempt.result.is_some());
        rig.until(|history| history.iter().all(tried)).await;
        intake.accept(group(&[(name, Some(5))])).await.unwrap();
        rig.until(|history| history.iter().all(|entry| entry.status != "pending")).await;
        titles.push(format!("[FIRING:1] {name}"));
        titles.extend(end.map(str::to_owned));
    }
    let sent: Vec<String> = a.sent().into_iter().map(|(_, title)| title).collect();
    assert_eq!(sent, titles);
    let whys: Vec<_> = rig.history().await.iter().map(|entry| entry.suppressed.clone()).collect();
    assert_eq!(whys, [Some("never_told".to_owned()), Some("superseded".to_owned()), None]);
}

#[tokio::test]
async fn an_alert_that_ends_while_an_attempt_is_under_way_that_then_fails_is_never_told() {
    let rig = rig().await;
    let a = Arc::new(Scripted::stuck_then([busy(None)]));
    let _delivery = start(&rig, plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]));
    let intake = rig.running_intake();
    intake.accept(group(&[("A", None), ("AX", None)])).await.unwrap();
    rig.until(|_| a.sent().len() == 1).await;
    intake.accept(group(&[("A", Some(5)), ("AX", None)])).await.unwrap();
    a.answer();
    rig.until(|_| a.sent().len() == 2).await;
    a.answer();
    rig.until(|history| history.iter().all(|entry| entry.status != "pending")).await;
    let sent: Vec<String> = a.sent().into_iter().map(|(_, title)| title).collect();
    assert_eq!(sent, ["[FIRING:2] A, AX", "[FIRING:1] AX"]);
    let never_told = "suppressed_total{channel=\"a\",reason=\"never_told\"}";
    assert!((rig.metric(never_told) - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn what_waits_for_a_destination_that_is_gone_is_sent_when_it_returns() {
    let rig = rig().await;
    let (a, b) = (Arc::new(Scripted::default()), Arc::new(Scripted::default()));
    let mut without = plan(&rig, [("a", &a, None), ("b", &b, None)]);
    without.destinations.remove("a");
    let delivery = start(&rig, without);
    rig.running_intake().accept(group(&[("AB", None)])).await.unwrap();
    rig.until(|history| history.iter().any(|e| e.channel == "b" && e.status == "delivered")).await;
    assert!(a.sent().is_empty());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !shows_backlog_of(&rig, "a") {
        assert!(std::time::Instant::now() < deadline, "what waits for nobody was never shown");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    delivery.replan(plan(&rig, [("a", &a, None), ("b", &b, None)]));
    rig.until(|history| history.iter().all(|entry| entry.status == "delivered")).await;
    assert_eq!(a.sent().len(), 1);
    let mut without = plan(&rig, [("a", &a, None), ("b", &b, None)]);
    without.destinations.remove("a");
    delivery.replan(without);
    while shows_backlog_of(&rig, "a") {
        assert!(std::time::Instant::now() < deadline, "what is gone is still shown");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_waits_for_too_long_for_a_destination_that_is_gone_is_a_counted_dead_letter() {
    let rig = rig().await;
    let mut without = plan(&rig, [("a", &Arc::default(), None), ("b", &Arc::default(), None)]);
    without.destinations.remove("a");
    without.settings.give_up_after = Duration::ZERO;
    let _delivery = start(&rig, without);
    rig.running_intake().accept(group(&[("A", None)])).await.unwrap();
    let history = rig.until(|history| history.iter().any(|entry| entry.status == "dead")).await;
    assert_eq!((history[0].channel.as_str(), history[0].why()), ("a", Some("not_found")));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let series = "modelwatch_receiver_notifications_total{channel=\"a\",result=\"dead\"} 1";
    while !metrics(&rig).contains(series) {
        assert!(std::time::Instant::now() < deadline, "it was never counted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn metrics(rig: &Rig) -> String {
    String::from_utf8(modelwatch_common::metrics::text(&rig.registry).unwrap()).unwrap()
}

fn shows_backlog_of(rig: &Rig, channel: &str) -> bool {
    let series = format!("modelwatch_receiver_oldest_pending_seconds{{channel=\"{channel}\"}}");
    metrics(rig).contains(&series)
}

#[tokio::test]
async fn a_shutdown_leaves_the_rest_in_the_outbox() {
    let rig = rig().await;
    let a = Arc::new(Scripted::stuck());
    let mut one_at_a_time = plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]);
    one_at_a_time.settings.workers = 1;
    let delivery = start(&rig, one_at_a_time);
    let intake = rig.running_intake();
    for i in 0..2 {
        let mut webhook = group(&[("A", None)]);
        webhook.snapshot.group_key = format!("g{i}");
        webhook.snapshot.alerts[0].labels.insert("i".to_owned(), i.to_string());
        intake.accept(webhook).await.unwrap();
    }
    rig.until(|history| history.iter().any(|entry| !entry.attempts.is_empty())).await;
    drop(intake);
    drop(delivery);
    let shutdown = rig.tasks.shutdown();
    let answer = async {
        shutdown.cancelled().await;
        a.answer();
    };
    let (drained, ()) = tokio::join!(rig.tasks.drain(Duration::from_secs(5)), answer);
    drained.unwrap();
    let mut status: Vec<String> = rig.history().await.into_iter().map(|entry| entry.status).collect();
    status.sort();
    assert_eq!(status, ["delivered", "pending"]);
    assert_eq!(a.sent().len(), 1);
}

#[tokio::test]
async fn news_that_waits_for_too_long_is_a_dead_letter_whatever_took_its_place() {
    let rig = rig().await;
    let intake = rig.running_intake();
    intake.accept(group(&[("A", None)])).await.unwrap();
    rig.store.turn_clock(Duration::from_secs(3700));
    intake.accept(group(&[("A", None), ("AX", None)])).await.unwrap();
    let a = Arc::new(Scripted::answering([busy(None)]));
    let _delivery = start(&rig, plan(&rig, [("a", &a, None), ("b", &Arc::default(), None)]));
    let history = rig.until(|history| history.iter().all(|entry| entry.status != "pending")).await;
    let status: Vec<&str> = history.iter().map(|entry| entry.status.as_str()).collect();
    assert_eq!(status, ["suppressed", "dead"]);
}
