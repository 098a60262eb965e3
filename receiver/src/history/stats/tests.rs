use modelwatch_common::time::Clock as _;

use super::*;
use crate::testing::{Rig, START, from_source};

const CONFIG: &str = "
dedupe: {stale_after: 1h, flap: {changes: 4, within: 1h}}
routes: [{channels: [console]}]
channels: [{name: console, type: log}]
";

/// What is counted, as JSON.
async fn counted(rig: &Rig, since: i64) -> serde_json::Value {
    let since = Timestamp::from_second(START + since).unwrap();
    serde_json::to_value(stats(&rig.store, since, rig.clock.now()).await.unwrap()).unwrap()
}

/// Accepts one alert after another, each when it begins or ends, and delivers what is to be told.
async fn after(alerts: &[(&str, i64, Option<i64>)]) -> Rig {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    for (name, start, end) in alerts {
        let now = rig.clock.now().as_second() - START;
        let then = end.unwrap_or(*start);
        rig.clock.advance(Duration::from_secs(u64::try_from(then - now).unwrap()));
        intake.accept(from_source("am", &[(name, *start, *end)])).await.unwrap();
        rig.deliver().await;
    }
    rig
}

#[tokio::test]
async fn alerts_are_summed_up_by_name() {
    let alerts =
        [("A", 0, None), ("A", 0, Some(60)), ("B", 90, None), ("A", 100, None), ("A", 100, Some(120))];
    let rig = after(&alerts).await;
    rig.clock.advance(Duration::from_secs(80));
    let found = counted(&rig, 0).await;
    let a = &found["alerts"][0];
    assert_eq!((&a["alertname"], &a["occurrences"]), (&"A".into(), &2.into()));
    assert_eq!((&a["firing_seconds"], &a["mean_seconds_to_resolve"]), (&80.0.into(), &40.0.into()));
    // with the fourth change it flaps, and that is the fourth message
    assert_eq!((&a["flaps"], &a["notifications"]["sent"]), (&1.into(), &4.into()), "{a}");
    let b = &found["alerts"][1];
    assert_eq!((&b["alertname"], &b["firing_seconds"]), (&"B".into(), &110.0.into()));
    assert!(b["mean_seconds_to_resolve"].is_null(), "what is not over took no known time: {b}");
    let later = counted(&rig, 110).await;
    let a = &later["alerts"][0];
    assert_eq!((&a["occurrences"], &a["firing_seconds"]), (&1.into(), &10.0.into()), "{later}");
    assert_eq!(a["notifications"]["sent"], 1);
    assert_eq!(
        later["alerts"][1]["firing_seconds"], 90.0,
        "it fires, although nobody spoke of it since: {later}"
    );
}

#[tokio::test]
async fn no_more_is_looked_at_than_the_newest_and_the_answer_says_since_when() {
    let alerts: Vec<(String, i64)> = (0..8).map(|nth| (format!("A{nth}"), nth * 10)).collect();
    let alerts: Vec<_> =
        alerts.iter().map(|(name, start)| (name.as_str(), *start, Some(start + 5))).collect();
    let rig = after(&alerts).await;
    let found = counted(&rig, 0).await;
    assert_eq!(found["alerts"].as_array().unwrap().len(), 5, "{found}");
    let since: Timestamp = found["since"].as_str().unwrap().parse().unwrap();
    assert!(since > Timestamp::from_second(START + 20).unwrap(), "{found}");
}

#[test]
fn since_is_a_time_or_a_duration_and_a_week_ago_by_default() {
    let now = Timestamp::from_second(START).unwrap();
    let since = |value: Option<&str>| RawSpan { since: value.map(str::to_owned) }.validate(now);
    let ago = |hours: i64| Timestamp::from_second(START - hours * 3600).unwrap();
    assert_eq!(since(None).unwrap(), ago(168));
    assert_eq!(since(Some("")).unwrap(), ago(168));
    assert_eq!(since(Some("24h")).unwrap(), ago(24));
    assert_eq!(since(Some("2026-01-31T09:00:00Z")).unwrap().to_string(), "2026-01-31T09:00:00Z");
    assert!(since(Some("yesterday")).unwrap_err().to_string().starts_with("since: `yesterday`"));
}
