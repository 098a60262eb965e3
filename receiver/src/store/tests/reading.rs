//! What the history and the dead man's switches read.

use modelwatch_receiver_core::retry::Next;

use super::super::read::fixtures::{Remembered, at as second, remember};
use super::*;

fn slice() -> Slice<'static> {
    Slice {
        since: second(0),
        until: second(9_999),
        before: (jiff::Timestamp::MAX, ""),
        status: "",
        channel: "",
        labels: [None, None],
        limit: 10,
    }
}

async fn ids(bench: &Bench, slice: &Slice<'_>) -> Vec<String> {
    let found = bench.store.notifications(slice).await.unwrap();
    found.into_iter().map(|notification| notification.id).collect()
}

#[tokio::test]
async fn the_history_is_read_from_the_newest_by_time_status_channel_and_label() {
    let bench = Bench::new().await;
    for (id, channel, at, status) in
        [("n1", "ops", 1_000, "delivered"), ("n2", "mail", 2_000, "dead"), ("n3", "ops", 3_000, "pending")]
    {
        let row = Remembered { id, channel, created_at: second(at), status, ..Remembered::default() };
        remember(&bench.store, row).await;
    }
    assert_eq!(ids(&bench, &slice()).await, ["n3", "n2", "n1"]);
    assert_eq!(ids(&bench, &Slice { limit: 2, ..slice() }).await, ["n3", "n2"]);
    assert_eq!(ids(&bench, &Slice { before: (second(2_000), "n2"), ..slice() }).await, ["n1"]);
    assert_eq!(ids(&bench, &Slice { since: second(2_000), until: second(2_500), ..slice() }).await, ["n2"]);
    assert_eq!(ids(&bench, &Slice { channel: "ops", status: "delivered", ..slice() }).await, ["n1"]);
    let alert = bench.store.notification("n1").await.unwrap().unwrap().message.unwrap().alerts.remove(0);
    let (name, value) = alert.labels.first_key_value().unwrap();
    assert_eq!(ids(&bench, &Slice { labels: [Some((name, value)), None], ..slice() }).await.len(), 3);
    assert!(ids(&bench, &Slice { labels: [Some((name, "100%_of it")), None], ..slice() }).await.is_empty());
    let attempts = bench.store.attempts(&["n1", "n3"]).await.unwrap();
    assert_eq!(attempts.keys().collect::<Vec<_>>(), ["n1", "n3"]);
    assert_eq!(attempts["n1"][0].detail, "200 ok");
}

#[tokio::test]
async fn beats_and_open_alarms_are_known_to_every_receiver() {
    let bench = Bench::new().await;
    let other = bench.store.another_receiver().await;
    assert_eq!(other.last_beat("watchdog").await.unwrap(), None);
    assert_eq!(other.open_alarm("watchdog").await.unwrap(), None);
    let alarm = alert("HeartbeatMissing", None);
    let group = Group { source: HEARTBEAT_SOURCE.to_owned(), key: alarm_group("watchdog"), ..group() };
    let mut transaction = bench.store.begin().await.unwrap();
    transaction.note_heartbeat("watchdog", at(9)).await.unwrap();
    transaction.commit().await.unwrap();
    bench.see_in(group, &alarm, at(10)).await;
    assert_eq!(other.last_beat("watchdog").await.unwrap(), Some(at(9)));
    let open = other.open_alarm("watchdog").await.unwrap().unwrap();
    assert_eq!(open.reported_at, at(10));
}

#[tokio::test]
async fn attempts_are_read_in_the_order_in_which_they_were_made_whatever_their_times_say() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let id = bench.queue("console", &a, FIRING, at(1)).await;
    for second in [100, 40, 70] {
        let claimed = bench.claim("console", at(second)).await.unwrap();
        let outcome = if second == 70 { delivered() } else { refused() };
        let next = if second == 70 { Next::Done } else { Next::Again(Duration::ZERO) };
        bench.end(&claimed, &outcome, next, at(second)).await;
    }
    let found = bench.store.attempts(&[&id]).await.unwrap().remove(&id).unwrap();
    assert_eq!(found.iter().map(|attempt| attempt.at).collect::<Vec<_>>(), [at(100), at(40), at(70)]);
}
