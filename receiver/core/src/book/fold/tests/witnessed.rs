//! Alerts of which somebody can be asked whether they fire.

use super::*;
use crate::occurrence::{Listed, Testimony};

fn asking() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.witness = Witness::Alertmanager;
    ledger
}

fn webhook(start: i64, end: Option<i64>) -> Posting {
    Posting { witness: Witness::Alertmanager, ..group(&[("A", start, end)]) }
}

fn fires(start: i64, end: i64) -> Testimony {
    let member = copy("A", "0", at(start), None).report.member;
    Testimony::Fires(vec![Listed { member, starts_at: at(start), ends_at: at(end) }])
}

/// How an alert's occurrences stand, the oldest first.
fn states(ledger: &Ledger) -> Vec<State> {
    ledger.occurrences_of("A").iter().map(|row| row.occurrence.state).collect()
}

/// An alert that was told as over, and a firing copy of it that came later.
fn held() -> Ledger {
    let mut ledger = asking();
    ledger.enter(&[webhook(0, None)], at(10));
    ledger.enter(&[webhook(0, Some(100))], at(110));
    let copy = ledger.enter(&[webhook(0, None)], at(120));
    assert_eq!(copy.changes.notices.len(), 0);
    assert!(copy.hearsay.untold.is_empty());
    ledger
}

#[test]
fn a_held_copy_of_what_fires_is_told_to_everyone_once() {
    let mut ledger = held();
    assert_eq!(ledger.answer(&fires(0, 400), at(121)).changes.notices.len(), CHANNELS.len());
    assert_eq!(states(&ledger), [State::Resolved, State::Firing]);
    for again in [fires(0, 400), Testimony::Gone, Testimony::Unheard] {
        assert_eq!(ledger.answer(&again, at(122)), Entries::default());
    }
    ledger.enter(&[webhook(0, None)], at(130));
    ledger.sweep(at(10_000));
    assert_eq!(states(&ledger), [State::Resolved, State::Firing]);
    assert_eq!(ledger.enter(&[webhook(0, Some(10_001))], at(10_001)).changes.notices.len(), 1);
}

#[test]
fn a_held_copy_of_what_is_gone_is_never_told() {
    let mut ledger = held();
    let refuted = ledger.answer(&Testimony::Gone, at(121));
    assert_eq!(refuted.changes.notices.len(), 0);
    let reasons: Vec<_> = refuted.hearsay.untold.keys().map(|(_, _, reason)| *reason).collect();
    assert_eq!(reasons, [Suppression::StaleCopy; 2]);
    ledger.sweep(at(100_000));
    assert_eq!(states(&ledger), [State::Resolved]);
}

#[test]
fn a_held_copy_of_which_nobody_knows_is_told_when_its_window_ends() {
    for testimony in [Testimony::Unknown, Testimony::Unheard] {
        let mut ledger = held();
        assert_eq!(ledger.answer(&testimony, at(121)).changes.notices.len(), 0);
        ledger.sweep(at(110 + 899));
        assert_eq!(states(&ledger), [State::Resolved]);
        ledger.sweep(at(110 + 900));
        assert_eq!(states(&ledger), [State::Resolved, State::Firing]);
        assert!(ledger.occurrences_of("A")[1].occurrence.unconfirmed);
    }
}

#[test]
fn an_answer_that_another_copy_overtook_is_none() {
    let mut ledger = held();
    ledger.enter(&[webhook(110, None)], at(121));
    assert_eq!(ledger.answer(&Testimony::Gone, at(122)), Entries::default());
    assert_eq!(states(&ledger), [State::Resolved, State::Firing]);
}

#[test]
fn an_alert_that_nobody_speaks_of_goes_on_without_a_message_while_it_fires() {
    let mut ledger = asking();
    ledger.enter(&[webhook(0, None)], at(10));
    let mut now = 10;
    for _ in 0..3 {
        now += 8 * 3600;
        let due = ledger.due(at(now));
        assert_eq!(ledger.look_again(due, at(now)).changes.notices.len(), 0);
        assert_eq!(ledger.answer(&fires(0, now + 300), at(now)).changes.notices.len(), 0);
        assert_eq!(states(&ledger), [State::Firing]);
    }
    let due = ledger.due(at(now + 8 * 3600));
    ledger.look_again(due, at(now + 8 * 3600));
    ledger.answer(&Testimony::Gone, at(now + 8 * 3600));
    assert_eq!(states(&ledger), [State::Stale]);
}
