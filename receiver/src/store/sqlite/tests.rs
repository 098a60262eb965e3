use std::path::Path;
use std::time::Duration;

use modelwatch_receiver_core::alert::Group;
use modelwatch_receiver_core::retry::{MAX_RETRY_AFTER, Next};
use sqlx::AnyPool;

use super::{PRAGMAS, connect};
use crate::store::tests::bench::{self, Bench, FIRING, alert, at, group, refused};
use crate::store::{Place, Store, StoreError, schema};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn one_process_serves_a_store_and_others_may_read_it() {
    let bench = Bench::new().await;
    let second = Store::open(&bench.place()).await.err().unwrap();
    assert!(matches!(second, StoreError::InUse(_)), "{second}");
    Store::open_to_read(&bench.place()).await.unwrap();
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
async fn a_clock_that_went_back_holds_nothing_back() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(7200)).await;
    bench.queue("console", &a, FIRING, at(7200)).await;
    let claimed = bench.claim("console", at(1)).await.unwrap();
    bench.end(&claimed, &refused(), Next::Again(24 * HOUR), at(1)).await;
    let bench = bench.restarted().await;
    let left = bench.store.next_due("console").await.unwrap().unwrap();
    assert!(left > Duration::ZERO && left <= HOUR, "{left:?}");
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
            bench::note(&mut transaction, group, at(i)).await?;
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

#[tokio::test]
async fn a_clock_that_went_back_keeps_no_destination_shut() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let mut transaction = bench.store.begin().await.unwrap();
    transaction.shut_gate("console", jiff::Timestamp::MAX).await.unwrap();
    transaction.commit().await.unwrap();
    let bench = bench.restarted().await;
    assert!(bench.store.next_due("console").await.unwrap().unwrap() <= MAX_RETRY_AFTER);
}

/// A notification of a store whose tables are those of the fourth step.
fn waiting(id: &str, status: &str, due_at: i64, times: (i64, i64)) -> String {
    let (late, (waiting_since, patience_from)) = (1, times);
    format!(
        "insert into notifications (id, number, channel, source, group_key, group_labels, external_url, truncated_alerts,
             created_at, waiting_since, kind, late, status, due_at, message, group_id, patience_from)
         values ('{id}', 1, 'console', 'am', '{id}', '{{}}', '', 0, 1, {waiting_since}, 'new', {late}, '{status}',
             {due_at}, '{{}}', '{id}', {patience_from});"
    )
}

/// A store as a receiver made it that knew the tables up to that version.
async fn store_of(path: &Path, version: i64) -> AnyPool {
    let writer = connect(path, "rwc", 1, PRAGMAS).await.unwrap();
    let steps = schema::migrator().iter().filter(|step| step.version <= version).cloned().collect();
    sqlx::migrate::Migrator::with_migrations(steps).run(&writer).await.unwrap();
    writer
}

#[tokio::test]
async fn labels_from_before_they_knew_states_are_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("receiver.db");
    let writer = store_of(&path, 8).await;
    let labelled =
        "update notifications set labelled = 1; insert into labels (pair, created_at) values (5, 1)";
    for rows in [waiting("over", "delivered", 0, (1, 1)), labelled.to_owned()] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&writer).await.unwrap();
    }
    writer.close().await;
    let store = Store::open(&path).await.unwrap();
    let [labels, unlabelled] =
        ["select count(*) from labels", "select count(*) from notifications where labelled_as <> status"];
    let count =
        async |select| -> i64 { sqlx::query_scalar(select).fetch_one(store.readers()).await.unwrap() };
    assert_eq!((count(labels).await, count(unlabelled).await), (0, 1));
    store.label().await.unwrap();
    assert_eq!(count(unlabelled).await, 0);
}

#[tokio::test]
async fn a_store_from_before_knows_what_is_due_and_who_was_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("receiver.db");
    let writer = store_of(&path, 4).await;
    let far = jiff::Timestamp::now().as_microsecond() + 1_000_000_000;
    let rows = [
        waiting("new", "pending", 0, (5, 5)),
        waiting("postponed", "pending", far, (2, 2)),
        waiting("replayed", "pending", 0, (1, 7)),
        waiting("over", "delivered", far, (1, 7)),
    ];
    for row in rows {
        sqlx::raw_sql(sqlx::AssertSqlSafe(row)).execute(&writer).await.unwrap();
    }
    writer.close().await;
    let store = Store::open(&path).await.unwrap();
    let known: Vec<(String, i64, i64)> =
        sqlx::query_as("select id, ready, replayed from notifications order by id")
            .fetch_all(store.readers())
            .await
            .unwrap();
    let known: Vec<_> = known.iter().map(|(id, ready, replayed)| (id.as_str(), *ready, *replayed)).collect();
    assert_eq!(known, [("new", 1, 0), ("over", 1, 0), ("postponed", 0, 0), ("replayed", 1, 1)]);
    assert_eq!(store.next_due("console").await.unwrap(), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_store_that_is_locked_or_whose_disk_is_full_is_named_with_what_to_do() {
    let bench = Bench::new().await;
    let Place::File(path) = bench.place() else { panic!("not a file") };
    let full = StoreError::Database("database or disk is full".to_owned()).at(&bench.place()).to_string();
    let named = format!("storage.url: {} cannot be used as a store: ", path.display());
    assert_eq!(full, format!("{named}its disk is full; make room there"));
    bench.store.close().await;
    let other = connect(&path, "rwc", 1, PRAGMAS).await.unwrap();
    drop(bench.store);
    let mut holder = other.acquire().await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut *holder).await.unwrap();
    let locked = Store::open(&path).await.err().unwrap().to_string();
    assert_eq!(locked, format!("{named}another program keeps it locked; end that, or wait until it is done"));
}
