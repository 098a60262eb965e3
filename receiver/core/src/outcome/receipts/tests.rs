use std::time::Duration;

use super::*;
use crate::outcome::Reason;

fn receipt(recipient: &str, outcome: Outcome) -> Receipt {
    Receipt { recipient: recipient.to_owned(), outcome, tries: 1 }
}

fn delivered(recipient: &str) -> Receipt {
    receipt(recipient, Outcome::Delivered { detail: "250 ok".to_owned() })
}

fn refused(recipient: &str, reason: Reason) -> Receipt {
    receipt(recipient, Outcome::Permanent { reason, detail: "550 no such user".to_owned() })
}

fn later(recipient: &str, reason: Reason, ambiguous: bool) -> Receipt {
    let detail = "451 later".to_owned();
    receipt(recipient, Outcome::Retryable { reason, retry_after: None, ambiguous, detail })
}

#[test]
fn it_is_delivered_only_when_everybody_has_it() {
    let outcome = together(&[delivered("a@x"), delivered("b@x")]);
    assert_eq!(outcome, Outcome::Delivered { detail: "a@x, b@x: 250 ok".to_owned() });
}

#[test]
fn while_one_may_still_say_yes_it_is_tried_again_whatever_others_said() {
    let outcome = together(&[
        refused("a@x", Reason::NotFound),
        later("b@x", Reason::ServerError, false),
        later("c@x", Reason::Timeout, true),
        delivered("d@x"),
    ]);
    let detail = "a@x: 550 no such user; b@x, c@x: 451 later; d@x: 250 ok".to_owned();
    let expected =
        Outcome::Retryable { reason: Reason::ServerError, retry_after: None, ambiguous: true, detail };
    assert_eq!(outcome, expected);
}

#[test]
fn what_one_refused_for_good_is_not_delivered_and_says_who_has_it() {
    let outcome =
        together(&[delivered("a@x"), refused("b@x", Reason::NotFound), refused("c@x", Reason::Rejected)]);
    let detail = "b@x, c@x: 550 no such user; a@x: 250 ok".to_owned();
    assert_eq!(outcome, Outcome::Permanent { reason: Reason::NotFound, detail });
}

#[test]
fn the_longest_pause_that_one_asked_for_is_kept() {
    let asks = |seconds| {
        let retry_after = Some(Duration::from_secs(seconds));
        let (reason, detail) = (Reason::RateLimited, "452 busy".to_owned());
        receipt("a@x", Outcome::Retryable { reason, retry_after, ambiguous: false, detail })
    };
    let outcome = together(&[asks(3), asks(9), later("c@x", Reason::Connect, false)]);
    assert!(matches!(outcome, Outcome::Retryable { retry_after: Some(pause), .. } if pause.as_secs() == 9));
}

#[test]
fn only_what_may_still_change_is_open() {
    assert!(delivered("a").is_settled() && refused("a", Reason::Auth).is_settled());
    assert!(!later("a", Reason::Connect, false).is_settled());
}
