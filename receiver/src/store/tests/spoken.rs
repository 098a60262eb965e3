//! What may have been heard keeps its words, and what some recipients have was told to the channel.

use std::collections::BTreeSet;

use modelwatch_receiver_core::outcome::{Outcome, Reason, Receipt};

use super::*;

const AGAIN: Next = Next::Again(Duration::ZERO);

fn gone() -> Outcome {
    Outcome::Permanent { reason: Reason::NotFound, detail: "no such user".to_owned() }
}

/// Queues that A fires, in group `one`, and claims it.
async fn claimed(bench: &Bench) -> (String, Claimed) {
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue_in("one", &a, FIRING, at(1)).await;
    (a, bench.claim("console", at(2)).await.unwrap())
}

async fn receive(bench: &Bench, id: &str, recipient: &str, outcome: Outcome) {
    let receipt = Receipt { recipient: recipient.to_owned(), outcome, tries: 1 };
    bench.store.keep_receipt(id, &receipt).await.unwrap();
}

/// One recipient has it, another will be asked again.
async fn half_delivered(bench: &Bench) -> (String, Claimed) {
    let (a, first) = claimed(bench).await;
    receive(bench, &first.id, "has@x.org", delivered()).await;
    receive(bench, &first.id, "waits@x.org", refused()).await;
    bench.end(&first, &refused(), AGAIN, at(3)).await;
    (a, first)
}

async fn replay(bench: &Bench, id: &str) -> Replayed {
    let channels: BTreeSet<String> = ["console".to_owned()].into();
    bench.store.replay(&[id.to_owned()], &channels).await.unwrap().remove(0)
}

#[tokio::test]
async fn what_may_have_been_heard_is_sent_again_word_for_word() {
    let bench = Bench::new().await;
    bench.hold(1);
    let (_, first) = claimed(&bench).await;
    bench.end(&first, &no_answer(), AGAIN, at(3)).await;
    let summary = [("summary".to_owned(), "worse".to_owned())].into();
    bench.see(&Alert { annotations: summary, ..alert("A", None) }, at(20)).await;
    bench.hold(90_000);
    let again = bench.claim("console", at(90_000)).await.unwrap();
    assert_eq!((again.id.as_str(), &*again.message), (first.id.as_str(), &*first.message));
}

#[tokio::test]
async fn what_may_have_been_heard_and_is_true_no_more_makes_way_for_one_with_an_identity_of_its_own() {
    let bench = Bench::new().await;
    let (a, first) = claimed(&bench).await;
    bench.end(&first, &no_answer(), AGAIN, at(3)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    bench.queue_in("two", &a, RESOLVED, at(60)).await;
    let over = bench.claim("console", at(61)).await.unwrap();
    assert_ne!(over.id, first.id);
    assert_eq!(over.message.kind, Kind::Resolved);
    let stored = bench.store.notification(&first.id).await.unwrap().unwrap();
    assert_eq!(stored.message.unwrap().kind, Kind::New, "the history shows what was said");
    assert_eq!(bench.status(&first.id).await.1.as_deref(), Some("superseded"));
    bench.end(&over, &delivered(), Next::Done, at(62)).await;
    assert!(bench.claim("console", at(63)).await.is_none(), "the end is told once");
}

#[tokio::test]
async fn what_may_have_been_heard_and_was_told_by_others_is_not_told_again() {
    let bench = Bench::new().await;
    let (a, first) = claimed(&bench).await;
    bench.end(&first, &no_answer(), Next::Again(HOUR), at(3)).await;
    bench.queue_in("two", &a, Transition { repeat: 1, ..FIRING }, at(4)).await;
    let other = bench.claim("console", at(5)).await.unwrap();
    bench.end(&other, &delivered(), Next::Done, at(6)).await;
    sqlx::query("update notifications set ready = 1").execute(bench.store.writer()).await.unwrap();
    assert!(bench.claim("console", at(7)).await.is_none());
    assert_eq!(bench.status(&first.id).await, ("suppressed".to_owned(), Some("duplicate".to_owned())));
}

#[tokio::test]
async fn what_one_recipient_has_is_still_firing_in_the_news_that_follow_and_was_delivered() {
    for group in ["one", "two"] {
        let bench = Bench::new().await;
        let (a, first) = half_delivered(&bench).await;
        let b = bench.see(&alert("B", None), at(4)).await;
        bench.queue_in(group, &b, FIRING, at(4)).await;
        bench.queue_in(group, &a, Transition { repeat: 1, ..FIRING }, at(5)).await;
        let mut changes = Vec::new();
        while let Some(claimed) = bench.claim("console", at(6)).await {
            let alerts = claimed.message.alerts.iter();
            if claimed.id != first.id {
                changes.extend(alerts.map(|alert| (alert.labels["alertname"].clone(), alert.change)));
            }
            bench.end(&claimed, &delivered(), Next::Done, at(7)).await;
        }
        changes.sort_by_key(|(name, _)| name.clone());
        let told = [("A".to_owned(), Change::StillFiring), ("B".to_owned(), Change::New)];
        assert_eq!(changes, told, "{group}");
        assert_eq!(bench.status(&first.id).await, ("delivered".to_owned(), None), "{group}");
    }
}

#[tokio::test]
async fn who_waits_while_nothing_changes_gets_the_message_as_the_others_did() {
    let bench = Bench::new().await;
    let (_, first) = half_delivered(&bench).await;
    let again = bench.claim("console", at(4)).await.unwrap();
    assert_eq!((again.id.as_str(), again.message.kind), (first.id.as_str(), Kind::New));
    assert!(again.receipts[0].is_delivered());
}

#[tokio::test]
async fn a_replay_tells_who_heard_nothing_what_the_others_heard() {
    let bench = Bench::new().await;
    let (_, first) = claimed(&bench).await;
    receive(&bench, &first.id, "has@x.org", delivered()).await;
    receive(&bench, &first.id, "refused@x.org", gone()).await;
    bench.end(&first, &gone(), Next::Dead, at(3)).await;
    assert_eq!(replay(&bench, &first.id).await, Replayed::Queued);
    let again = bench.claim("console", at(4)).await.unwrap();
    let message = &again.message;
    assert_eq!((message.kind, message.alerts[0].change, message.late), (Kind::New, Change::New, true));
}

#[tokio::test]
async fn the_end_of_what_may_have_been_heard_is_told_by_a_replay() {
    let bench = Bench::new().await;
    let (a, first) = claimed(&bench).await;
    bench.end(&first, &no_answer(), Next::Dead, at(3)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    bench.queue_in("one", &a, RESOLVED, at(60)).await;
    let over = bench.claim("console", at(61)).await.unwrap();
    bench.end(&over, &refused(), Next::Dead, at(62)).await;
    let Replayed::Joined(other) = replay(&bench, &first.id).await else {
        panic!("it says something else now")
    };
    let over = bench.claim("console", at(63)).await.unwrap();
    assert_eq!((over.id, over.message.kind, over.message.late), (other, Kind::Resolved, true));
}

#[tokio::test]
async fn a_receiver_that_wakes_up_takes_back_no_mark_of_what_it_had_sent() {
    let late = Bench::new().await;
    let theirs = late.with(late.store.another_receiver().await);
    let (_, first) = claimed(&late).await;
    let attempt = late.begin(&first, at(2)).await.unwrap();
    theirs.store.reap_after(Duration::from_secs(15)).await;
    let again = theirs.claim("console", at(3)).await.unwrap();
    let second = theirs.begin(&again, at(3)).await.unwrap();
    receive(&theirs, &first.id, "u1@x.org", delivered()).await;
    receive(&late, &first.id, "u1@x.org", delivered()).await;
    let outcome = refused();
    let ending = Ending { outcome: &outcome, next: AGAIN, at: at(4), fallback: None };
    // whether the other one has it still, or gave it back
    theirs.store.end_attempt(&second, &again, ending).await.unwrap();
    assert_eq!(late.store.end_attempt(&attempt, &first, ending).await.unwrap(), Ended::Lost);
    let found = late.store.attempts(&[&first.id]).await.unwrap().remove(&first.id).unwrap();
    assert_eq!(found.iter().map(|attempt| attempt.ambiguous).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_fallback_hears_only_what_it_was_not_told_yet() {
    let bench = Bench::new().await;
    let pager = Fallback { channel: "pager".to_owned(), send_resolved: true };
    let (a, first) = claimed(&bench).await;
    bench.queue("pager", &a, FIRING, at(1)).await;
    let own = bench.claim("pager", at(2)).await.unwrap();
    bench.end(&own, &delivered(), Next::Done, at(2)).await;
    let mut dying = Some(first.clone());
    for _ in 0..2 {
        let dies = dying.take().unwrap();
        let attempt = bench.begin(&dies, at(3)).await.unwrap();
        let ending = Ending { outcome: &gone(), next: Next::Dead, at: at(3), fallback: Some(&pager) };
        bench.store.end_attempt(&attempt, &dies, ending).await.unwrap();
        assert!(bench.claim("pager", at(4)).await.is_none());
        assert_eq!(replay(&bench, &first.id).await, Replayed::Queued);
        dying = bench.claim("console", at(5)).await;
    }
    let why: Vec<Option<String>> = sqlx::query_scalar(
        "select suppressed from notifications where channel = 'pager' and fallback_of is not null",
    )
    .fetch_all(bench.store.readers())
    .await
    .unwrap();
    assert_eq!(why, [Some("duplicate".to_owned()), Some("duplicate".to_owned())]);
}
