//! Dead letters: who gets them instead, and what sending them again tells.

use std::collections::BTreeSet;

use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::Next;

use super::bench::{Bench, FIRING, RESOLVED, alert, at, delivered, refused};
use super::*;

fn channels() -> BTreeSet<String> {
    ["console", "pager"].map(str::to_owned).into()
}

fn gone() -> Outcome {
    Outcome::Permanent { reason: Reason::NotFound, detail: "no such channel".to_owned() }
}

fn pager(send_resolved: bool) -> Fallback {
    Fallback { channel: "pager".to_owned(), send_resolved }
}

/// Claims what waits for a channel and lets it become a dead letter; returns its id.
async fn bury(bench: &Bench, channel: &str, fallback: Option<&Fallback>) -> String {
    let claimed = bench.claim(channel, at(10)).await.unwrap();
    let attempt = bench.begin(&claimed, at(10)).await.unwrap();
    let ending = Ending { outcome: &gone(), next: Next::Dead, at: at(11), fallback };
    assert_eq!(bench.store.end_attempt(&attempt, &claimed, ending).await.unwrap(), Ended::AsMeant);
    assert_eq!(bench.status(&claimed.id).await.0, "dead");
    claimed.id
}

async fn replay(bench: &Bench, id: &str) -> Replayed {
    bench.store.replay(&[id.to_owned()], &channels()).await.unwrap().remove(0)
}

/// What `channel` was told of an occurrence: status and whether it heard it.
async fn heard(bench: &Bench, channel: &str, occurrence: &str) -> Vec<(String, bool)> {
    let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
        "select status, told_at from transitions where channel = $1 and occurrence = $2 order by status",
    )
    .bind(channel)
    .bind(occurrence)
    .fetch_all(bench.store.readers())
    .await
    .unwrap();
    rows.into_iter().map(|(status, told_at)| (status, told_at.is_some())).collect()
}

async fn one_dead(bench: &Bench) -> (String, String) {
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    (bury(bench, "console", None).await, a)
}

#[tokio::test]
async fn a_dead_letter_is_told_to_its_fallback_which_says_for_whom_it_stands_in() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let dead = bury(&bench, "console", Some(&pager(true))).await;
    let claimed = bench.claim("pager", at(12)).await.unwrap();
    let instead_of = claimed.message.instead_of.clone().unwrap();
    assert_eq!(instead_of.channel, "console");
    assert_eq!(instead_of.why, Reason::NotFound.words());
    assert_eq!((claimed.message.kind, claimed.message.late), (Kind::New, false));
    assert_eq!(claimed.message.channel, "pager");
    assert_eq!(heard(&bench, "pager", &a).await, [("firing".to_owned(), false)]);
    bench.end(&claimed, &delivered(), Next::Done, at(13)).await;
    assert_eq!(heard(&bench, "pager", &a).await, [("firing".to_owned(), true)]);
    assert_eq!(heard(&bench, "console", &a).await, [("firing".to_owned(), false)], "it heard nothing");
    let stored = bench.store.notification(&claimed.id).await.unwrap().unwrap();
    assert_eq!(stored.fallback_of, Some(dead.clone()));
    assert_eq!(bench.store.notification(&dead).await.unwrap().unwrap().fallback, Some(claimed.id));
}

#[tokio::test]
async fn what_takes_the_place_of_a_fallback_is_not_late_for_that() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    bury(&bench, "console", Some(&pager(true))).await;
    let b = bench.see(&alert("B", None), at(12)).await;
    let newer = bench.queue("pager", &b, FIRING, at(12)).await;
    let claimed = bench.claim("pager", at(13)).await.unwrap();
    assert_eq!((claimed.id, claimed.message.alerts.len()), (newer, 2));
    assert!(!claimed.message.late);
}

#[tokio::test]
async fn a_fallback_has_the_patience_of_a_new_message() {
    let bench = Bench::new().await;
    bench.hold(1);
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    bench.hold(50);
    bury(&bench, "console", Some(&pager(true))).await;
    bench.hold(90_000);
    let claimed = bench.claim("pager", at(90_000)).await.unwrap();
    assert_eq!(claimed.patience_from, at(50));
    assert_eq!(claimed.waiting_since, at(1));
    assert!(claimed.message.late);
}

#[tokio::test]
async fn fallbacks_do_not_go_round_in_circles() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    bury(&bench, "console", Some(&pager(true))).await;
    let console = Fallback { channel: "console".to_owned(), send_resolved: true };
    bury(&bench, "pager", Some(&console)).await;
    assert!(bench.claim("console", at(12)).await.is_none());
    let mail = Fallback { channel: "mail".to_owned(), send_resolved: true };
    let b = bench.see(&alert("B", None), at(1)).await;
    bench.queue_in("other", &b, FIRING, at(1)).await;
    bury(&bench, "console", Some(&pager(true))).await;
    bury(&bench, "pager", Some(&mail)).await;
    let third = bench.claim("mail", at(12)).await.unwrap();
    assert_eq!(third.message.instead_of.as_ref().unwrap().channel, "pager");
}

#[tokio::test]
async fn a_fallback_that_heard_it_already_hears_it_as_still_firing_and_no_end_that_it_does_not_want() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    for channel in ["pager", "console"] {
        bench.queue(channel, &a, FIRING, at(1)).await;
        let claimed = bench.claim(channel, at(2)).await.unwrap();
        bench.end(&claimed, &delivered(), Next::Done, at(2)).await;
    }
    bench.queue("console", &a, Transition { repeat: 1, ..FIRING }, at(3)).await;
    bury(&bench, "console", Some(&pager(false))).await;
    let again = bench.claim("pager", at(12)).await.unwrap();
    assert_eq!(again.message.alerts[0].change, Change::StillFiring);
    bench.end(&again, &delivered(), Next::Done, at(12)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    bench.queue("console", &a, RESOLVED, at(60)).await;
    bury(&bench, "console", Some(&pager(false))).await;
    assert!(bench.claim("pager", at(61)).await.is_none());
}

#[tokio::test]
async fn what_was_given_up_by_a_receiver_that_lost_it_has_no_fallback() {
    let late = Bench::new().await;
    let theirs = late.with(late.store.another_receiver().await);
    let a = late.see(&alert("A", None), at(1)).await;
    let id = late.queue("console", &a, FIRING, at(1)).await;
    let claimed = late.claim("console", at(2)).await.unwrap();
    let attempt = late.begin(&claimed, at(2)).await.unwrap();
    theirs.store.reap_after(Duration::from_secs(15)).await;
    let fallback = pager(true);
    let ending = Ending { outcome: &gone(), next: Next::Dead, at: at(3), fallback: Some(&fallback) };
    assert_eq!(late.store.end_attempt(&attempt, &claimed, ending).await.unwrap(), Ended::Lost);
    assert!(theirs.claim("pager", at(4)).await.is_none());
    assert_eq!(theirs.claim("console", at(4)).await.unwrap().id, id);
}

#[tokio::test]
async fn a_replayed_one_is_sent_in_its_newest_state_marked_late() {
    let bench = Bench::new().await;
    let (dead, a) = one_dead(&bench).await;
    let newer =
        Alert { annotations: [("summary".to_owned(), "worse".to_owned())].into(), ..alert("A", None) };
    bench.see(&newer, at(20)).await;
    let before = bench.store.now();
    assert_eq!(replay(&bench, &dead).await, Replayed::Queued);
    let claimed = bench.claim("console", at(21)).await.unwrap();
    assert_eq!((claimed.id.as_str(), claimed.attempts), (dead.as_str(), 1));
    assert!(claimed.message.late);
    assert!(claimed.patience_from >= before, "it is tried as long as a new one");
    assert_eq!(claimed.message.alerts[0].annotations["summary"], "worse");
    assert_eq!(claimed.message.alerts[0].change, Change::New);
    bench.end(&claimed, &delivered(), Next::Done, at(22)).await;
    assert_eq!(bench.store.attempts(&[&dead]).await.unwrap()[&dead].len(), 2);
    assert_eq!(heard(&bench, "console", &a).await, [("firing".to_owned(), true)]);
    assert_eq!(replay(&bench, &dead).await, Replayed::NotDead("delivered".to_owned()));
}

#[tokio::test]
async fn what_is_no_dead_letter_or_has_no_channel_is_left_as_it_is() {
    let bench = Bench::new().await;
    let (dead, a) = one_dead(&bench).await;
    let waits = bench.queue("pager", &a, FIRING, at(12)).await;
    let wanted = [waits.clone(), "nothing".to_owned(), dead.clone()];
    let only_pager: BTreeSet<String> = ["pager".to_owned()].into();
    let replayed = bench.store.replay(&wanted, &only_pager).await.unwrap();
    let no_channel = Replayed::NoChannel("console".to_owned());
    assert_eq!(replayed, [Replayed::NotDead("pending".to_owned()), Replayed::Unknown, no_channel]);
    assert_eq!(bench.status(&dead).await.0, "dead");
}

#[tokio::test]
async fn what_was_over_before_anybody_heard_of_it_is_not_told() {
    let bench = Bench::new().await;
    let (dead, a) = one_dead(&bench).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    assert_eq!(replay(&bench, &dead).await, Replayed::Suppressed(Suppression::NeverTold));
    assert_eq!(bench.status(&dead).await, ("suppressed".to_owned(), Some("never_told".to_owned())));
    assert!(bench.claim("console", at(61)).await.is_none());
    let all = [("firing".to_owned(), false), ("resolved".to_owned(), false)];
    assert_eq!(heard(&bench, "console", &a).await, all);
}

#[tokio::test]
async fn a_replayed_one_is_late_whatever_a_clock_and_whomever_it_stands_in_for() {
    let bench = Bench::new().await;
    bench.hold(1_000);
    let (id, a) = one_dead(&bench).await;
    // the clock of the machine was set back while nobody served the store
    bench.hold(500);
    assert_eq!(replay(&bench, &id).await, Replayed::Queued);
    let claimed = bench.claim("console", at(501)).await.unwrap();
    assert!(claimed.message.late);
    bench.end(&claimed, &delivered(), Next::Done, at(501)).await;
    bench.queue("console", &a, Transition { repeat: 1, ..FIRING }, at(502)).await;
    bury(&bench, "console", Some(&pager(true))).await;
    let substitute = bury(&bench, "pager", None).await;
    assert_eq!(replay(&bench, &substitute).await, Replayed::Queued);
    let claimed = bench.claim("pager", at(503)).await.unwrap();
    assert_eq!((claimed.id, claimed.message.late), (substitute, true));
}

#[tokio::test]
async fn what_takes_the_place_of_a_replayed_one_was_not_replayed_itself() {
    let bench = Bench::new().await;
    bench.hold(1);
    let (id, _) = one_dead(&bench).await;
    bench.hold(1_000);
    assert_eq!(replay(&bench, &id).await, Replayed::Queued);
    let b = bench.see(&alert("B", None), at(1_001)).await;
    let newer = bench.queue("console", &b, FIRING, at(1_001)).await;
    let claimed = bench.claim("console", at(1_002)).await.unwrap();
    assert_eq!((claimed.id.as_str(), claimed.message.late), (newer.as_str(), true), "its news is old");
    let replayed: i64 = sqlx::query_scalar("select replayed from notifications where id = $1")
        .bind(newer)
        .fetch_one(bench.store.readers())
        .await
        .unwrap();
    assert_eq!(replayed, 0);
}

#[tokio::test]
async fn an_end_whose_beginning_was_heard_is_told_when_it_is_replayed() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, at(2)).await;
    bench.see(&alert("A", Some(at(50))), at(60)).await;
    bench.queue("console", &a, RESOLVED, at(60)).await;
    let dead = bury(&bench, "console", None).await;
    assert_eq!(replay(&bench, &dead).await, Replayed::Queued);
    assert_eq!(bench.claim("console", at(70)).await.unwrap().message.kind, Kind::Resolved);
}

#[tokio::test]
async fn what_a_later_message_told_is_not_told_again() {
    let bench = Bench::new().await;
    let (dead, a) = one_dead(&bench).await;
    bench.queue("console", &a, Transition { repeat: 1, ..FIRING }, at(4000)).await;
    let claimed = bench.claim("console", at(4001)).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, at(4001)).await;
    assert_eq!(replay(&bench, &dead).await, Replayed::Suppressed(Suppression::Superseded));
    assert!(bench.claim("console", at(4002)).await.is_none());
}

#[tokio::test]
async fn what_is_told_while_a_replayed_one_waits_is_not_told_twice() {
    let bench = Bench::new().await;
    let (dead, a) = one_dead(&bench).await;
    bench.queue_in("elsewhere", &a, Transition { repeat: 1, ..FIRING }, at(4000)).await;
    let under_way = bench.claim("console", at(4001)).await.unwrap();
    assert_eq!(replay(&bench, &dead).await, Replayed::Queued);
    assert!(bench.claim("console", at(4002)).await.is_none(), "it is about the same alert");
    bench.end(&under_way, &delivered(), Next::Done, at(4003)).await;
    assert!(bench.claim("console", at(4004)).await.is_none());
    assert_eq!(bench.status(&dead).await, ("suppressed".to_owned(), Some("superseded".to_owned())));
}

#[tokio::test]
async fn a_forgotten_alert_is_not_told_by_its_old_dead_letter() {
    let bench = Bench::new().await;
    let (dead, _) = one_dead(&bench).await;
    bench.forget_all(at(40_000)).await;
    assert_eq!(replay(&bench, &dead).await, Replayed::Suppressed(Suppression::NeverTold));
}

#[tokio::test]
async fn a_replayed_one_gives_its_news_to_what_waits_about_its_group() {
    let bench = Bench::new().await;
    bench.hold(1);
    let (dead, _) = one_dead(&bench).await;
    bench.hold(20);
    let b = bench.see(&alert("B", None), at(20)).await;
    let waits = bench.queue("console", &b, FIRING, at(20)).await;
    bench.hold(21);
    assert_eq!(replay(&bench, &dead).await, Replayed::Joined(waits.clone()));
    let claimed = bench.claim("console", at(21)).await.unwrap();
    assert_eq!((claimed.id, claimed.message.alerts.len()), (waits, 2));
    assert_eq!(claimed.patience_from, at(20), "its own patience is no shorter for that");
    assert_eq!(bench.status(&dead).await.1.as_deref(), Some("superseded"));
}

#[tokio::test]
async fn all_dead_letters_of_a_group_are_sent_again_as_one() {
    let bench = Bench::new().await;
    let (first, a) = one_dead(&bench).await;
    bench.queue("console", &a, Transition { repeat: 1, ..FIRING }, at(4000)).await;
    let second = bury(&bench, "console", None).await;
    let b = bench.see(&alert("B", None), at(5000)).await;
    bench.queue_in("other", &b, FIRING, at(5000)).await;
    let third = bury(&bench, "console", None).await;
    let dead = |since| Dead { channel: "console", since: at(since), limit: 10 };
    let all = bench.store.dead_letters(dead(0)).await.unwrap();
    assert_eq!(all, [third.clone(), second.clone(), first.clone()]);
    assert_eq!(bench.store.dead_letters(dead(4500)).await.unwrap(), all[..1]);
    assert_eq!(bench.store.dead_letters(Dead { limit: 1, ..dead(0) }).await.unwrap(), [third]);
    assert!(bench.store.dead_letters(Dead { channel: "pager", ..dead(0) }).await.unwrap().is_empty());
    let replayed = bench.store.replay(&all, &channels()).await.unwrap();
    assert_eq!(replayed, [Replayed::Queued, Replayed::Queued, Replayed::Joined(second.clone())]);
    let mut alerts = 0;
    while let Some(claimed) = bench.claim("console", at(6000)).await {
        alerts += claimed.message.alerts.len();
        bench.end(&claimed, &delivered(), Next::Done, at(6001)).await;
    }
    assert_eq!(alerts, 2, "each once");
}

#[tokio::test]
async fn a_newer_message_of_its_group_takes_the_place_of_a_replayed_one() {
    let bench = Bench::new().await;
    let (dead, _) = one_dead(&bench).await;
    assert_eq!(replay(&bench, &dead).await, Replayed::Queued);
    let b = bench.see(&alert("B", None), at(20)).await;
    let newer = bench.queue("console", &b, FIRING, at(20)).await;
    assert_eq!(bench.status(&dead).await.1.as_deref(), Some("superseded"));
    let claimed = bench.claim("console", at(21)).await.unwrap();
    assert_eq!((claimed.id, claimed.message.alerts.len()), (newer, 2));
}

#[tokio::test]
async fn who_has_a_message_does_not_get_it_by_a_replay_and_who_refused_it_does() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    for (recipient, outcome) in [("has@x.org", delivered()), ("refused@x.org", gone())] {
        let receipt =
            modelwatch_receiver_core::outcome::Receipt { recipient: recipient.to_owned(), outcome, tries: 1 };
        bench.store.keep_receipt(&claimed.id, &receipt).await.unwrap();
    }
    bench.end(&claimed, &gone(), Next::Dead, at(2)).await;
    assert_eq!(replay(&bench, &claimed.id).await, Replayed::Queued);
    let again = bench.claim("console", at(3)).await.unwrap();
    let left: Vec<&str> = again.receipts.iter().map(|receipt| receipt.recipient.as_str()).collect();
    assert_eq!(left, ["has@x.org"]);
}

#[tokio::test]
async fn what_waits_for_a_channel_that_is_gone_dies_when_its_time_is_over() {
    let bench = Bench::new().await;
    bench.hold(1);
    let a = bench.see(&alert("A", None), at(1)).await;
    let lost = bench.queue("lost", &a, FIRING, at(1)).await;
    let known = bench.queue("console", &a, FIRING, at(1)).await;
    let bury = |before: i64| bench.store.bury_orphans(&CHANNELS, at(before), at(5));
    static CHANNELS: std::sync::LazyLock<BTreeSet<String>> = std::sync::LazyLock::new(channels);
    assert!(bury(1).await.unwrap().is_empty(), "it may still come back");
    assert_eq!(bury(2).await.unwrap(), ["lost"]);
    assert!(bury(3).await.unwrap().is_empty());
    assert_eq!(
        (bench.status(&lost).await.0, bench.status(&known).await.0),
        ("dead".into(), "pending".into())
    );
    let attempts = bench.store.attempts(&[&lost]).await.unwrap().remove(&lost).unwrap();
    assert_eq!((attempts[0].reason.as_deref(), attempts[0].ambiguous), (Some("not_found"), false));
    assert!(attempts[0].detail.contains("the configuration has no such channel"), "{attempts:?}");
}

#[tokio::test]
async fn what_may_be_tried_again_has_no_fallback_yet() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    let attempt = bench.begin(&claimed, at(2)).await.unwrap();
    let (outcome, fallback) = (refused(), pager(true));
    let next = Next::Again(HOUR);
    let ending = Ending { outcome: &outcome, next, at: at(3), fallback: Some(&fallback) };
    bench.store.end_attempt(&attempt, &claimed, ending).await.unwrap();
    assert!(bench.claim("pager", at(4)).await.is_none());
}
