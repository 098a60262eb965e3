use modelwatch_common::time::Clock as _;

use super::*;
use crate::testing::{Rig, accept_all, group};

const CONFIG: &str = "routes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n";

fn wish(parameters: &[(&str, &str)]) -> Result<Wish, FilterError> {
    let parameters: std::collections::BTreeMap<_, _> = parameters.iter().copied().collect();
    let raw: RawWish = serde_json::from_value(serde_json::json!(parameters)).unwrap();
    raw.validate()
}

fn windows(rig: &Rig) -> Windows {
    rig.terms().load().policy.windows()
}

async fn names(rig: &Rig, parameters: &[(&str, &str)]) -> (Vec<String>, Option<String>) {
    let page = alerts(&rig.store, &wish(parameters).unwrap()).await.unwrap();
    (page.alerts.into_iter().map(|alert| alert.labels["alertname"].clone()).collect(), page.next_cursor)
}

#[tokio::test]
async fn alerts_are_listed_newest_first_page_by_page_and_by_state() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let webhooks =
        [group(&[("A", None)]), group(&[("B", None)]), group(&[("A", Some(60))]), group(&[("C", None)])];
    accept_all(&intake, &webhooks).await.unwrap();
    let (first, next) = names(&rig, &[("limit", "2")]).await;
    assert_eq!(first, ["C", "B"]);
    let (second, end) = names(&rig, &[("limit", "2"), ("cursor", &next.unwrap())]).await;
    assert_eq!((second, end), (vec!["A".to_owned()], None));
    assert_eq!(names(&rig, &[("state", "firing")]).await.0, ["C", "B"]);
    assert_eq!(names(&rig, &[("state", "resolved")]).await.0, ["A"]);
}

#[tokio::test]
async fn a_timeline_says_what_was_told_and_which_notifications_speak_of_it() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    intake.accept(group(&[("A", None)])).await.unwrap();
    rig.deliver().await;
    intake.accept(group(&[("A", Some(60))])).await.unwrap();
    let all = alerts(&rig.store, &wish(&[]).unwrap()).await.unwrap();
    let found = timeline(&rig.store, &all.alerts[0].fingerprint, windows(&rig)).await.unwrap().unwrap();
    let found = serde_json::to_value(found).unwrap();
    let occurrence = &found["occurrences"][0];
    assert_eq!(occurrence["state"], "resolved");
    assert_eq!(occurrence["labels"]["alertname"], "A");
    let told = occurrence["told"].as_array().unwrap();
    let mut statuses: Vec<_> = told.iter().map(|told| told["status"].as_str().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["firing", "resolved"]);
    let notifications = occurrence["notifications"].as_array().unwrap();
    let states: Vec<_> = notifications.iter().map(|mention| mention["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["pending", "delivered"]);
    assert!(timeline(&rig.store, "0000000000000000", windows(&rig)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_nobody_ever_heard_of_is_in_the_timeline_with_its_reasons() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    accept_all(&intake, &[group(&[("A", None)]), group(&[("A", Some(60))])]).await.unwrap();
    rig.deliver().await;
    let fingerprint = alerts(&rig.store, &wish(&[]).unwrap()).await.unwrap().alerts[0].fingerprint.clone();
    let found = timeline(&rig.store, &fingerprint, windows(&rig)).await.unwrap().unwrap();
    let mut told: Vec<_> = found.occurrences[0]
        .told
        .iter()
        .map(|told| (told.status.as_str(), told.told_at, told.suppressed.as_deref()))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("firing", None, Some("superseded")), ("resolved", None, Some("never_told"))]);
    let notifications = &found.occurrences[0].notifications;
    assert_eq!((notifications.len(), notifications[0].status.as_str()), (1, "suppressed"));
}

#[tokio::test]
async fn copies_are_counted_in_the_timeline_with_their_reason() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    accept_all(&intake, &[group(&[("A", None)]), group(&[("A", None)]), group(&[("A", None)])])
        .await
        .unwrap();
    let fingerprint = alerts(&rig.store, &wish(&[]).unwrap()).await.unwrap().alerts[0].fingerprint.clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let found = timeline(&rig.store, &fingerprint, windows(&rig)).await.unwrap().unwrap();
        let untold = &found.occurrences[0].suppressed;
        let said: Vec<_> = untold
            .iter()
            .map(|untold| (untold.channel.as_str(), untold.reason.as_str(), untold.times))
            .collect();
        if said == [("console", "duplicate", 2)] {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{said:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_copy_that_is_held_is_shown_with_when_it_will_be_told() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let (firing, over) = (group(&[("A", None)]), group(&[("A", Some(5))]));
    accept_all(&intake, &[firing.clone(), over]).await.unwrap();
    let fingerprint = alerts(&rig.store, &wish(&[]).unwrap()).await.unwrap().alerts[0].fingerprint.clone();
    let shown = async || {
        let found = timeline(&rig.store, &fingerprint, windows(&rig)).await.unwrap().unwrap();
        serde_json::to_value(found).unwrap()["occurrences"].clone()
    };
    assert_eq!(shown().await[0].get("held"), None);
    let resolved_at = rig.clock.now();
    rig.clock.advance(std::time::Duration::from_secs(60));
    intake.accept(firing).await.unwrap();
    let until = resolved_at.saturating_add(windows(&rig).reorder).unwrap();
    let starts_at = shown().await[0]["starts_at"].clone();
    assert_eq!(shown().await[0]["held"], serde_json::json!({"starts_at": starts_at, "until": until}));
    intake.accept(group(&[("A", Some(3600))])).await.unwrap();
    let after = shown().await;
    assert_eq!(after.as_array().unwrap().len(), 2);
    assert!(after.as_array().unwrap().iter().all(|one| one.get("held").is_none()), "{after}");
}

#[test]
fn a_parameter_that_cannot_be_used_is_named() {
    for (name, value) in [("state", "lost"), ("limit", "0"), ("limit", "x")] {
        let error = wish(&[(name, value)]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name}: `{value}`")), "{error}");
    }
}
