//! The store's contract. This file and those beside it are compiled twice: what they say holds on a SQLite file and, as
//! `on_postgres`, on a PostgreSQL server.

use modelwatch_receiver_core::alert::Group;
use modelwatch_receiver_core::alert::{Alert, Change, Kind, Status};
use modelwatch_receiver_core::dedupe::{Suppression, Told, Transition};
use modelwatch_receiver_core::retry::Next;

use super::*;

#[path = "tests/batches.rs"]
mod batches;
#[path = "tests/bench.rs"]
pub(super) mod bench;
#[path = "tests/dead_letters.rs"]
mod dead_letters;
#[path = "tests/labels.rs"]
mod labels;
#[path = "tests/leases.rs"]
mod leases;
#[path = "tests/memory.rs"]
mod memory;
#[path = "tests/posts.rs"]
mod posts;
#[path = "tests/present_state.rs"]
mod present_state;
#[path = "tests/questions.rs"]
mod questions;
#[path = "tests/queue.rs"]
mod queue;
#[path = "tests/reading.rs"]
mod reading;
#[path = "tests/receipts.rs"]
mod receipts;
#[path = "tests/spoken.rs"]
mod spoken;
#[path = "tests/stats.rs"]
mod stats;
#[path = "tests/unheard.rs"]
mod unheard;
#[path = "tests/unnamed.rs"]
mod unnamed;

const HOUR: Duration = Duration::from_secs(3600);

use bench::{Bench, FIRING, RESOLVED, alert, at, delivered, group, no_answer, refused};

#[tokio::test]
async fn the_newest_occurrence_of_an_alert_is_the_last_opened_whatever_the_ids_say() {
    let bench = Bench::new().await;
    let first = bench.see(&alert("A", None), at(1)).await;
    bench.see(&alert("A", Some(at(5))), at(6)).await;
    // as if the clock had been an hour ahead when the first one was opened
    sqlx::query("update occurrences set id = 'ffffffff' where id = $1")
        .bind(first)
        .execute(bench.store.writer())
        .await
        .unwrap();
    let again = Alert { starts_at: at(7), ..alert("A", None) };
    let second = bench.see(&again, at(8)).await;
    assert_eq!(bench.see(&again, at(9)).await, second);
}

#[tokio::test]
async fn another_incident_after_a_stale_occurrence_is_stored_beside_it() {
    let bench = Bench::new().await;
    let forgotten = bench.see(&alert("A", None), at(1)).await;
    bench.forget_all(at(30_000)).await;
    let again = Alert { starts_at: at(40_000), ..alert("A", None) };
    let next = bench.see(&again, at(40_010)).await;
    assert_ne!(next, forgotten);
    assert_eq!(bench.see(&again, at(40_020)).await, next);
}

#[tokio::test]
async fn a_crash_between_sending_and_recording_leaves_an_ambiguous_attempt_and_no_lease() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    let id = bench.queue("console", &occurrence, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.begin(&claimed, at(2)).await.unwrap();
    let bench = bench.restarted().await;
    let again = bench.claim("console", at(3)).await.unwrap();
    assert_eq!((again.id.as_str(), again.attempts), (id.as_str(), 1));
    let (ambiguous, detail): (i64, String) = sqlx::query_as("select ambiguous, detail from attempts")
        .fetch_one(bench.store.readers())
        .await
        .unwrap();
    assert_eq!(ambiguous, 1);
    assert!(detail.contains("before the answer was recorded"), "{detail}");
}

#[tokio::test]
async fn what_a_crash_left_under_way_makes_way_for_the_newer_one_of_its_group() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.begin(&claimed, at(2)).await.unwrap();
    bench.see(&alert("A", Some(at(50))), at(3)).await;
    let second = bench.queue("console", &a, RESOLVED, at(3)).await;
    let bench = bench.restarted().await;
    let claimed = bench.claim("console", at(4)).await.unwrap();
    assert_eq!(claimed.id, second);
    assert_eq!(bench.status(&first).await.1.as_deref(), Some("superseded"));
    bench.end(&claimed, &delivered(), Next::Done, at(5)).await;
    assert!(bench.claim("console", at(6)).await.is_none());
}

#[tokio::test]
async fn a_crash_before_sending_leaves_no_attempt() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &occurrence, FIRING, at(1)).await;
    bench.claim("console", at(2)).await.unwrap();
    let bench = bench.restarted().await;
    assert_eq!(bench.claim("console", at(3)).await.unwrap().attempts, 0);
}

#[tokio::test]
async fn a_waiting_notification_is_superseded_and_the_newer_one_tells_its_news() {
    let bench = Bench::new().await;
    bench.hold(1);
    let a = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue("console", &a, FIRING, at(1)).await;
    bench.hold(100);
    let b = bench.see(&alert("B", None), at(100)).await;
    let second = bench.queue("console", &b, FIRING, at(100)).await;
    assert_eq!(bench.status(&first).await, ("suppressed".to_owned(), Some("superseded".to_owned())));
    bench.hold(700);
    let claimed = bench.claim("console", at(700)).await.unwrap();
    assert_eq!(claimed.id, second);
    assert_eq!(claimed.waiting_since, at(1));
    assert!(claimed.message.late);
    assert_eq!(claimed.message.kind, Kind::New);
    let changes: Vec<Change> = claimed.message.alerts.iter().map(|alert| alert.change).collect();
    assert_eq!(changes, [Change::New, Change::New]);
}

#[tokio::test]
async fn the_newest_state_is_told_when_an_alert_ends_before_it_was_surely_told() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue("console", &a, FIRING, at(1)).await;
    let lost = bench.claim("console", at(2)).await.unwrap();
    bench.end(&lost, &no_answer(), Next::Again(Duration::ZERO), at(2)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    bench.queue("console", &a, RESOLVED, at(60)).await;
    assert_eq!(bench.status(&first).await.0, "suppressed");
    let claimed = bench.claim("console", at(61)).await.unwrap();
    assert_eq!((claimed.message.kind, claimed.message.status), (Kind::Resolved, Status::Resolved));
    bench.end(&claimed, &delivered(), Next::Done, at(61)).await;
    assert!(bench.claim("console", at(62)).await.is_none());
}

#[tokio::test]
async fn who_does_not_want_ends_is_not_told_one_before_the_beginning() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let waits = bench.queue("console", &a, FIRING, at(1)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    bench.settle("console", &a, RESOLVED, Suppression::ResolvedOff).await;
    assert!(bench.claim("console", at(61)).await.is_none());
    assert_eq!(bench.status(&waits).await, ("suppressed".to_owned(), Some("resolved_off".to_owned())));
}

#[tokio::test]
async fn the_end_of_an_alert_in_two_groups_is_told_once() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue_in("one", &a, FIRING, at(1)).await;
    let lost = bench.claim("console", at(2)).await.unwrap();
    bench.end(&lost, &no_answer(), Next::Again(Duration::ZERO), at(2)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    let second = bench.queue_in("two", &a, RESOLVED, at(60)).await;
    let claimed = bench.claim("console", at(61)).await.unwrap();
    assert_eq!(claimed.message.kind, Kind::Resolved);
    assert!(
        claimed.id != first && claimed.id != second,
        "the first may have been heard to say something else"
    );
    assert!(bench.claim("console", at(62)).await.is_none(), "what both are about is under way");
    bench.end(&claimed, &delivered(), Next::Done, at(63)).await;
    assert!(bench.claim("console", at(64)).await.is_none());
    assert_eq!(bench.status(&second).await, ("suppressed".to_owned(), Some("duplicate".to_owned())));
}

#[tokio::test]
async fn nothing_overtakes_a_notification_of_its_group_that_is_under_way() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let under_way = bench.claim("console", at(2)).await.unwrap();
    bench.see(&alert("A", Some(at(50))), at(3)).await;
    let ended = bench.queue("console", &a, RESOLVED, at(3)).await;
    assert!(bench.claim("console", at(4)).await.is_none());
    assert_eq!(bench.end(&under_way, &delivered(), Next::Done, at(5)).await, Ended::AsMeant);
    assert_eq!(bench.claim("console", at(6)).await.unwrap().id, ended);
}

#[tokio::test]
async fn a_failed_notification_makes_way_for_the_newer_one_of_its_group() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue("console", &a, FIRING, at(1)).await;
    let under_way = bench.claim("console", at(2)).await.unwrap();
    let b = bench.see(&alert("B", None), at(3)).await;
    let second = bench.queue("console", &b, FIRING, at(3)).await;
    assert_eq!(bench.end(&under_way, &refused(), Next::Again(HOUR), at(4)).await, Ended::Superseded);
    assert_eq!(bench.status(&first).await.1.as_deref(), Some("superseded"));
    let claimed = bench.claim("console", at(5)).await.unwrap();
    assert_eq!(claimed.id, second);
    assert_eq!(claimed.message.changed(Change::New), 2);
}

#[tokio::test]
async fn a_failed_notification_waits_until_it_is_due() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    let wait = Duration::from_millis(300);
    assert_eq!(bench.end(&claimed, &refused(), Next::Again(wait), at(4)).await, Ended::AsMeant);
    let left = bench.store.next_due("console").await.unwrap().unwrap();
    assert!(left > Duration::ZERO && left <= wait, "{left:?}");
    assert!(bench.claim("console", at(1_000_000)).await.is_none(), "the wall clock hastens nothing");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !bench.store.next_due("console").await.unwrap().unwrap().is_zero() {
        assert!(std::time::Instant::now() < deadline, "it never became due");
    }
    assert_eq!(bench.claim("console", at(5)).await.unwrap().attempts, 1);
    assert_eq!(bench.store.next_due("other").await.unwrap(), None);
}

#[tokio::test]
async fn what_waits_for_another_of_its_group_is_not_due() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let b = bench.see(&alert("B", None), at(1)).await;
    bench.queue_in("one", &a, FIRING, at(1)).await;
    let under_way = bench.claim("console", at(2)).await.unwrap();
    bench.queue_in("two", &b, FIRING, at(2)).await;
    let other = bench.claim("console", at(3)).await.unwrap();
    bench.end(&other, &refused(), Next::Again(HOUR), at(3)).await;
    bench.queue_in("one", &a, Transition { repeat: 1, ..FIRING }, at(4)).await;
    assert!(bench.store.next_due("console").await.unwrap().unwrap() > Duration::from_secs(3000));
    bench.end(&under_way, &delivered(), Next::Done, at(5)).await;
    assert_eq!(bench.store.next_due("console").await.unwrap(), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_damaged_occurrence_is_not_looked_at_again_and_hides_no_other() {
    let bench = Bench::new().await;
    let damaged = bench.see(&alert("A", None), at(1)).await;
    let whole = bench.see(&alert("B", None), at(2)).await;
    sqlx::query("update occurrences set detail = '{' where id = $1")
        .bind(damaged)
        .execute(bench.store.writer())
        .await
        .unwrap();
    let mut transaction = bench.store.begin().await.unwrap();
    let due = transaction.due_occurrences(at(30_000), 1).await.unwrap();
    assert!(due.is_empty(), "{due:?}");
    let due = transaction.due_occurrences(at(30_000), 1).await.unwrap();
    assert_eq!(due.first().map(|due| due.stored.id.as_str()), Some(whole.as_str()));
}

#[tokio::test]
async fn a_damaged_row_is_a_dead_letter_and_stands_in_nobodys_way() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let b = bench.see(&alert("B", None), at(2)).await;
    let broken = bench.queue_in("one", &a, FIRING, at(1)).await;
    let whole = bench.queue_in("two", &b, FIRING, at(2)).await;
    sqlx::query("update occurrences set labels = '{' where id = $1")
        .bind(a)
        .execute(bench.store.writer())
        .await
        .unwrap();
    assert_eq!(bench.claim("console", at(3)).await.unwrap().id, whole);
    assert_eq!(bench.status(&broken).await.0, "dead");
}

#[tokio::test]
async fn a_message_says_what_still_fires_once_it_was_heard() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    assert_eq!(claimed.message.history_url, Some(format!("http://here/notifications/{}", claimed.id)));
    bench.end(&claimed, &delivered(), Next::Done, at(2)).await;
    bench.queue("console", &a, Transition { repeat: 1, ..FIRING }, at(4000)).await;
    let repeat = bench.claim("console", at(4001)).await.unwrap();
    assert_eq!((repeat.message.kind, repeat.message.late), (Kind::Repeat, false));
}

#[tokio::test]
async fn a_dead_letter_was_not_heard_so_the_next_message_is_new_again() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let dead = bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.end(&claimed, &refused(), Next::Dead, at(2)).await;
    assert_eq!(bench.status(&dead).await.0, "dead");
    bench.queue("console", &a, Transition { repeat: 1, ..FIRING }, at(4000)).await;
    assert_eq!(bench.claim("console", at(4001)).await.unwrap().message.kind, Kind::New);
}

#[tokio::test]
async fn pruning_forgets_what_is_over_and_keeps_what_waits_or_fires() {
    let bench = Bench::new().await;
    let over = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &over, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.see(&alert("A", Some(at(3))), at(3)).await;
    bench.end(&claimed, &delivered(), Next::Done, at(3)).await;
    bench.see(&alert("C", None), at(3)).await;
    bench.forget_all(at(30_000)).await;
    let fires = bench.see(&alert("B", None), at(4)).await;
    let waits = bench.queue("console", &fires, FIRING, at(4)).await;
    while bench.store.prune(at(10_000)).await.unwrap() {}
    let ids = |table: &'static str| {
        sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(format!("select id from {table}")))
            .fetch_all(bench.store.readers())
    };
    assert_eq!(ids("notifications").await.unwrap(), [waits]);
    assert_eq!(ids("occurrences").await.unwrap(), [fires]);
    assert!(ids("attempts").await.unwrap().is_empty());
    let left: i64 = sqlx::query_scalar("select count(*) from transitions")
        .fetch_one(bench.store.readers())
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn backlogs_count_what_waits_since_its_oldest_news() {
    let bench = Bench::new().await;
    assert!(bench.store.backlogs().await.unwrap().is_empty());
    bench.hold(1);
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let backlog = Backlog { channel: "console".to_owned(), waiting: 1, oldest: at(1) };
    assert_eq!(bench.store.backlogs().await.unwrap(), [backlog]);
}
