//! What is held has a reason when it is not told, and none before.

use super::*;

/// How often something was not told since the last look, by occurrence and reason; the same for every channel.
fn untold(entries: &Entries) -> Vec<(String, Suppression, u64)> {
    let of = |wanted: &str| -> Vec<(String, Suppression, u64)> {
        let of_channel = entries.hearsay.untold.iter().filter(|((channel, ..), _)| channel == wanted);
        of_channel.map(|((_, of, reason), times)| (of.clone(), *reason, times.times)).collect()
    };
    assert_eq!(of(CHANNELS[0]), of(CHANNELS[1]));
    of(CHANNELS[0])
}

/// A ledger in which an alert fired, was over at second 50, and a firing copy of it is held since second 70.
fn held() -> (Ledger, String) {
    let mut ledger = Ledger::default();
    ledger.enter(&[group(&[("A", 0, None)])], at(10));
    ledger.enter(&[group(&[("A", 0, Some(50))])], at(60));
    let held = ledger.enter(&[group(&[("A", 0, None)])], at(70));
    assert_eq!(untold(&held), [], "nothing is decided");
    assert!(held.changes.notices.is_empty());
    let id = ledger.occurrences_of("A")[0].id.clone();
    (ledger, id)
}

#[test]
fn what_is_held_and_told_later_is_counted_nowhere() {
    let (mut ledger, first) = held();
    let again = ledger.enter(&[group(&[("A", 0, None)])], at(80));
    assert_eq!(untold(&again), [(first.clone(), Suppression::Duplicate, 1)]);
    let end = ledger.enter(&[group(&[("A", 0, Some(50))])], at(90));
    let reasons: Vec<Suppression> = end.hearsay.untold.keys().map(|(_, _, reason)| *reason).collect();
    assert_eq!(reasons, [Suppression::Duplicate, Suppression::Duplicate], "the end was told");
    let told = ledger.look_again(ledger.due(at(960)), at(960));
    assert_eq!((told.changes.notices.len(), untold(&told)), (2, Vec::new()));
    assert!(ledger.occurrences_of("A")[1].occurrence.unconfirmed);
}

#[test]
fn what_is_held_and_refuted_is_a_stale_copy_and_the_return_was_never_told() {
    let (mut ledger, first) = held();
    let over = ledger.enter(&[group(&[("A", 0, Some(80))])], at(85));
    assert_eq!((over.changes.notices.len(), over.changes.won.len()), (0, 2));
    assert!(over.changes.won.iter().all(|won| won.suppressed == Some(Suppression::NeverTold)));
    let stale: Vec<_> =
        untold(&over).into_iter().filter(|(_, reason, _)| *reason == Suppression::StaleCopy).collect();
    assert_eq!(stale, [(first, Suppression::StaleCopy, 1)]);
    let missed = &ledger.occurrences_of("A")[1].occurrence;
    assert_eq!((missed.state, missed.ends_at, missed.unconfirmed), (State::Resolved, Some(at(80)), true));
    ledger.sweep(at(100_000));
    assert_eq!(ledger.occurrences_of("A").len(), 2, "nothing is held any more");
}

#[test]
fn what_is_held_while_a_newer_occurrence_opens_is_a_stale_copy() {
    let (mut ledger, first) = held();
    let next = ledger.enter(&[group(&[("A", 75, None)])], at(80));
    assert_eq!(next.changes.notices.len(), 2);
    assert_eq!(untold(&next), [(first, Suppression::StaleCopy, 1)]);
}

#[test]
fn what_is_held_and_told_by_a_copy_that_comes_after_its_window_is_a_duplicate() {
    let (mut ledger, first) = held();
    let told = ledger.enter(&[group(&[("A", 0, None)])], at(1000));
    assert_eq!(told.changes.notices.len(), 2);
    assert_eq!(untold(&told), [(first, Suppression::Duplicate, 1)]);
}

#[test]
fn the_receivers_own_alarms_never_flap() {
    let mut ledger = Ledger::default();
    ledger.flap = Flap { changes: 3, within: Duration::from_secs(3600) };
    let own = |start: i64, end: Option<i64>| {
        let mut own = Posting { origin: Origin::Own, ..group(&[("A", start, end)]) };
        own.copies[0].key.source = "(own)".to_owned();
        own
    };
    for outage in 0..5 {
        let (start, end) = (outage * 100, outage * 100 + 50);
        let began = ledger.enter(&[own(start, None)], at(start));
        assert_eq!(began.changes.notices.len(), 2, "outage {outage}");
        ledger.enter(&[own(start, Some(end))], at(end));
    }
}
