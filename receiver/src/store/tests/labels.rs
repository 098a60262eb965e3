use modelwatch_receiver_core::message::{Message, Pair};

use super::bench::*;

async fn labelled(bench: &Bench) -> i64 {
    count(bench, "select count(*) from notifications where labelled = 1").await
}

async fn count(bench: &Bench, select: &'static str) -> i64 {
    sqlx::query_scalar(select).fetch_one(bench.store.readers()).await.unwrap()
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
    assert_eq!(count(&bench, "select count(*) from labels").await, 1, "it is the same label");
}

#[tokio::test]
async fn labels_are_forgotten_with_what_had_them() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(0)).await;
    bench.queue("console", &occurrence, FIRING, at(0)).await;
    bench.store.label().await.unwrap();
    while bench.store.prune(at(0)).await.unwrap() {}
    assert_eq!(count(&bench, "select count(*) from labels").await, 1);
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
    }
    assert!(!pairs.contains(&Pair::of("alertname", "other")));
    assert_ne!(Pair::of("a", "bc"), Pair::of("ab", "c"));
}
