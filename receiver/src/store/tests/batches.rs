//! What a batch of webhooks changes is read and written at once, and comes to the same as one after the other.

use std::collections::{BTreeSet, HashMap};

use modelwatch_receiver_core::book::{
    AlertKey, Changes, Hearsay, Known, Notice, Receipt, Times, Won, Written,
};
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::occurrence::{Occurrence, Sighting, observe};

use super::bench::{WINDOWS, wording};
use super::*;

fn key(name: &str) -> AlertKey {
    AlertKey { source: "am".to_owned(), fingerprint: alert(name, None).fingerprint(&BTreeSet::new()) }
}

fn opened(id: &str, alert: &Alert, second: i64) -> Written {
    let Sighting::Opened(occurrence) = observe(None, alert.report(), at(second), WINDOWS) else {
        panic!("nothing is known before")
    };
    let check_at = occurrence.check_at(WINDOWS);
    let key = key(&alert.labels["alertname"]);
    let copy = Some((alert.clone(), group(), 7));
    Written { id: id.to_owned(), key, is_new: true, occurrence, check_at, copy }
}

fn won(channel: &str, occurrence: &str, transition: Transition) -> Won {
    Won { channel: channel.to_owned(), occurrence: occurrence.to_owned(), transition, suppressed: None }
}

fn notice(id: &str, key: &str, second: i64, mentions: &[&str]) -> Notice {
    Notice {
        id: id.to_owned(),
        channel: "console".to_owned(),
        group: Group { key: key.to_owned(), ..group() },
        at: at(second),
        mentions: mentions.iter().map(|id| (*id).to_owned()).collect(),
    }
}

async fn write(bench: &Bench, changes: &Changes, second: i64) -> Unsent {
    let mut transaction = bench.store.begin().await.unwrap();
    let superseded = transaction.write(changes, &wording(), at(second)).await.unwrap();
    transaction.commit().await.unwrap();
    superseded
}

async fn known(bench: &Bench, names: &[&str]) -> HashMap<AlertKey, Known> {
    let keys: Vec<AlertKey> = names.iter().map(|name| key(name)).collect();
    let mut transaction = bench.store.begin().await.unwrap();
    let known = transaction.known(&keys).await.unwrap();
    transaction.commit().await.unwrap();
    known
}

async fn message(bench: &Bench, notification: &str) -> Option<Message> {
    bench.store.notification(notification).await.unwrap().unwrap().message
}

/// A and B fire, and `console` is to be told of both.
fn two_fire() -> Changes {
    Changes {
        receipts: vec![Receipt { group: group(), at: at(1), firing: 2, resolved: 0 }],
        occurrences: vec![opened("a1", &alert("A", None), 1), opened("b1", &alert("B", None), 1)],
        won: vec![won("console", "a1", FIRING), won("console", "b1", FIRING)],
        notices: vec![notice("n1", "g", 1, &["a1", "b1"])],
        beats: [("prometheus".to_owned(), at(1))].into(),
    }
}

#[tokio::test]
async fn what_a_batch_wrote_is_known_to_the_next() {
    let bench = Bench::new().await;
    assert_eq!(known(&bench, &["A"]).await, HashMap::new());
    let changes = two_fire();
    assert_eq!(write(&bench, &changes, 1).await, Unsent::new());
    let known = known(&bench, &["A", "B", "C", "A"]).await;
    assert_eq!(known.len(), 2);
    let a = &known[&key("A")];
    assert_eq!((a.id.as_str(), a.copy), ("a1", 7));
    assert_eq!(a.occurrence, changes.occurrences[0].occurrence);
    let told = Told { firing: true, last_at: Some(at(1)), ..Told::default() };
    assert_eq!(a.told, [("console".to_owned(), told)].into());
    assert_eq!(bench.store.last_beat("prometheus").await.unwrap(), Some(at(1)));
    let claimed = bench.claim("console", at(2)).await.unwrap();
    assert_eq!((claimed.id.as_str(), claimed.message.title().as_str()), ("n1", "[FIRING:2] A, B"));
}

#[tokio::test]
async fn repeats_and_ends_are_known_with_the_last_mention() {
    let bench = Bench::new().await;
    write(&bench, &two_fire(), 1).await;
    let repeat = Transition { repeat: 3, ..FIRING };
    let off = Won { suppressed: Some(Suppression::ResolvedOff), ..won("mail", "a1", RESOLVED) };
    let changes = Changes {
        won: vec![won("console", "a1", repeat), won("mail", "a1", FIRING), off],
        notices: vec![notice("n2", "other", 500, &["a1"])],
        ..Changes::default()
    };
    write(&bench, &changes, 500).await;
    let known = known(&bench, &["A", "B"]).await;
    let console =
        Told { firing: true, resolved: false, repeats: 3, last_at: Some(at(500)), ..Told::default() };
    assert_eq!(known[&key("A")].told["console"], console);
    let mail = Told { firing: true, resolved: true, last_at: Some(at(500)), ..Told::default() };
    assert_eq!(known[&key("A")].told["mail"], mail, "told because of a webhook then");
    assert_eq!(known[&key("B")].told["console"].last_at, Some(at(1)));
}

#[tokio::test]
async fn an_alert_that_came_and_went_within_a_batch_has_its_occurrences_in_order() {
    let bench = Bench::new().await;
    write(&bench, &two_fire(), 1).await;
    let known_before = known(&bench, &["A"]).await.remove(&key("A")).unwrap();
    let ended = observe(Some(&known_before.occurrence), alert("A", Some(at(5))).report(), at(6), WINDOWS);
    let over = Written {
        id: known_before.id,
        key: key("A"),
        is_new: false,
        occurrence: ended.occurrence().clone(),
        check_at: None,
        copy: None,
    };
    let between = opened("a2", &Alert { starts_at: at(7), ..alert("A", Some(at(8))) }, 8);
    let newest = opened("a3", &Alert { starts_at: at(9), ..alert("A", None) }, 10);
    let changes = Changes { occurrences: vec![over, between, newest], ..Changes::default() };
    write(&bench, &changes, 10).await;
    assert_eq!(known(&bench, &["A"]).await[&key("A")].id, "a3");
    let numbers: Vec<(String, i64, String)> =
        sqlx::query_as("select id, number, state from occurrences where id like 'a%' order by number")
            .fetch_all(bench.store.readers())
            .await
            .unwrap();
    let rows: Vec<(&str, i64, &str)> =
        numbers.iter().map(|(id, number, state)| (id.as_str(), *number, state.as_str())).collect();
    assert_eq!(rows, [("a1", 1, "resolved"), ("a2", 2, "resolved"), ("a3", 3, "firing")]);
}

#[tokio::test]
async fn the_last_of_a_batch_takes_the_place_of_all_that_wait_and_are_not_under_way() {
    let bench = Bench::new().await;
    write(&bench, &two_fire(), 1).await;
    bench.hold(3);
    let under_way = bench.claim("console", at(2)).await.unwrap();
    let waits = Changes {
        occurrences: vec![opened("c1", &alert("C", None), 3)],
        won: vec![won("console", "c1", FIRING)],
        notices: vec![notice("n2", "g", 3, &["c1"]), notice("m1", "other", 3, &["c1"])],
        ..Changes::default()
    };
    write(&bench, &waits, 3).await;
    bench.hold(9);
    let burst = Changes {
        occurrences: vec![opened("d1", &alert("D", None), 9), opened("e1", &alert("E", None), 9)],
        won: vec![won("console", "d1", FIRING), won("console", "e1", FIRING)],
        notices: vec![notice("n3", "g", 9, &["d1"]), notice("n4", "g", 9, &["e1"])],
        ..Changes::default()
    };
    assert_eq!(
        write(&bench, &burst, 9).await,
        Unsent::from([(("console".to_owned(), Suppression::Superseded), 2)])
    );
    for superseded in ["n2", "n3"] {
        let status = bench.status(superseded).await;
        assert_eq!(status, ("suppressed".to_owned(), Some("superseded".to_owned())), "{superseded}");
        assert!(message(&bench, superseded).await.is_some(), "{superseded} is in the history with its words");
    }
    assert_eq!(bench.status("m1").await.0, "pending", "another group is not touched");
    assert_eq!(bench.status("n1").await.0, "pending", "what is under way goes its way");
    bench.end(&under_way, &delivered(), Next::Done, at(10)).await;
    let claimed = bench.claim("console", at(11)).await.unwrap();
    assert_eq!((claimed.id.as_str(), claimed.waiting_since), ("m1", at(3)));
    bench.end(&claimed, &delivered(), Next::Done, at(11)).await;
    let claimed = bench.claim("console", at(11)).await.unwrap();
    assert_eq!((claimed.id.as_str(), claimed.waiting_since), ("n4", at(3)));
    assert_eq!(claimed.message.title(), "[FIRING:3] C, D, E");
    assert_eq!(known(&bench, &["C"]).await[&key("C")].told["console"].last_at, Some(at(9)));
}

#[tokio::test]
async fn what_was_superseded_is_counted_for_each_alert() {
    let bench = Bench::new().await;
    for (second, id) in [(1, "n1"), (5, "n2"), (9, "n3")] {
        let changes = if id == "n1" { two_fire() } else { Changes::default() };
        let notices = vec![notice(id, "g", second, &["a1"])];
        write(&bench, &Changes { notices, ..changes }, second).await;
    }
    let counted: Vec<(String, String, i64, i64, i64)> =
        sqlx::query_as("select occurrence, reason, times, first_at, last_at from suppressions")
            .fetch_all(bench.store.readers())
            .await
            .unwrap();
    let (first, last) = (at(5).as_microsecond(), at(9).as_microsecond());
    assert_eq!(counted, [("a1".to_owned(), "superseded".to_owned(), 2, first, last)]);
}

#[tokio::test]
async fn a_damaged_older_alert_costs_only_the_words_of_what_mentions_it() {
    let bench = Bench::new().await;
    write(&bench, &two_fire(), 1).await;
    sqlx::query("update occurrences set labels = '{' where id = 'a1'")
        .execute(bench.store.writer())
        .await
        .unwrap();
    let changes = Changes {
        notices: vec![notice("broken", "x", 2, &["a1"]), notice("whole", "y", 2, &["b1"])],
        ..Changes::default()
    };
    write(&bench, &changes, 2).await;
    assert_eq!(message(&bench, "broken").await, None);
    assert_eq!(message(&bench, "whole").await.unwrap().title(), "[FIRING:1] B");
}

#[tokio::test]
async fn a_damaged_occurrence_gives_way_to_a_new_one() {
    let bench = Bench::new().await;
    write(&bench, &two_fire(), 1).await;
    sqlx::query("update occurrences set detail = '{' where id = 'a1'")
        .execute(bench.store.writer())
        .await
        .unwrap();
    let found = known(&bench, &["A", "B"]).await;
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [key("B")]);
    let again = opened("a2", &alert("A", None), 9);
    write(&bench, &Changes { occurrences: vec![again], ..Changes::default() }, 9).await;
    assert_eq!(known(&bench, &["A"]).await[&key("A")].id, "a2");
}

#[tokio::test]
async fn hearsay_moves_time_forward_only_and_adds_up() {
    let bench = Bench::new().await;
    write(&bench, &two_fire(), 1).await;
    let untold = |times, first, last| {
        let key = ("console".to_owned(), "a1".to_owned(), Suppression::Duplicate);
        (key, Times { times, first_at: at(first), last_at: at(last) })
    };
    let heard = [
        Hearsay {
            seen: [("a1".to_owned(), (at(50), Some(at(900))))].into(),
            untold: [untold(2, 40, 50)].into(),
        },
        Hearsay {
            seen: [("a1".to_owned(), (at(30), Some(at(99_999))))].into(),
            untold: [untold(3, 20, 30)].into(),
        },
    ];
    for hearsay in &heard {
        let mut transaction = bench.store.begin().await.unwrap();
        transaction.note_hearsay(hearsay).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let Occurrence { seen_at, .. } = known(&bench, &["A"]).await[&key("A")].occurrence;
    assert_eq!(seen_at, at(50));
    let row: (i64, i64, i64) = sqlx::query_as("select times, first_at, last_at from suppressions")
        .fetch_one(bench.store.readers())
        .await
        .unwrap();
    assert_eq!(row, (5, at(20).as_microsecond(), at(50).as_microsecond()));
}

#[tokio::test]
async fn hearsay_looks_again_at_what_fires_and_not_at_what_is_over() {
    let bench = Bench::new().await;
    let mut changes = two_fire();
    let over = opened("b1", &alert("B", Some(at(1))), 1);
    changes.occurrences[1] = over;
    write(&bench, &changes, 1).await;
    let later = (at(50), Some(at(90_000)));
    let hearsay =
        Hearsay { seen: [("a1".to_owned(), later), ("b1".to_owned(), later)].into(), ..Hearsay::default() };
    let mut transaction = bench.store.begin().await.unwrap();
    transaction.note_hearsay(&hearsay).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!bench.store.has_due_occurrences(at(80_000)).await.unwrap());
    let mut transaction = bench.store.begin().await.unwrap();
    let due = transaction.due_occurrences(at(90_000), 9).await.unwrap();
    assert_eq!(due.iter().map(|due| due.stored.id.as_str()).collect::<Vec<_>>(), ["a1"]);
}

#[tokio::test]
async fn beats_do_not_go_backwards() {
    let bench = Bench::new().await;
    for second in [9, 3] {
        let beats = [("prometheus".to_owned(), at(second))].into();
        write(&bench, &Changes { beats, ..Changes::default() }, second).await;
    }
    assert_eq!(bench.store.last_beat("prometheus").await.unwrap(), Some(at(9)));
}

#[tokio::test]
async fn a_large_batch_takes_as_many_statements_as_a_small_one() {
    let mut counts = Vec::new();
    for size in [2, 200] {
        let bench = Bench::new().await;
        write(&bench, &two_fire(), 1).await;
        let mut changes = Changes::default();
        let mut hearsay = Hearsay::default();
        let mut keys = Vec::new();
        for i in 0..size {
            let (id, name) = (format!("o{i}"), format!("N{i}"));
            let written = opened(&id, &alert(&name, None), 2);
            hearsay.seen.insert(id.clone(), (at(9), None));
            keys.push(written.key.clone());
            changes.receipts.push(Receipt { group: group(), at: at(2), firing: 1, resolved: 0 });
            changes.occurrences.push(written);
            changes.won.push(won("console", &id, FIRING));
            changes.notices.push(notice(&format!("n{name}"), "g", 2, &[&id]));
        }
        let mut transaction = bench.store.begin().await.unwrap();
        let before = transaction.statements;
        transaction.known(&keys).await.unwrap();
        let superseded = transaction.write(&changes, &wording(), at(2)).await.unwrap();
        transaction.note_hearsay(&hearsay).await.unwrap();
        let superseded = superseded[&("console".to_owned(), Suppression::Superseded)];
        assert_eq!(superseded, size, "all but the last, and the one that waited");
        assert_eq!(transaction.known(&keys).await.unwrap().len(), size);
        counts.push(transaction.statements - before);
        transaction.commit().await.unwrap();
        let claimed = bench.claim("console", at(3)).await.unwrap();
        assert_eq!(claimed.message.alerts.len(), size + 2);
    }
    assert_eq!(counts[0], counts[1]);
    assert!(counts[0] <= 25, "{counts:?}");
}

#[tokio::test]
async fn what_was_not_told_is_forgotten_with_its_alert_or_by_itself() {
    let bench = Bench::new().await;
    let mut changes = two_fire();
    changes.occurrences[1] = opened("b1", &alert("B", Some(at(1))), 1);
    changes.notices.clear();
    write(&bench, &changes, 1).await;
    let untold = |occurrence: &str, second| {
        let fed = occurrence.starts_with("heartbeat/");
        let reason = if fed { Suppression::Heartbeat } else { Suppression::NoRoute };
        let key = (String::new(), occurrence.to_owned(), reason);
        (key, Times { times: 1, first_at: at(1), last_at: at(second) })
    };
    let untold = [untold("a1", 1), untold("b1", 1), untold("heartbeat/old", 1), untold("heartbeat/new", 70)];
    let mut transaction = bench.store.begin().await.unwrap();
    transaction.note_hearsay(&Hearsay { untold: untold.into(), ..Hearsay::default() }).await.unwrap();
    transaction.commit().await.unwrap();
    while bench.store.prune(at(50)).await.unwrap() {}
    let left: Vec<String> = sqlx::query_scalar("select occurrence from suppressions order by occurrence")
        .fetch_all(bench.store.readers())
        .await
        .unwrap();
    assert_eq!(left, ["a1", "heartbeat/new"], "what fires is kept, whatever its age");
}
