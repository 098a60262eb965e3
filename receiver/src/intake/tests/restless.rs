//! Alerts that flap.

use super::*;

const RESTLESS: &str = "
dedupe: {repeat_interval: 12h, flap: {changes: 4, within: 1h}}
routes: [{channels: [console]}]
channels: [{name: console, type: log}]
";

/// The alert A begins, and a minute later it ends.
async fn begin_and_end(rig: &Rig, intake: &Intake) {
    for is_over in [false, true] {
        let now = rig.clock.now().as_second() - crate::testing::START;
        let (start, end) = if is_over { (now - 60, Some(now)) } else { (now, None) };
        intake.accept(from_source("am", &[("A", start, end)])).await.unwrap();
        rig.deliver().await;
        rig.clock.advance(Duration::from_secs(60));
    }
}

/// Whether the newest occurrence is shown as one that flaps.
async fn is_shown_flapping(rig: &Rig) -> bool {
    rig.store.alerts("", "", 1).await.unwrap()[0].flapping
}

#[tokio::test]
async fn an_alert_that_flaps_is_told_once_and_once_more_when_it_has_calmed_down() {
    let rig = Rig::new(RESTLESS).await;
    let intake = rig.running_intake();
    for _ in 0..10 {
        begin_and_end(&rig, &intake).await;
    }
    let history = rig.history().await;
    assert_eq!(history.len(), 4, "it begins, ends, begins and flaps: {:?}", told(&history));
    let flapping = history[3].alerts[0].flapping.unwrap();
    assert!(!flapping.calm && flapping.changes >= 4, "{flapping:?}");
    assert!(history[3].title.contains("[FLAPPING]"), "{}", history[3].title);
    assert!(is_shown_flapping(&rig).await);
    let suppressed = "suppressed_total{channel=\"console\",reason=\"flapping\"}";
    assert!((rig.metric(suppressed) - 16.0).abs() < f64::EPSILON);
    rig.clock.advance(Duration::from_secs(3600));
    let history = rig.until(|history| history.len() == 5).await;
    let calm = history[4].alerts[0].flapping.unwrap();
    assert!(calm.calm && calm.changes == 20, "{calm:?}");
    assert!(!is_shown_flapping(&rig).await);
    assert_eq!((history[4].kind.as_str(), history[4].title.contains("FLAPPING")), ("resolved", false));
    begin_and_end(&rig, &intake).await;
    assert_eq!(rig.history().await.len(), 7, "life goes on as usual");
}

#[tokio::test]
async fn what_flaps_is_among_the_news_of_its_group_only_as_it_was_told_last_and_flaps_is_said_once() {
    let rig = Rig::new(RESTLESS).await;
    let intake = rig.running_intake();
    for _ in 0..2 {
        begin_and_end(&rig, &intake).await;
    }
    let history = rig.history().await;
    assert!(history[3].title.contains("[RESOLVED:1][FLAPPING]"), "{}", history[3].title);
    let now = rig.clock.now().as_second() - crate::testing::START;
    intake.accept(from_source("am", &[("A", now, None), ("B", now, None)])).await.unwrap();
    rig.deliver().await;
    let news = rig.history().await.remove(4);
    let names: Vec<&str> = news.alerts.iter().map(AlertView::name).collect();
    assert_eq!(names, ["B"], "{news:?}");
    assert!(!news.title.contains("FLAPPING"), "{}", news.title);
    // it fires on, so people hear of it when it is repeated, as what is new to them
    rig.clock.advance(Duration::from_secs(11 * 3600));
    let again = from_source("am", &[("A", now, None)]);
    intake.accept(again.clone()).await.unwrap();
    rig.deliver().await;
    let history = rig.until(|history| history.len() > 5).await;
    let said = &history[5].alerts[0];
    assert_eq!((said.name(), said.change.as_str()), ("A", "new"), "{said:?}");
    intake.accept(from_source("am", &[("A", now, None), ("C", now, None)])).await.unwrap();
    let last = rig.history().await.pop().unwrap();
    let said: Vec<_> = last.alerts.iter().map(|alert| (alert.name(), alert.change.as_str())).collect();
    assert_eq!(said, [("A", "still_firing"), ("C", "new")]);
}
