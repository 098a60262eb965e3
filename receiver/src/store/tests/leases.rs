//! Several receivers on one store: each notification is one's own while it lives, and a destination's pauses are everybody's.

use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::{MAX_RETRY_AFTER, Next, Rate};

use super::bench::{Bench, FIRING, alert, at, delivered, outlet, refused};
use super::*;

/// After so long without a word of a receiver others have taken over.
const TAKEN: Duration = Duration::from_secs(15);

/// The same store, served by another receiver.
async fn beside(bench: &Bench) -> Bench {
    bench.with(bench.store.another_receiver().await)
}

async fn queued(bench: &Bench) -> String {
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await
}

/// The attempts: result, whether it is ambiguous, and the words.
async fn attempts(bench: &Bench, id: &str) -> Vec<(Option<String>, bool, String)> {
    let found = bench.store.attempts(&[id]).await.unwrap().remove(id).unwrap_or_default();
    found.into_iter().map(|attempt| (attempt.result, attempt.ambiguous, attempt.detail)).collect()
}

async fn owner(bench: &Bench, id: &str) -> Option<String> {
    sqlx::query_scalar("select owner from notifications where id = $1")
        .bind(id)
        .fetch_one(bench.store.readers())
        .await
        .unwrap()
}

fn limited_to(rate: Option<Rate>) -> Outlet<'static> {
    Outlet { rate, ..outlet("console") }
}

fn limited(seconds: u64) -> Outcome {
    Outcome::Retryable {
        reason: Reason::RateLimited,
        retry_after: Some(Duration::from_secs(seconds)),
        ambiguous: false,
        detail: "slow down".to_owned(),
    }
}

#[tokio::test]
async fn a_claimed_notification_is_not_claimed_again() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    let id = bench.queue("console", &occurrence, FIRING, at(1)).await;
    assert_eq!(bench.claim("console", at(2)).await.unwrap().id, id);
    assert!(bench.claim("console", at(1_000_000)).await.is_none());
    assert_eq!(bench.store.next_due("console").await.unwrap(), None);
}

#[tokio::test]
async fn what_one_receiver_claimed_no_other_claims_while_it_lives() {
    let ours = Bench::new().await;
    let theirs = beside(&ours).await;
    let id = queued(&ours).await;
    assert_eq!(ours.claim("console", at(2)).await.unwrap().id, id);
    assert_eq!(theirs.store.renew().await.unwrap(), 0);
    assert_eq!(theirs.store.reap_after(Duration::from_secs(9)).await, 0);
    assert!(theirs.claim("console", at(3)).await.is_none());
}

#[tokio::test]
async fn what_a_receiver_that_died_had_begun_is_ambiguous_and_another_takes_over() {
    let dead = Bench::new().await;
    let theirs = beside(&dead).await;
    let id = queued(&dead).await;
    let claimed = dead.claim("console", at(2)).await.unwrap();
    dead.begin(&claimed, at(2)).await.unwrap();
    assert_eq!(theirs.store.reap_after(TAKEN).await, 1);
    let again = theirs.claim("console", at(3)).await.unwrap();
    assert_eq!((again.id.as_str(), again.attempts), (id.as_str(), 1));
    let lost = "the receiver ended before the answer was recorded".to_owned();
    assert_eq!(attempts(&theirs, &id).await, [(Some("retryable".to_owned()), true, lost)]);
}

#[tokio::test]
async fn what_was_claimed_and_not_begun_is_taken_over_without_an_attempt() {
    let dead = Bench::new().await;
    let theirs = beside(&dead).await;
    queued(&dead).await;
    dead.claim("console", at(2)).await.unwrap();
    assert_eq!(theirs.store.reap_after(TAKEN).await, 1);
    assert_eq!(theirs.claim("console", at(3)).await.unwrap().attempts, 0);
}

#[tokio::test]
async fn a_receiver_that_was_taken_for_dead_sends_nothing_that_it_had_claimed() {
    let late = Bench::new().await;
    let theirs = beside(&late).await;
    let id = queued(&late).await;
    let claimed = late.claim("console", at(2)).await.unwrap();
    assert!(late.store.holds(&claimed));
    theirs.store.reap_after(TAKEN).await;
    assert!(late.begin(&claimed, at(3)).await.is_none(), "nobody owns it");
    assert!(late.claim("console", at(3)).await.is_none(), "it does not know yet that it was taken for dead");
    // back among the living, and even with the same notification claimed once more
    late.store.renew().await.unwrap();
    assert!(!late.store.holds(&claimed));
    let again = late.claim("console", at(4)).await.unwrap();
    assert_eq!(again.id, id);
    assert!(late.begin(&claimed, at(5)).await.is_none(), "it is another claim's");
    assert!(late.begin(&again, at(5)).await.is_some());
}

#[tokio::test]
async fn a_late_answer_is_noted_and_does_not_end_what_another_owns() {
    let late = Bench::new().await;
    let theirs = beside(&late).await;
    let id = queued(&late).await;
    let claimed = late.claim("console", at(2)).await.unwrap();
    let attempt = late.begin(&claimed, at(2)).await.unwrap();
    theirs.store.reap_after(TAKEN).await;
    let taken = theirs.claim("console", at(3)).await.unwrap();
    for (outcome, next, ambiguous) in [(refused(), Next::Again(HOUR), false), (delivered(), Next::Done, true)]
    {
        let ending = Ending { outcome: &outcome, next, at: at(4), fallback: None };
        assert_eq!(late.store.end_attempt(&attempt, &claimed, ending).await.unwrap(), Ended::Lost);
        let (_, marked, detail) = attempts(&theirs, &id).await.remove(0);
        assert_eq!((marked, detail.as_str()), (ambiguous, outcome.detail()), "a second copy may exist");
    }
    assert_eq!(theirs.status(&id).await.0, "pending");
    assert!(owner(&theirs, &id).await.is_some(), "it is still theirs");
    assert_eq!(theirs.end(&taken, &delivered(), Next::Done, at(5)).await, Ended::AsMeant);
}

#[tokio::test]
async fn a_late_yes_ends_what_nobody_has_taken_over_yet() {
    let late = Bench::new().await;
    let theirs = beside(&late).await;
    let id = queued(&late).await;
    let claimed = late.claim("console", at(2)).await.unwrap();
    let attempt = late.begin(&claimed, at(2)).await.unwrap();
    theirs.store.reap_after(TAKEN).await;
    let ending = Ending { outcome: &delivered(), next: Next::Done, at: at(4), fallback: None };
    assert_eq!(late.store.end_attempt(&attempt, &claimed, ending).await.unwrap(), Ended::AsMeant);
    assert_eq!(theirs.status(&id).await.0, "delivered");
    assert!(theirs.claim("console", at(5)).await.is_none());
    assert!(!attempts(&theirs, &id).await[0].1, "there is no second copy");
}

#[tokio::test]
async fn an_attempt_that_is_noted_twice_is_one_and_is_over_once() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    for (number, outcome, next, status) in [
        (1, delivered(), Next::Done, "delivered"),
        (2, refused(), Next::Dead, "dead"),
        (3, limited(60), Next::Again(HOUR), "pending"),
    ] {
        let id = bench.queue("console", &a, Transition { repeat: number, ..FIRING }, at(1)).await;
        let claimed = bench.claim("console", at(2)).await.unwrap();
        let attempt = number.to_string();
        for second in [2, 3] {
            // as if nobody had answered the first commit
            let beginning = Beginning { id: &attempt, content: "", problem: None, at: at(second) };
            assert!(bench.store.begin_attempt(&claimed, beginning).await.unwrap());
        }
        for second in [4, 5] {
            let ending = Ending { outcome: &outcome, next, at: at(second), fallback: None };
            let ended = bench.store.end_attempt(&attempt, &claimed, ending).await.unwrap();
            assert_eq!(ended, Ended::AsMeant, "{status}");
        }
        let noted = (Some(outcome.as_str().to_owned()), false, outcome.detail().to_owned());
        assert_eq!(attempts(&bench, &id).await, [noted]);
        assert_eq!(bench.status(&id).await.0, status);
    }
}

#[tokio::test]
async fn an_answer_that_is_noted_twice_says_twice_that_others_had_taken_over() {
    let late = Bench::new().await;
    let theirs = beside(&late).await;
    let id = queued(&late).await;
    let claimed = late.claim("console", at(2)).await.unwrap();
    let attempt = late.begin(&claimed, at(2)).await.unwrap();
    theirs.store.reap_after(TAKEN).await;
    theirs.claim("console", at(3)).await.unwrap();
    for _ in 0..2 {
        let ending = Ending { outcome: &delivered(), next: Next::Done, at: at(4), fallback: None };
        assert_eq!(late.store.end_attempt(&attempt, &claimed, ending).await.unwrap(), Ended::Lost);
        assert!(attempts(&theirs, &id).await[0].1, "a second copy may exist");
    }
}

#[tokio::test]
async fn what_was_claimed_by_a_commit_that_nobody_answered_is_given_back() {
    let ours = Bench::new().await;
    let id = queued(&ours).await;
    // the claim is on disk, and whoever asked for it heard only of an error
    drop(ours.claim("console", at(2)).await.unwrap());
    ours.store.lease.leave();
    assert_eq!(ours.store.renew().await.unwrap(), 0);
    assert!(owner(&ours, &id).await.is_some());
    assert_eq!(ours.store.reap_after(TAKEN).await, 1);
    assert_eq!(ours.claim("console", at(3)).await.unwrap().id, id);
    assert_eq!(attempts(&ours, &id).await, []);
}

#[tokio::test]
async fn a_receiver_that_ends_leaves_what_it_had_to_others_at_once() {
    let ends = Bench::new().await;
    let theirs = beside(&ends).await;
    let id = queued(&ends).await;
    let claimed = ends.claim("console", at(2)).await.unwrap();
    ends.begin(&claimed, at(2)).await.unwrap();
    ends.store.resign().await.unwrap();
    assert_eq!(theirs.claim("console", at(3)).await.unwrap().id, id);
    assert!(attempts(&theirs, &id).await[0].1, "the answer was lost");
}

#[tokio::test]
async fn a_rate_holds_for_all_receivers_and_outlasts_them() {
    let ours = Bench::new().await;
    let theirs = beside(&ours).await;
    let a = ours.see(&alert("A", None), at(1)).await;
    let b = ours.see(&alert("B", None), at(1)).await;
    ours.queue_in("one", &a, FIRING, at(1)).await;
    ours.queue_in("two", &b, FIRING, at(1)).await;
    let rate: Option<Rate> = "2/h".parse().ok();
    let first = ours.store.claim(limited_to(rate), &bench::wording(), at(2)).await.unwrap();
    assert!(matches!(first, Claim::Ours(_)), "{first:?}");
    let second = theirs.store.claim(limited_to(rate), &bench::wording(), at(2)).await.unwrap();
    assert!(matches!(second, Claim::Nothing), "{second:?}");
    let Claim::Ours(first) = first else { unreachable!() };
    ours.end(&first, &delivered(), Next::Done, at(3)).await;
    drop(theirs);
    let ours = ours.restarted().await;
    assert!(ours.claim("console", at(4)).await.is_none());
    let left = ours.store.next_due("console").await.unwrap().unwrap();
    assert!(left > Duration::from_secs(1700) && left <= Duration::from_secs(1800), "{left:?}");
}

#[tokio::test]
async fn a_pause_that_a_destination_asks_for_holds_for_all_that_goes_there() {
    let ours = Bench::new().await;
    let theirs = beside(&ours).await;
    let a = ours.see(&alert("A", None), at(1)).await;
    let b = ours.see(&alert("B", None), at(1)).await;
    ours.queue_in("one", &a, FIRING, at(1)).await;
    let claimed = ours.claim("console", at(2)).await.unwrap();
    ours.queue_in("two", &b, FIRING, at(2)).await;
    let never = Duration::from_secs(10_000_000);
    ours.end(&claimed, &limited(10_000_000), Next::Again(never), at(3)).await;
    assert!(theirs.claim("console", at(4)).await.is_none());
    let left = theirs.store.next_due("console").await.unwrap().unwrap();
    assert!(left > MAX_RETRY_AFTER - TAKEN && left <= MAX_RETRY_AFTER, "{left:?}");
    let elsewhere = ours.queue("other", &a, FIRING, at(4)).await;
    assert_eq!(theirs.claim("other", at(5)).await.unwrap().id, elsewhere);
}

#[tokio::test]
async fn a_shorter_pause_ends_no_longer_one() {
    let bench = Bench::new().await;
    queued(&bench).await;
    let mut transaction = bench.store.begin().await.unwrap();
    for minutes in [20, 10] {
        let until = bench.store.now() + Duration::from_secs(60 * minutes);
        transaction.shut_gate("console", until).await.unwrap();
    }
    transaction.commit().await.unwrap();
    assert!(bench.store.next_due("console").await.unwrap().unwrap() > Duration::from_secs(1000));
}

#[tokio::test]
async fn under_a_limit_a_group_is_told_once_in_its_newest_state() {
    let bench = Bench::new().await;
    let rate: Option<Rate> = "1000/s".parse().ok();
    let first = queued(&bench).await;
    let Claim::Ours(claimed) = bench.store.claim(limited_to(rate), &bench::wording(), at(2)).await.unwrap()
    else {
        panic!("it was free");
    };
    assert_eq!(claimed.id, first);
    let mut last = String::new();
    bench.hold(3);
    for (second, name) in (3..).zip(["B", "C", "D"]) {
        let occurrence = bench.see(&alert(name, None), at(second)).await;
        last = bench.queue("console", &occurrence, FIRING, at(second)).await;
    }
    bench.store.steady.hold(None);
    bench.end(&claimed, &delivered(), Next::Done, at(8)).await;
    let claimed = bench.claim_when_open("console", at(9)).await;
    assert_eq!((claimed.id, claimed.message.alerts.len()), (last, 3));
    assert_eq!(claimed.patience_from, at(3), "the oldest news counts");
    assert!(bench.claim("console", at(10)).await.is_none());
}

#[tokio::test]
async fn what_a_recipient_has_no_late_word_takes_back() {
    let bench = Bench::new().await;
    let id = queued(&bench).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    let receipt = |outcome| modelwatch_receiver_core::outcome::Receipt {
        recipient: "a@x.org".to_owned(),
        outcome,
        tries: 1,
    };
    bench.store.keep_receipt(&id, &receipt(refused())).await.unwrap();
    bench.store.keep_receipt(&id, &receipt(delivered())).await.unwrap();
    bench.store.keep_receipt(&id, &receipt(refused())).await.unwrap();
    bench.end(&claimed, &refused(), Next::Again(Duration::ZERO), at(2)).await;
    assert!(bench.claim_when_open("console", at(3)).await.receipts[0].is_delivered());
}

#[tokio::test]
async fn a_clock_that_was_set_back_over_a_restart_moves_what_waits_with_it() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let b = bench.see(&alert("B", None), at(1)).await;
    bench.store.turn_clock(2 * HOUR);
    bench.queue_in("one", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.end(&claimed, &limited(600), Next::Again(Duration::from_secs(900)), at(3)).await;
    bench.store.renew().await.unwrap();
    let bench = bench.restarted().await;
    let almost = |seconds, left: Option<Duration>| {
        let (left, whole) = (left.unwrap(), Duration::from_secs(seconds));
        assert!(left > whole - TAKEN && left <= whole + TAKEN, "{left:?}");
    };
    almost(900, bench.store.next_due("console").await.unwrap());
    bench.queue_in("two", &b, FIRING, at(4)).await;
    almost(600, bench.store.next_due("console").await.unwrap());
    let times: Vec<i64> =
        sqlx::query_scalar("select waiting_since from notifications where status = 'pending'")
            .fetch_all(bench.store.readers())
            .await
            .unwrap();
    let now = bench.store.now().as_microsecond();
    assert!(times.len() == 2 && times.iter().all(|since| *since <= now), "{times:?}, {now}");
    // only once
    let bench = bench.restarted().await;
    almost(600, bench.store.next_due("console").await.unwrap());
}
