//! Alerts by their name, summed up: `GET /api/v1/stats`.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{BOTH, FAST, Stage};
use crate::support::alerts::Alert;
use crate::support::wait::until;

#[tokio::test]
async fn alerts_are_summed_up_by_name_since_a_time_or_a_duration() {
    let stage = Stage::start("", BOTH, [FAST, ", rate: 100/s, send_resolved: false"]).await;
    let hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    let start = hour_ago.as_second();
    let over = Alert::firing("Over", start);
    let open = Alert::firing("Open", start);
    stage.send(&[&over, &open]).await;
    stage.titles(1, 1).await;
    for _ in 0..2 {
        stage.send(&[&over.resolved(start + 90), &open]).await;
        stage.titles(0, 2).await;
    }
    let found = until("what was only heard is written", async || {
        let found = stage.receiver.get("/api/v1/stats?since=2h").await.json();
        let of_open = found["alerts"].as_array().unwrap().iter().find(|one| one["alertname"] == "Open");
        let is_written = of_open.is_some_and(|one| one["notifications"]["suppressed"]["duplicate"] == 3);
        if is_written { Ok(found) } else { Err(found.to_string()) }
    })
    .await;
    let alerts = found["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 2, "{found}");
    let wanted = json!({
        "alertname": "Over", "occurrences": 1, "firing_seconds": 90.0, "mean_seconds_to_resolve": 90.0, "flaps": 0,
        "notifications": {"sent": 3, "suppressed": {"duplicate": 2, "resolved_off": 1}},
    });
    assert_eq!(alerts[1], wanted);
    let open = &alerts[0];
    assert!(open["mean_seconds_to_resolve"].is_null(), "it is not over: {open}");
    let fired = open["firing_seconds"].as_f64().unwrap();
    assert!((3_600.0..3_720.0).contains(&fired), "{fired}");
    assert_eq!(open["notifications"]["sent"], 3, "the end of another also says that it goes on");

    let path = format!("/api/v1/stats?since={}", Timestamp::from_second(start + 3_000).unwrap());
    let later = stage.receiver.get(&path).await.json();
    let fired = later["alerts"][0]["firing_seconds"].as_f64().unwrap();
    assert!((600.0..720.0).contains(&fired), "only the time since then: {later}");
    let weekly = stage.receiver.get("/api/v1/stats").await.json();
    assert_eq!(weekly["alerts"].as_array().unwrap().len(), 2);
    for unusable in ["since=soon", "until=1h", "since=1h&since=2h"] {
        let answer = stage.receiver.get(&format!("/api/v1/stats?{unusable}")).await;
        assert_eq!(answer.status, 400, "{unusable}: {}", answer.body);
    }
}
