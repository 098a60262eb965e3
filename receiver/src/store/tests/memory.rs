//! What is known of alerts is remembered for as long as it is so. Wherever anything is remembered in a test, it is compared with
//! what the database says.

use std::collections::{BTreeSet, HashMap};

use modelwatch_receiver_core::alert::Fingerprint;
use modelwatch_receiver_core::book::{AlertKey, Hearsay, Known};
use modelwatch_receiver_core::occurrence::{Report, observe};

use super::*;
use crate::store::memory::ALERTS;

fn key(name: &str) -> AlertKey {
    AlertKey { source: "am".to_owned(), fingerprint: alert(name, None).fingerprint(&BTreeSet::new()) }
}

/// What is known of alerts, and how many statements it took to know it.
async fn known(bench: &Bench, names: &[&str]) -> (HashMap<AlertKey, Known>, usize) {
    let keys: Vec<AlertKey> = names.iter().map(|name| key(name)).collect();
    let mut transaction = bench.store.begin().await.unwrap();
    let before = transaction.statements;
    let known = transaction.known(&keys).await.unwrap();
    let statements = transaction.statements - before;
    transaction.concerns_nothing_else();
    transaction.commit().await.unwrap();
    (known, statements)
}

/// Whether what is known of A and B is remembered now.
async fn is_remembered(bench: &Bench) -> bool {
    known(bench, &["A", "B"]).await.1 == 0
}

/// A and B fire, and it is known.
async fn two_known() -> (Bench, [String; 2]) {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let b = bench.see(&alert("B", None), at(1)).await;
    known(&bench, &["A", "B"]).await;
    (bench, [a, b])
}

#[tokio::test]
async fn what_is_known_is_not_looked_up_again_where_nobody_else_writes() {
    let (bench, _) = two_known().await;
    let is_alone = bench.store.dialect == Dialect::Sqlite;
    assert_eq!(is_remembered(&bench).await, is_alone);
    // what is not known is looked up, and only that
    let (found, statements) = known(&bench, &["A", "C"]).await;
    assert_eq!((found.len(), statements > 0), (1, true));
    assert_eq!(is_remembered(&bench).await, is_alone);
}

#[tokio::test]
async fn what_another_connection_writes_is_seen() {
    let (bench, [a, _]) = two_known().await;
    sqlx::query("update occurrences set seen_at = seen_at + 1000000 where id = $1")
        .bind(a)
        .execute(bench.store.writer())
        .await
        .unwrap();
    assert!(!is_remembered(&bench).await);
    assert_eq!(known(&bench, &["A"]).await.0[&key("A")].occurrence.seen_at, at(2));
}

#[tokio::test]
async fn what_becomes_of_a_message_is_known_of_its_alerts() {
    let (bench, [a, _]) = two_known().await;
    let told = async || known(&bench, &["A", "B"]).await.0[&key("A")].told.get("console").copied();
    assert_eq!(told().await, None);
    bench.queue("console", &a, FIRING, at(1)).await;
    assert!(told().await.is_some_and(|told| told.firing && !told.reached));
    let claimed = bench.claim("console", at(2)).await.unwrap();
    assert!(told().await.is_some_and(|told| told.reached), "it may be heard at any time");
    bench.end(&claimed, &refused(), Next::Again(Duration::ZERO), at(3)).await;
    assert!(told().await.is_some_and(|told| !told.reached), "it was not heard");
    let claimed = bench.claim_when_open("console", at(4)).await;
    bench.end(&claimed, &delivered(), Next::Done, at(5)).await;
    assert!(told().await.is_some_and(|told| told.heard == Some(Status::Firing)));
}

#[tokio::test]
async fn a_transaction_that_came_to_nothing_is_not_remembered() {
    let (bench, [a, _]) = two_known().await;
    let mut transaction = bench.store.begin().await.unwrap();
    let hearsay = Hearsay { seen: [(a, (at(60), None))].into(), ..Hearsay::default() };
    transaction.note_hearsay(&hearsay).await.unwrap();
    let seen = |found: HashMap<AlertKey, Known>| found[&key("A")].occurrence.seen_at;
    assert_eq!(seen(transaction.known(&[key("A")]).await.unwrap()), at(60));
    drop(transaction);
    assert_eq!(seen(known(&bench, &["A"]).await.0), at(1));
}

#[tokio::test]
async fn more_than_there_is_room_for_is_looked_up_and_nothing_is_mixed_up() {
    let (bench, _) = two_known().await;
    let mut transaction = bench.store.begin().await.unwrap();
    let known = transaction.known(&[key("A"), key("B")]).await.unwrap();
    let filler = |number: usize| {
        let known = Known { id: format!("filler {number}"), ..known[&key("A")].clone() };
        (AlertKey { source: format!("filler {number}"), ..key("A") }, known)
    };
    transaction.memory().keep(&(0..ALERTS - 1).map(filler).collect());
    assert!(transaction.memory().of(&key("A")).is_none());
    transaction.memory().keep(&(0..2 * ALERTS).map(filler).collect());
    transaction.memory().keep(&known);
    assert_eq!(transaction.memory().of(&key("B")), known.get(&key("B")));
}

#[tokio::test]
async fn what_is_many_alerts_but_for_ignored_labels_is_looked_up_each_time() {
    let (bench, _) = two_known().await;
    let mut transaction = bench.store.begin().await.unwrap();
    let mut known = transaction.known(&[key("A")]).await.unwrap();
    for number in 1..40_u64 {
        let member = Fingerprint::try_from(format!("{number:016x}")).unwrap();
        let report = Report { member, ..alert("A", None).report() };
        let one = known.get_mut(&key("A")).unwrap();
        one.occurrence = observe(Some(&one.occurrence), report, at(2), bench::WINDOWS).into_occurrence();
        transaction.memory().forget_all();
        transaction.memory().keep(&known);
        assert_eq!(transaction.memory().of(&key("A")).is_some(), number < 32, "{} members", number + 1);
    }
}
