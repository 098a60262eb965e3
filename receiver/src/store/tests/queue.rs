//! A long queue: who is next, and what it costs to know.

use modelwatch_receiver_core::retry::Next;
use sqlx::{AssertSqlSafe, Row as _};

use super::bench::{Bench, FIRING, alert, at, refused};
use super::*;
use crate::store::outbox::lease_sql;

/// How the database goes about claiming, a line for each step.
async fn plan_of_a_claim(bench: &Bench) -> String {
    let explain = match bench.store.dialect {
        Dialect::Sqlite => "explain query plan",
        Dialect::Postgres => "explain (costs off)",
    };
    let mut transaction = bench.store.begin().await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(format!("{explain} {}", lease_sql())))
        .bind("console")
        .bind(0_i64)
        .bind("somebody")
        .fetch_all(transaction.connection())
        .await
        .unwrap();
    let column = rows[0].columns().len() - 1;
    rows.iter().map(|row| row.try_get::<String, _>(column).unwrap() + "\n").collect()
}

#[tokio::test]
async fn an_index_knows_who_is_next_however_many_wait() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    for group in 0..50 {
        bench.queue_in(&group.to_string(), &a, FIRING, at(1)).await;
    }
    let plan = plan_of_a_claim(&bench).await;
    assert!(plan.contains("notifications_ready"), "{plan}");
    for sorted in ["Sort", "TEMP B-TREE"] {
        assert!(!plan.contains(sorted), "{plan}");
    }
    for looked_through in ["Seq Scan", "SCAN n", "Hash", "Merge"] {
        assert!(!plan.contains(looked_through), "{plan}");
    }
}

#[tokio::test]
async fn what_was_postponed_goes_before_what_came_later_once_it_is_due() {
    let bench = Bench::new().await;
    for (second, name) in (1..).zip(["A", "B", "C"]) {
        bench.hold(second);
        let occurrence = bench.see(&alert(name, None), at(second)).await;
        bench.queue_in(name, &occurrence, FIRING, at(second)).await;
    }
    let first = bench.claim("console", at(3)).await.unwrap();
    bench.end(&first, &refused(), Next::Again(Duration::from_secs(10)), at(3)).await;
    let second = bench.claim("console", at(4)).await.unwrap();
    assert_eq!(second.message.group, "B", "the first is not due");
    assert_eq!(bench.store.next_due("console").await.unwrap(), Some(Duration::ZERO));
    bench.hold(13);
    assert_eq!(bench.claim("console", at(13)).await.unwrap().id, first.id);
    let third = bench.claim("console", at(13)).await.unwrap();
    for claimed in [second, third] {
        bench.end(&claimed, &refused(), Next::Again(Duration::from_secs(7)), at(13)).await;
    }
    assert_eq!(bench.store.next_due("console").await.unwrap(), Some(Duration::from_secs(7)));
}
