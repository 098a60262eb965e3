use modelwatch_common::shutdown::Tasks;
use modelwatch_receiver_core::alert::{Change, Status};

use super::*;
use crate::testing::{Rig, group};

const CONFIG: &str = "
routes: [{channels: [console]}]
channels: [{name: console, type: log}, {name: pager, type: log}]
heartbeats: [{name: prometheus, match: [alertname=Watchdog], every: 50s, grace: 10s, channels: [pager]}]
";

const PATIENCE: Duration = Duration::from_secs(60);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

#[test]
fn a_switch_is_missing_only_after_patience_counted_from_the_later_of_its_last_beat_and_our_start() {
    let beating = Pulse::Beating { last: at(0) };
    assert_eq!(pulse(Some(at(0)), at(-500), PATIENCE, at(60)), beating);
    assert_eq!(pulse(Some(at(0)), at(-500), PATIENCE, at(61)), Pulse::Missing { since: at(60) });
    assert_eq!(pulse(Some(at(0)), at(100), PATIENCE, at(150)), Pulse::Waiting);
    assert_eq!(pulse(Some(at(0)), at(100), PATIENCE, at(161)), Pulse::Missing { since: at(160) });
    assert_eq!(pulse(None, at(0), PATIENCE, at(60)), Pulse::Waiting);
    assert_eq!(pulse(None, at(0), PATIENCE, at(61)), Pulse::Missing { since: at(60) });
}

#[tokio::test]
async fn a_missing_heartbeat_is_told_once_and_its_return_too_also_after_a_restart() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let before = Tasks::new();
    before.spawn("heartbeats", watch(&rig, &intake).run(before.shutdown()));
    until_looked_after(&rig).await;
    rig.clock.advance(Duration::from_secs(61));
    let history = rig.until(|history| history.len() == 1).await;
    assert_eq!((history[0].channel.as_str(), history[0].kind.as_str()), ("pager", "heartbeat"));
    rig.deliver().await;
    before.drain(Duration::from_secs(5)).await.unwrap();
    // the watch of the next process finds the alarm open
    rig.tasks.spawn("heartbeats", watch(&rig, &intake).run(rig.tasks.shutdown()));
    intake.accept(group(&[("Watchdog", None)])).await.unwrap();
    let history = rig.until(|history| history.len() == 2).await;
    let alert = &history[1].alerts[0];
    assert_eq!((alert.status, alert.starts_at), (Status::Resolved, at(60)));
    assert_eq!(alert.annotations["summary"], "the heartbeat prometheus is back");
    let said = alert.annotations.values().cloned().collect::<String>();
    assert!(said.contains("missing since 2023-11-14T22:14:20Z") && !said.contains("stays away"), "{said}");
    assert!((rig.metric("heartbeat_up{name=\"prometheus\"}") - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn every_outage_is_told_however_many_there_are() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    rig.tasks.spawn("heartbeats", watch(&rig, &intake).run(rig.tasks.shutdown()));
    until_looked_after(&rig).await;
    for outage in 0..5 {
        rig.clock.advance(Duration::from_secs(61));
        rig.until(|history| history.len() == 2 * outage + 1).await;
        rig.deliver().await;
        intake.accept(group(&[("Watchdog", None)])).await.unwrap();
        let history = rig.until(|history| history.len() == 2 * outage + 2).await;
        rig.deliver().await;
        assert_eq!(history[2 * outage].alerts[0].change, Change::New, "outage {outage}");
    }
}

#[tokio::test]
async fn an_outage_that_lasts_is_told_again_however_short_the_times_are() {
    let rig = Rig::new(&format!("{CONFIG}dedupe: {{repeat_interval: 20s, stale_after: 30s}}")).await;
    let intake = rig.running_intake();
    rig.tasks.spawn("heartbeats", watch(&rig, &intake).run(rig.tasks.shutdown()));
    until_looked_after(&rig).await;
    rig.clock.advance(Duration::from_secs(61));
    for told in 1..4 {
        let history = rig.until(|history| history.len() == told).await;
        assert_eq!(history[told - 1].alerts[0].status, Status::Firing);
        rig.deliver().await;
        rig.clock.advance(Duration::from_secs(20));
    }
}

fn is_up(rig: &Rig) -> bool {
    rig.metric("heartbeat_up{name=\"prometheus\"}") > 0.5
}

#[tokio::test]
async fn a_switch_is_up_until_it_is_missing_and_down_after_a_restart_until_it_is_heard_of() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let before = Tasks::new();
    before.spawn("heartbeats", watch(&rig, &intake).run(before.shutdown()));
    until_looked_after(&rig).await;
    assert!(is_up(&rig), "it may still come");
    rig.clock.advance(Duration::from_secs(61));
    rig.until(|history| history.len() == 1).await;
    assert!(!is_up(&rig));
    before.drain(Duration::from_secs(5)).await.unwrap();
    // what the next process shows before it looks, and when it does
    rig.metrics.heartbeat("prometheus", true);
    let next = watch(&rig, &intake);
    next.recall().await;
    assert!(!is_up(&rig));
    let open = rig.store.open_alarm("prometheus").await.unwrap();
    assert!(!Pulse::Waiting.is_up(open.is_some()) && Pulse::Waiting.is_up(false));
}

#[tokio::test]
async fn a_beat_from_before_the_clock_went_back_hides_nothing() {
    let rig = Rig::new(CONFIG).await;
    let mut transaction = rig.store.begin().await.unwrap();
    transaction.note_heartbeat("prometheus", at(3600)).await.unwrap();
    transaction.commit().await.unwrap();
    let intake = rig.running_intake();
    rig.tasks.spawn("heartbeats", watch(&rig, &intake).run(rig.tasks.shutdown()));
    until_looked_after(&rig).await;
    rig.clock.advance(Duration::from_secs(61));
    rig.until(|history| history.len() == 1).await;
}

#[tokio::test]
async fn a_heartbeat_that_a_reload_added_is_given_its_patience_from_the_reload() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let (with, terms) = (rig.terms().load_full(), rig.terms());
    let without = CONFIG.split("heartbeats").next().unwrap();
    let policy = crate::testing::load(tempfile::tempdir().unwrap().path(), without).unwrap().policy;
    terms.store(Arc::new(Terms { policy, wording: rig.config.wording() }));
    let watch = Watch { terms: Arc::clone(&terms), ..watch(&rig, &intake) };
    rig.tasks.spawn("heartbeats", watch.run(rig.tasks.shutdown()));
    tokio::task::yield_now().await;
    rig.clock.advance(Duration::from_secs(3600));
    terms.store(with);
    until_looked_after(&rig).await;
    rig.clock.advance(Duration::from_secs(61));
    let history = rig.until(|history| history.len() == 1).await;
    assert_eq!(history[0].alerts[0].starts_at, at(3660));
}

async fn until_looked_after(rig: &Rig) {
    let shown = || rig.registry.gather().into_iter().any(|family| family.name().ends_with("heartbeat_up"));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !shown() {
        assert!(std::time::Instant::now() < deadline, "the heartbeat was never looked after");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn watch(rig: &Rig, intake: &Intake) -> Watch {
    Watch {
        store: rig.store.clone(),
        intake: intake.clone(),
        terms: rig.terms(),
        clock: Arc::clone(&rig.clock) as Arc<dyn Clock>,
        metrics: Arc::clone(&rig.metrics),
    }
}

#[test]
fn an_open_alarm_is_reported_again_but_not_at_every_look() {
    let open = Some(OpenAlarm { since: at(-60), reported_at: at(0) });
    assert!(is_due(None, REPORT_AGAIN, at(0)));
    assert!(!is_due(open, REPORT_AGAIN, at(10)));
    assert!(is_due(open, REPORT_AGAIN, at(300)));
}

#[tokio::test]
async fn silence_while_nothing_could_be_stored_is_not_held_against_anybody() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let (watch, mut listening) = (watch(&rig, &intake), Listening::default());
    watch.look(&mut listening).await;
    rig.clock.advance(Duration::from_secs(40));
    intake.note_refusal();
    watch.look(&mut listening).await;
    rig.clock.advance(Duration::from_secs(59));
    watch.look(&mut listening).await;
    assert_eq!(rig.history().await.len(), 0, "it is given its patience anew");
    rig.clock.advance(Duration::from_secs(2));
    watch.look(&mut listening).await;
    let history = rig.history().await;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].alerts[0].starts_at, at(100));
}
