use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::to_bytes;
use modelwatch_common::time::SystemClock;
use modelwatch_receiver_core::outcome::{self, Reason};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::delivery::{Destination, Means, Plan};
use crate::notify::Notifier;
use crate::store::Fallback;
use crate::testing::{Rig, Scripted, group};

const CONFIG: &str = "
routes: [{channels: [a]}]
channels: [{name: a, type: log, fallback: b}, {name: b, type: log}]
";

fn never() -> outcome::Outcome {
    outcome::Outcome::Permanent { reason: Reason::Auth, detail: "403 invalid_token".to_owned() }
}

/// A receiver whose channel `a` refuses so many messages for good, and may have a fallback.
struct Stage {
    rig: Rig,
    replays: Replays,
    a: Arc<Scripted>,
    b: Arc<Scripted>,
}

impl Stage {
    async fn refusing(times: usize, fallback: Option<Fallback>) -> Stage {
        let rig = Rig::new(CONFIG).await;
        let now = jiff::Timestamp::now().as_second() - crate::testing::START;
        rig.clock.advance(Duration::from_secs(u64::try_from(now).unwrap()));
        let (a, b) = (Arc::new(Scripted::answering(vec![never(); times])), Arc::new(Scripted::default()));
        let destination = |scripted: &Arc<Scripted>, fallback| Destination {
            notifier: Arc::clone(scripted) as Arc<dyn Notifier>,
            rate: None,
            fallback,
        };
        let destinations = BTreeMap::from([
            ("a".to_owned(), destination(&a, fallback)),
            ("b".to_owned(), destination(&b, None)),
        ]);
        let plan = Plan { destinations, settings: rig.config.delivery, wording: rig.config.wording() };
        let means = Means {
            store: rig.store.clone(),
            clock: Arc::new(SystemClock),
            metrics: Arc::clone(&rig.metrics),
            tasks: rig.tasks.clone(),
            bell: rig.bell.clone(),
        };
        let delivery = Delivery::start(means, plan);
        let replays = Replays { store: rig.store.clone(), delivery, clock: Arc::new(SystemClock) };
        Stage { rig, replays, a, b }
    }

    async fn ask(&self, body: Value) -> (u16, Value) {
        let request = axum::http::Request::post(PATH).body(Body::from(body.to_string())).unwrap();
        let response = routes(self.replays.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&to_bytes(response.into_body(), 1_000_000).await.unwrap()).unwrap())
    }

    /// Accepts one webhook and waits until it is a dead letter; returns its id.
    async fn one_dead(&self) -> String {
        self.rig.running_intake().accept(group(&[("A", None)])).await.unwrap();
        let history = self.rig.until(|history| history.iter().any(|entry| entry.status == "dead")).await;
        history.into_iter().find(|entry| entry.status == "dead").unwrap().id
    }
}

#[tokio::test]
async fn a_dead_letter_is_sent_again_when_it_is_asked_for() {
    let stage = Stage::refusing(1, None).await;
    let dead = stage.one_dead().await;
    let (status, answer) = stage.ask(json!({"ids": [dead, "nothing", dead]})).await;
    assert_eq!(status, 200);
    let answers: Vec<_> =
        answer["notifications"].as_array().unwrap().iter().map(|one| (&one["id"], &one["answer"])).collect();
    assert_eq!(answers, [(&json!(dead), &json!("queued")), (&json!("nothing"), &json!("unknown"))]);
    let history = stage.rig.until(|history| history.iter().all(|entry| entry.status == "delivered")).await;
    assert_eq!((history.len(), history[0].attempts.len(), history[0].late), (1, 2, true));
    assert_eq!(stage.a.sent().len(), 2);
    let (_, answer) = stage.ask(json!({"ids": [dead]})).await;
    assert_eq!(answer["notifications"][0]["answer"], "not_dead");
    assert_eq!(answer["notifications"][0]["detail"], "it is delivered");
}

#[tokio::test]
async fn all_dead_letters_of_a_channel_or_a_time_are_sent_again() {
    let stage = Stage::refusing(1, None).await;
    let dead = stage.one_dead().await;
    for none in
        [json!({"dead": true, "channel": "b"}), json!({"dead": true, "since": "2100-01-01T00:00:00Z"})]
    {
        let (status, answer) = stage.ask(none).await;
        assert_eq!((status, &answer), (200, &json!({"notifications": [], "more": false})));
    }
    let (_, answer) = stage.ask(json!({"dead": true, "channel": "a", "since": "1h"})).await;
    assert_eq!(answer["notifications"][0]["id"], json!(dead));
    stage.rig.until(|history| history.iter().all(|entry| entry.status == "delivered")).await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_in_words() {
    let stage = Stage::refusing(0, None).await;
    for (body, status, words) in [
        (json!({}), 400, "`ids` that are not empty"),
        (json!({"ids": ["x"], "dead": true}), 400, "both given"),
        (json!({"ids": ["x"], "since": "1h"}), 400, "go with `dead`"),
        (json!({"dead": true, "since": "soon"}), 400, "since: `soon` is neither"),
        (json!({"dead": true, "sine": "1h"}), 400, "unknown field"),
        (json!({"dead": true, "channel": "c"}), 422, "there is no channel `c`, expected one of `a`, `b`"),
        (json!({"ids": vec!["x"; 5_001]}), 400, "at most 5000"),
    ] {
        let (answered, answer) = stage.ask(body.clone()).await;
        assert_eq!(answered, status, "{body}");
        let said = answer["error"].as_str().unwrap();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn a_fallback_is_told_what_a_channel_refused_for_good() {
    let fallback = Fallback { channel: "b".to_owned(), send_resolved: true };
    let stage = Stage::refusing(1, Some(fallback)).await;
    let dead = stage.one_dead().await;
    let history = stage.rig.until(|history| history.iter().any(|entry| entry.status == "delivered")).await;
    let told = history.iter().find(|entry| entry.channel == "b").unwrap();
    assert_eq!(told.fallback_of.as_deref(), Some(dead.as_str()));
    let entry = history.iter().find(|entry| entry.channel == "a").unwrap();
    assert_eq!((entry.fallback.as_ref(), entry.status.as_str()), (Some(&told.id), "dead"));
    assert_eq!((stage.a.sent().len(), stage.b.sent().len()), (1, 1));
}
