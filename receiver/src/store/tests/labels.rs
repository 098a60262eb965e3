use jiff::Timestamp;
use modelwatch_receiver_core::message::{Message, Pair};
use modelwatch_receiver_core::retry::Next;

use super::bench::*;
use crate::store::Slice;

async fn labelled(bench: &Bench) -> i64 {
    count(bench, "select count(*) from notifications where labelled_as = status").await
}

/// How many labels there are of what is pending and of what is delivered.
async fn labels(bench: &Bench) -> [i64; 2] {
    let pending = count(bench, "select count(*) from labels where state = 0").await;
    [pending, count(bench, "select count(*) from labels where state = 1").await]
}

async fn deliver(bench: &Bench, channel: &str, now: Timestamp) {
    let claimed = bench.claim(channel, now).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, now).await;
}

async fn count(bench: &Bench, select: &'static str) -> i64 {
    sqlx::query_scalar(select).fetch_one(bench.store.readers()).await.unwrap()
}

#[tokio::test]
async fn of_labels_that_came_together_no_more_are_forgotten_at_once_than_of_others() {
    let bench = Bench::new().await;
    for pair in 0..700 {
        sqlx::query("insert into labels (pair, state, created_at) values ($1, 0, 1)")
            .bind(i64::from(pair))
            .execute(bench.store.writer())
            .await
            .unwrap();
    }
    let mut left: Vec<i64> = Vec::new();
    while bench.store.prune(at(0)).await.unwrap() {
        left.push(count(&bench, "select count(*) from labels").await);
    }
    assert_eq!(left, [200, 0]);
}

#[tokio::test]
async fn what_is_put_into_words_again_is_labelled_again() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(0)).await;
    bench.queue("console", &occurrence, FIRING, at(0)).await;
    bench.store.label().await.unwrap();
    assert_eq!(labelled(&bench).await, 1);
    assert!(bench.claim("console", at(1)).await.is_some());
    assert_eq!(labelled(&bench).await, 0);
    bench.store.label().await.unwrap();
    assert_eq!(labelled(&bench).await, 1);
    assert_eq!(count(&bench, "select count(*) from labels").await, 2, "it is the same label");
}

#[tokio::test]
async fn a_label_stands_for_the_state_that_what_was_told_is_in() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(0)).await;
    bench.queue("console", &occurrence, FIRING, at(0)).await;
    bench.store.label().await.unwrap();
    assert_eq!(labels(&bench).await, [2, 0]);
    deliver(&bench, "console", at(1)).await;
    assert_eq!(labelled(&bench).await, 0);
    bench.store.label().await.unwrap();
    assert_eq!((labelled(&bench).await, labels(&bench).await), (1, [0, 2]));
}

#[tokio::test]
async fn labels_of_a_state_last_for_as_long_as_something_accepted_then_is_in_it() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(0)).await;
    let told = bench.queue("console", &occurrence, FIRING, at(0)).await;
    let waits = bench.queue("mails", &occurrence, FIRING, at(0)).await;
    bench.store.label().await.unwrap();
    assert_eq!(labels(&bench).await, [3, 0], "the label, and that with each of the two channels");
    deliver(&bench, "console", at(1)).await;
    for is_labelled in [false, true] {
        if is_labelled {
            bench.store.label().await.unwrap();
            assert_eq!(labels(&bench).await, [3, 2]);
        }
        let named = Slice { labels: [Some(("alertname", "A")), None], ..everything() };
        assert_eq!(found(&bench, Slice { status: "pending", ..named.clone() }).await, [waits.as_str()]);
        assert_eq!(found(&bench, Slice { status: "delivered", ..named.clone() }).await, [told.as_str()]);
        assert_eq!(found(&bench, Slice { status: "dead", ..named.clone() }).await, [""; 0]);
        let there = Slice { status: "pending", channel: "console", ..named.clone() };
        assert_eq!(found(&bench, there).await, [""; 0]);
        assert_eq!(found(&bench, named).await.len(), 2);
    }
    deliver(&bench, "mails", at(2)).await;
    bench.store.label().await.unwrap();
    assert_eq!(labels(&bench).await, [0, 3]);
}

fn everything() -> Slice<'static> {
    let (since, until, before) = (Timestamp::MIN, Timestamp::MAX, (Timestamp::MAX, ""));
    Slice { since, until, before, status: "", channel: "", labels: [None; 2], limit: 10 }
}

async fn found(bench: &Bench, slice: Slice<'_>) -> Vec<String> {
    let found = bench.store.notifications(&slice).await.unwrap();
    found.into_iter().map(|notification| notification.id).collect()
}

#[tokio::test]
async fn what_was_told_is_found_by_everything_it_can_be_looked_for_by() {
    let bench = Bench::new().await;
    let (a, b) = (bench.see(&alert("A", None), at(0)).await, bench.see(&alert("B", None), at(0)).await);
    let older = bench.queue_in("g", &a, FIRING, at(1)).await;
    let newer = bench.queue("mails", &a, FIRING, at(2)).await;
    let other = bench.queue("pagers", &b, FIRING, at(2)).await;
    let all = everything();
    let label = |value| [Some(("alertname", value)), None];
    for is_labelled in [false, true] {
        if is_labelled {
            bench.store.label().await.unwrap();
        }
        assert_eq!(found(&bench, all.clone()).await.len(), 3);
        assert_eq!(found(&bench, Slice { channel: "console", ..all.clone() }).await, [older.as_str()]);
        let waits = Slice { channel: "console", status: "pending", ..all.clone() };
        assert_eq!(found(&bench, waits).await, [older.as_str()]);
        assert_eq!(found(&bench, Slice { labels: label("B"), ..all.clone() }).await, [other.as_str()]);
        let named = Slice { labels: label("A"), ..all.clone() };
        assert_eq!(found(&bench, named.clone()).await, [newer.as_str(), older.as_str()]);
        assert_eq!(found(&bench, Slice { limit: 1, ..named.clone() }).await, [newer.as_str()]);
        let next = Slice { before: (at(2), newer.as_str()), ..named.clone() };
        assert_eq!(found(&bench, next).await, [older.as_str()]);
        assert_eq!(found(&bench, Slice { channel: "mails", ..named.clone() }).await, [newer.as_str()]);
        assert_eq!(found(&bench, Slice { since: at(2), ..named.clone() }).await, [newer.as_str()]);
        assert_eq!(found(&bench, Slice { until: at(1), ..named.clone() }).await, [older.as_str()]);
        let twice = [Some(("alertname", "A")), Some(("alertname", "B"))];
        assert_eq!(found(&bench, Slice { labels: twice, ..all.clone() }).await, [""; 0]);
    }
}

#[tokio::test]
async fn labels_are_forgotten_with_what_had_them() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(0)).await;
    bench.queue("console", &occurrence, FIRING, at(0)).await;
    bench.store.label().await.unwrap();
    while bench.store.prune(at(0)).await.unwrap() {}
    assert_eq!(count(&bench, "select count(*) from labels").await, 2);
    while bench.store.prune(at(1)).await.unwrap() {}
    assert_eq!(count(&bench, "select count(*) from labels").await, 0);
}

#[tokio::test]
async fn damaged_words_have_no_labels_and_are_not_looked_at_again() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(0)).await;
    bench.queue("console", &occurrence, FIRING, at(0)).await;
    let damage = sqlx::query("update notifications set message = '{'");
    damage.execute(bench.store.writer()).await.unwrap();
    bench.store.label().await.unwrap();
    assert_eq!((labelled(&bench).await, count(&bench, "select count(*) from labels").await), (1, 0));
}

#[test]
fn a_message_has_the_labels_of_all_its_alerts_once() {
    let message: Message = modelwatch_receiver_core::template::samples::mixed();
    let pairs = message.pairs();
    for (name, value) in message.alerts.iter().flat_map(|alert| &alert.labels) {
        assert!(pairs.contains(&Pair::of(name, value)));
        assert!(pairs.contains(&Pair::to(&message.channel, name, value)));
    }
    assert!(!pairs.contains(&Pair::of("alertname", "other")));
    assert_ne!(Pair::of("a", "bc"), Pair::of("ab", "c"));
    assert_ne!(Pair::to("a", "b", "c"), Pair::to("d", "b", "c"));
}
