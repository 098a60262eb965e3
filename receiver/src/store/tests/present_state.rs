//! Of an alert that began and ended several times, people get the present state, once.

use super::*;

/// An alert that begins at each of these seconds and ends five later, the last one only if `last_ends`; with `loses`, nobody
/// knows whether it was heard that it begins.
async fn flapping(bench: &Bench, starts: &[i64], last_ends: bool, loses: bool) -> Vec<String> {
    let mut occurrences = Vec::new();
    for (i, start) in starts.iter().enumerate() {
        let firing = Alert { starts_at: at(*start), ..alert("A", None) };
        let occurrence = bench.see(&firing, at(start + 1)).await;
        bench.queue("console", &occurrence, FIRING, at(start + 1)).await;
        if loses {
            let claimed = bench.claim("console", at(start + 2)).await.unwrap();
            bench.end(&claimed, &no_answer(), Next::Again(HOUR), at(start + 3)).await;
        }
        if last_ends || i + 1 < starts.len() {
            let over = Alert { starts_at: at(*start), ..alert("A", Some(at(start + 5))) };
            bench.see(&over, at(start + 6)).await;
            bench.queue("console", &occurrence, RESOLVED, at(start + 6)).await;
        }
        occurrences.push(occurrence);
    }
    occurrences
}

async fn suppressed(bench: &Bench, occurrence: &str) -> Vec<Option<String>> {
    sqlx::query_scalar("select suppressed from transitions where occurrence = $1 order by status")
        .bind(occurrence)
        .fetch_all(bench.store.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_alert_that_came_and_went_while_nobody_could_be_told_is_one_entry_in_its_newest_state() {
    let bench = Bench::new().await;
    let occurrences = flapping(&bench, &[0, 10, 20, 30, 40], true, true).await;
    let claimed = bench.claim("console", at(50)).await.unwrap();
    assert_eq!(claimed.message.title(), "[RESOLVED:1] A");
    assert_eq!(claimed.message.alerts[0].starts_at, at(40));
    bench.end(&claimed, &delivered(), Next::Done, at(51)).await;
    let superseded = Some("superseded".to_owned());
    assert_eq!(suppressed(&bench, &occurrences[0]).await, [superseded.clone(), superseded]);
    assert_eq!(suppressed(&bench, &occurrences[4]).await, [Some("superseded".to_owned()), None]);
}

#[tokio::test]
async fn an_alert_that_ended_and_began_again_is_new_to_whoever_heard_of_the_first() {
    let bench = Bench::new().await;
    let first = flapping(&bench, &[0], false, false).await.remove(0);
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, at(3)).await;
    bench.see(&alert("A", Some(at(5))), at(6)).await;
    bench.queue("console", &first, RESOLVED, at(6)).await;
    flapping(&bench, &[10], false, false).await;
    let claimed = bench.claim("console", at(12)).await.unwrap();
    assert_eq!((claimed.message.kind, claimed.message.title().as_str()), (Kind::New, "[FIRING:1] A"));
    assert_eq!(claimed.message.alerts.len(), 1);
    bench.end(&claimed, &delivered(), Next::Done, at(13)).await;
    assert_eq!(suppressed(&bench, &first).await, [None, Some("superseded".to_owned())]);
}

#[tokio::test]
async fn what_was_not_delivered_settles_nothing() {
    let bench = Bench::new().await;
    let occurrences = flapping(&bench, &[0, 10], true, true).await;
    let claimed = bench.claim("console", at(50)).await.unwrap();
    bench.end(&claimed, &refused(), Next::Again(Duration::ZERO), at(51)).await;
    assert_eq!(suppressed(&bench, &occurrences[0]).await, [None, None]);
    assert_eq!(bench.claim("console", at(52)).await.unwrap().message.title(), "[RESOLVED:1] A");
}

#[tokio::test]
async fn whoever_heard_an_alert_begin_hears_its_end_although_it_came_and_went_again_unheard() {
    let bench = Bench::new().await;
    let first = flapping(&bench, &[0], false, false).await.remove(0);
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, at(3)).await;
    bench.see(&alert("A", Some(at(5))), at(6)).await;
    bench.queue("console", &first, RESOLVED, at(6)).await;
    let second = flapping(&bench, &[10], false, false).await.remove(0);
    let over = Alert { starts_at: at(10), ..alert("A", Some(at(15))) };
    bench.see(&over, at(16)).await;
    bench.settle("console", &second, RESOLVED, Suppression::NeverTold).await;
    let claimed = bench.claim("console", at(20)).await.unwrap();
    assert_eq!(claimed.message.title(), "[RESOLVED:1] A");
    assert_eq!(claimed.message.alerts[0].starts_at, at(0));
    bench.end(&claimed, &delivered(), Next::Done, at(21)).await;
    assert_eq!(suppressed(&bench, &first).await, [None, None]);
    let unheard = ["superseded", "never_told"].map(|why| Some(why.to_owned()));
    assert_eq!(suppressed(&bench, &second).await, unheard);
}
