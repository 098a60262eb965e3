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
