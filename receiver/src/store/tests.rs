use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Change, Kind, Labels, Status};
use modelwatch_receiver_core::dedupe::{Suppression, Told, Transition};
use modelwatch_receiver_core::occurrence::{Sighting, Windows, observe};
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::Next;

use super::*;

const LEASE: Duration = Duration::from_secs(60);
const FIRING: Transition = Transition { status: Status::Firing, repeat: 0 };
const RESOLVED: Transition = Transition { status: Status::Resolved, repeat: 0 };
const WINDOWS: Windows =
    Windows { reorder: Duration::from_secs(900), stale_after: Duration::from_secs(28_800) };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn wording() -> Wording {
    Wording { late_after: Duration::from_secs(600), external_url: Some("http://here".to_owned()) }
}

fn group() -> Group {
    Group {
        source: "am".to_owned(),
        key: "g".to_owned(),
        labels: Labels::new(),
        external_url: "http://am".to_owned(),
        truncated_alerts: 0,
    }
}

fn alert(name: &str, ends_at: Option<Timestamp>) -> Alert {
    Alert {
        status: if ends_at.is_some() { Status::Resolved } else { Status::Firing },
        labels: BTreeMap::from([("alertname".to_owned(), name.to_owned())]),
        annotations: Labels::new(),
        starts_at: at(0),
        ends_at,
        generator_url: String::new(),
    }
}

struct Bench {
    _directory: tempfile::TempDir,
    path: std::path::PathBuf,
    store: Store,
}

impl Bench {
    async fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/receiver.db");
        let store = Store::open(&path).await.unwrap();
        Bench { _directory: directory, path, store }
    }

    /// A process that died and came back: nothing is closed in order.
    async fn restarted(self) -> Bench {
        let Bench { _directory, path, store } = self;
        store.close().await;
        drop(store);
        let store = Store::open(&path).await.unwrap();
        Bench { _directory, path, store }
    }

    /// Stores what a copy of an alert says, and returns its occurrence's id.
    async fn see(&self, alert: &Alert, now: Timestamp) -> String {
        let mut transaction = self.store.begin().await.unwrap();
        let fingerprint = alert.fingerprint(&std::collections::BTreeSet::new());
        let newest = transaction.newest_occurrence("am", fingerprint).await.unwrap();
        let sighting =
            observe(newest.as_ref().map(|stored| &stored.occurrence), alert.report(), now, WINDOWS);
        let (occurrence, group) = (sighting.occurrence(), group());
        let check_at = occurrence.check_at(WINDOWS);
        let row = OccurrenceRow { occurrence, fingerprint, alert, group: &group, check_at };
        let id = match (&sighting, newest) {
            (Sighting::Opened(_), _) | (_, None) => transaction.open_occurrence(row).await.unwrap(),
            (_, Some(known)) => {
                transaction.update_occurrence(&known.id, row).await.unwrap();
                known.id
            }
        };
        transaction.commit().await.unwrap();
        id
    }

    /// Queues a notification to `channel` that wins `transition` of `occurrence`.
    async fn queue(&self, channel: &str, occurrence: &str, transition: Transition, now: Timestamp) -> String {
        let id = new_id();
        let group = group();
        let intent = Intent { id: &id, channel, group: &group, at: now };
        let mut transaction = self.store.begin().await.unwrap();
        assert!(transaction.win(intent, occurrence, transition).await.unwrap());
        transaction.enqueue(intent, &[occurrence]).await.unwrap();
        transaction.supersede(intent).await.unwrap();
        transaction.word(&id, &wording(), now).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        id
    }

    async fn claim(&self, channel: &str, now: Timestamp) -> Option<Claimed> {
        loop {
            match self.store.claim(channel, LEASE, &wording(), now).await.unwrap() {
                Claim::Nothing => return None,
                Claim::Suppressed(_) => {}
                Claim::Ours(claimed) => return Some(*claimed),
            }
        }
    }

    async fn end(&self, claimed: &Claimed, outcome: &Outcome, next: Next, now: Timestamp) -> bool {
        let attempt = self.store.begin_attempt(&claimed.id, "content", None, now).await.unwrap();
        let ending = Ending { outcome, next, at: now };
        self.store.end_attempt(&attempt, &claimed.id, ending).await.unwrap()
    }

    async fn status(&self, notification: &str) -> (String, Option<String>) {
        sqlx::query_as("select status, suppressed from notifications where id = $1")
            .bind(notification)
            .fetch_one(self.store.readers())
            .await
            .unwrap()
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered { detail: "ok".to_owned() }
}

fn refused() -> Outcome {
    Outcome::Retryable {
        reason: Reason::Connect,
        retry_after: None,
        ambiguous: false,
        detail: "refused".to_owned(),
    }
}

#[tokio::test]
async fn one_process_serves_a_store_and_others_may_read_it() {
    let bench = Bench::new().await;
    let second = Store::open(&bench.path).await.err().unwrap();
    assert!(matches!(second, StoreError::InUse(_)), "{second}");
    Store::open_to_read(&bench.path).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_absent_or_damaged_or_cannot_be_made_is_named_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let absent = Store::open_to_read(&directory.path().join("x.db")).await.err().unwrap();
    assert!(absent.to_string().contains("x.db does not exist yet"), "{absent}");
    let noise = directory.path().join("noise.db");
    std::fs::write(&noise, vec![b'x'; 9000]).unwrap();
    let damaged = Store::open(&noise).await.err().unwrap();
    assert!(
        damaged.to_string().contains("noise.db cannot be used as a store: file is not a database"),
        "{damaged}"
    );
    let below_a_file = Store::open(&noise.join("x.db")).await.err().unwrap();
    assert!(below_a_file.to_string().contains("cannot create the directory"), "{below_a_file}");
}

#[tokio::test]
async fn a_transition_is_won_once() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &occurrence, FIRING, at(1)).await;
    let group = group();
    let intent = Intent { id: "second", channel: "console", group: &group, at: at(2) };
    let mut transaction = bench.store.begin().await.unwrap();
    assert!(!transaction.win(intent, &occurrence, FIRING).await.unwrap());
    let other = Intent { channel: "other", ..intent };
    assert!(transaction.win(other, &occurrence, FIRING).await.unwrap());
    assert!(transaction.settle(intent, &occurrence, RESOLVED, Suppression::ResolvedOff).await.unwrap());
    assert!(!transaction.settle(intent, &occurrence, RESOLVED, Suppression::ResolvedOff).await.unwrap());
}

#[tokio::test]
async fn what_was_told_is_read_back_with_the_time_of_the_last_message() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &occurrence, FIRING, at(1)).await;
    bench.queue("console", &occurrence, Transition { repeat: 1, ..FIRING }, at(500)).await;
    let mut transaction = bench.store.begin().await.unwrap();
    let told = transaction.told("console", &occurrence).await.unwrap();
    assert_eq!(told, Told { firing: true, resolved: false, repeats: 1, last_at: Some(at(500)) });
    assert_eq!(transaction.told("other", &occurrence).await.unwrap(), Told::default());
}

#[tokio::test]
async fn a_claimed_notification_is_not_claimed_again_until_its_lease_ends() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    let id = bench.queue("console", &occurrence, FIRING, at(1)).await;
    assert_eq!(bench.claim("console", at(2)).await.unwrap().id, id);
    assert!(bench.claim("console", at(3)).await.is_none());
    assert_eq!(bench.claim("console", at(63)).await.unwrap().id, id);
}

#[tokio::test]
async fn a_crash_between_sending_and_recording_leaves_an_ambiguous_attempt_and_no_lease() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    let id = bench.queue("console", &occurrence, FIRING, at(1)).await;
    bench.claim("console", at(2)).await.unwrap();
    bench.store.begin_attempt(&id, "content", None, at(2)).await.unwrap();
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
    bench.claim("console", at(2)).await.unwrap();
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
    let a = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue("console", &a, FIRING, at(1)).await;
    let b = bench.see(&alert("B", None), at(100)).await;
    let second = bench.queue("console", &b, FIRING, at(100)).await;
    assert_eq!(bench.status(&first).await, ("suppressed".to_owned(), Some("superseded".to_owned())));
    let claimed = bench.claim("console", at(700)).await.unwrap();
    assert_eq!(claimed.id, second);
    assert_eq!(claimed.waiting_since, at(1));
    assert!(claimed.message.late);
    assert_eq!(claimed.message.kind, Kind::New);
    let changes: Vec<Change> = claimed.message.alerts.iter().map(|alert| alert.change).collect();
    assert_eq!(changes, [Change::New, Change::New]);
}

#[tokio::test]
async fn the_newest_state_is_told_when_an_alert_ends_before_it_was_told() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue("console", &a, FIRING, at(1)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    bench.queue("console", &a, RESOLVED, at(60)).await;
    assert_eq!(bench.status(&first).await.0, "suppressed");
    let claimed = bench.claim("console", at(61)).await.unwrap();
    assert_eq!((claimed.message.kind, claimed.message.status), (Kind::Resolved, Status::Resolved));
    bench.end(&claimed, &delivered(), Next::Done, at(61)).await;
    assert!(bench.claim("console", at(62)).await.is_none());
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
    assert!(!bench.end(&under_way, &delivered(), Next::Done, at(5)).await);
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
    assert!(bench.end(&under_way, &refused(), Next::Again(at(60)), at(4)).await);
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
    assert!(!bench.end(&claimed, &refused(), Next::Again(at(60)), at(4)).await);
    assert_eq!(bench.store.next_due("console").await.unwrap(), Some(at(60)));
    assert!(bench.claim("console", at(59)).await.is_none());
    assert_eq!(bench.claim("console", at(60)).await.unwrap().attempts, 1);
    assert_eq!(bench.store.next_due("other").await.unwrap(), None);
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
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let backlog = Backlog { channel: "console".to_owned(), waiting: 1, oldest: at(1) };
    assert_eq!(bench.store.backlogs().await.unwrap(), [backlog]);
}

#[tokio::test]
async fn after_a_full_disk_nothing_is_called_committed_that_is_not() {
    let bench = Bench::new().await;
    let fill = |i: i64| {
        let store = bench.store.clone();
        async move {
            let mut transaction = store.begin().await?;
            if i < 3 {
                // a disk that is full for this connection; what SQLite does then does not depend on why
                sqlx::raw_sql("pragma max_page_count = 1").execute(transaction.connection()).await?;
            }
            let group = Group { key: "g".repeat(100_000), ..group() };
            transaction.note_webhook(&group, 1, 0, at(i)).await?;
            transaction.commit().await
        }
    };
    for i in 0..3 {
        assert!(fill(i).await.is_err(), "there was room for {i}");
    }
    for i in 3..6 {
        fill(i).await.unwrap();
    }
    let bench = bench.restarted().await;
    let stored: i64 =
        sqlx::query_scalar("select count(*) from webhooks").fetch_one(bench.store.readers()).await.unwrap();
    assert_eq!(stored, 3);
}
