use std::time::Duration;

use axum::body::to_bytes;
use modelwatch_common::time::Clock;
use tower::ServiceExt as _;

use modelwatch_receiver_core::outcome::Outcome;
use modelwatch_receiver_core::retry::Next;

use super::*;
use crate::store::{Beginning, Claim, Ending, Outlet};
use crate::testing::Rig;

const CONFIG: &str = "
environment: dev
dedupe: {repeat_interval: 1h, reorder_window: 15m, stale_after: 8h}
routes:
  - {match: [severity=critical], channels: [pager], continue: true}
  - {match: ['severity!=none'], channels: [console, pager]}
channels: [{name: console, type: log}, {name: pager, type: log, send_resolved: false}]
heartbeats: [{name: prometheus, match: [alertname=Watchdog], every: 1m, channels: [pager]}]
";

async fn ask(rig: &Rig, intake: &Intake, body: &str) -> (u16, serde_json::Value) {
    let clock: Arc<dyn Clock> = Arc::clone(&rig.clock) as Arc<dyn Clock>;
    let drills = Drills { intake: intake.clone(), terms: rig.terms(), clock };
    let request = axum::http::Request::post(PATH).body(Body::from(body.to_owned())).unwrap();
    let response = routes(drills).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&to_bytes(response.into_body(), 100_000).await.unwrap()).unwrap())
}

fn channels(answer: &serde_json::Value) -> Vec<&str> {
    let told = answer["notifications"].as_array().unwrap();
    told.iter().map(|told| told["channel"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_routes_decide_who_is_told_and_are_named() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let (status, answer) = ask(&rig, &intake, r#"{"labels":{"severity":"critical"}}"#).await;
    assert_eq!((status, channels(&answer)), (200, vec!["pager", "console"]));
    assert_eq!(answer["routes"], serde_json::json!([0, 1]));
    assert_eq!(answer["labels"]["environment"], "dev");
    let history = rig.history().await;
    assert!(history.iter().all(|entry| entry.kind == "test" && entry.status == "pending"), "{history:#?}");
    assert_eq!(history[0].title, "[TEST][DEV] ModelwatchTest");
}

#[tokio::test]
async fn a_test_is_no_copy_of_another_and_nothing_follows_it() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    rig.metrics.touch_channel("pager");
    for _ in 0..3 {
        assert_eq!(channels(&ask(&rig, &intake, r#"{"channel":"pager"}"#).await.1), ["pager"]);
    }
    rig.clock.advance(Duration::from_secs(100 * 3600));
    assert!(!rig.store.has_due_occurrences(rig.clock.now()).await.unwrap(), "it goes stale never");
    let states: Vec<String> =
        sqlx::query_scalar("select state from occurrences").fetch_all(rig.store.readers()).await.unwrap();
    assert_eq!(states, ["test", "test", "test"]);
    assert_eq!(rig.history().await.len(), 3);
    for reason in ["duplicate", "superseded", "repeat"] {
        let series = format!("suppressed_total{{channel=\"pager\",reason=\"{reason}\"}}");
        assert!(rig.metric(&series).abs() < f64::EPSILON, "{reason}");
    }
    assert!(rig.metric("alerts_received_total{status=\"firing\"}").abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_test_is_forgotten_with_its_notification() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    ask(&rig, &intake, r#"{"channel":"pager"}"#).await;
    let now = rig.clock.now();
    let outlet = Outlet { channel: "pager", rate: None, has_recipients: false, keeps_posts: false };
    let Claim::Ours(ours) = rig.store.claim(outlet, &rig.config.wording(), now).await.unwrap() else {
        panic!("it is due at once")
    };
    let beginning = Beginning { id: "attempt", content: "", problem: None, at: now };
    assert!(rig.store.begin_attempt(&ours, beginning).await.unwrap());
    let outcome = &Outcome::Delivered { detail: "yes".to_owned() };
    rig.store
        .end_attempt(beginning.id, &ours, Ending { outcome, next: Next::Done, at: now, fallback: None })
        .await
        .unwrap();
    rig.clock.advance(Duration::from_secs(1));
    while rig.store.prune(rig.clock.now()).await.unwrap() {}
    for table in ["notifications", "mentions", "transitions", "occurrences"] {
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(rig.store.readers())
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn a_dead_mans_switch_is_not_fed_by_a_test() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let (status, answer) = ask(&rig, &intake, r#"{"labels":{"alertname":"Watchdog"}}"#).await;
    assert_eq!((status, channels(&answer)), (200, vec![]));
    assert_eq!(answer["heartbeat"], "prometheus");
    assert_eq!(rig.store.last_beat("prometheus").await.unwrap(), None);
    let (_, nobody) = ask(&rig, &intake, r#"{"labels":{"severity":"none"}}"#).await;
    assert_eq!((channels(&nobody), nobody["heartbeat"].is_null()), (vec![], true));
}
