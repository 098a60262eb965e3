use proptest::prelude::*;

use super::*;
use crate::outcome::Reason;

const DELAY: Duration = Duration::from_secs(4);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn patience() -> Patience {
    Patience { since: at(0), give_up_after: Duration::from_secs(86_400) }
}

fn retryable(retry_after: Option<u64>) -> Outcome {
    Outcome::Retryable {
        reason: Reason::RateLimited,
        retry_after: retry_after.map(Duration::from_secs),
        ambiguous: false,
        detail: String::new(),
    }
}

#[test]
fn delivered_is_done_and_permanent_is_dead() {
    let delivered = Outcome::Delivered { detail: String::new() };
    assert_eq!(next(&delivered, DELAY, patience(), at(1)), Next::Done);
    let permanent = Outcome::Permanent { reason: Reason::NotFound, detail: String::new() };
    assert_eq!(next(&permanent, DELAY, patience(), at(1)), Next::Dead);
}

#[test]
fn a_destination_is_never_asked_sooner_than_it_said() {
    assert_eq!(next(&retryable(None), DELAY, patience(), at(10)), Next::Again(DELAY));
    assert_eq!(next(&retryable(Some(30)), DELAY, patience(), at(10)), Next::Again(Duration::from_secs(30)));
    assert_eq!(next(&retryable(Some(1)), DELAY, patience(), at(10)), Next::Again(DELAY));
}

#[test]
fn an_absurd_wait_is_clamped() {
    assert_eq!(next(&retryable(Some(10_000_000)), DELAY, patience(), at(0)), Next::Again(MAX_RETRY_AFTER));
}

#[test]
fn patience_ends() {
    assert_eq!(next(&retryable(None), DELAY, patience(), at(86_396)), Next::Again(DELAY));
    assert_eq!(next(&retryable(None), DELAY, patience(), at(86_397)), Next::Dead);
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let reason = proptest::sample::select(Reason::ALL.to_vec());
    let asked = proptest::option::of((0u64..=u64::MAX / 1_000).prop_map(Duration::from_secs));
    let retryable = (reason.clone(), asked, any::<bool>()).prop_map(|(reason, retry_after, ambiguous)| {
        Outcome::Retryable { reason, retry_after, ambiguous, detail: String::new() }
    });
    let permanent = reason.prop_map(|reason| Outcome::Permanent { reason, detail: String::new() });
    prop_oneof![Just(Outcome::Delivered { detail: String::new() }), permanent, retryable]
}

proptest! {
    #[test]
    fn whatever_comes_back_the_wait_is_neither_shorter_than_asked_nor_endless(
        outcome in outcomes(),
        delay in (0u64..10_000_000).prop_map(Duration::from_millis),
        age in -1_000_000i64..1_000_000,
        give_up_after in (0u64..2_000_000).prop_map(Duration::from_secs),
    ) {
        let patience = Patience { since: at(0), give_up_after };
        let end = at(0) + give_up_after;
        let following = next(&outcome, delay, patience, at(age));
        match (&outcome, following) {
            (Outcome::Delivered { .. }, Next::Done) | (Outcome::Permanent { .. }, Next::Dead) => {}
            (Outcome::Retryable { retry_after, .. }, Next::Again(wait)) => {
                let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
                prop_assert_eq!(wait, asked.max(delay));
                prop_assert!(at(age) + wait <= end);
            }
            (Outcome::Retryable { retry_after, .. }, Next::Dead) => {
                let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
                prop_assert!(at(age) + asked.max(delay) > end);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_destination_that_never_says_yes_is_given_up_in_time_and_not_before(
        delays in proptest::collection::vec((1u64..400_000).prop_map(Duration::from_millis), 1..20),
        give_up_after in (1u64..100_000).prop_map(Duration::from_secs),
    ) {
        let patience = Patience { since: at(0), give_up_after };
        let mut now = at(0);
        let mut attempts = delays.iter().cycle();
        let last = loop {
            let delay = *attempts.next().unwrap();
            match next(&retryable(None), delay, patience, now) {
                Next::Again(wait) => now += wait,
                Next::Dead => break delay,
                Next::Done => prop_assert!(false, "nobody said yes"),
            }
        };
        prop_assert!(now <= at(0) + give_up_after, "no attempt comes after the time is over");
        prop_assert!(now + last > at(0) + give_up_after, "it was tried for as long as it could be");
    }
}
