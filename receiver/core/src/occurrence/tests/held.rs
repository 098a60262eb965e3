//! Firing copies of an alert that is over: what refutes them, and what does not.

use proptest::prelude::*;

use super::*;

/// One that was over at minute 19, with a firing copy held since minute 22 and these reports after it.
fn held_then(reports: &[(i64, Report)]) -> Sighting {
    let held = after(&[(10, firing(5)), (20, resolved(5, 19)), (22, firing(5))]);
    let (last, before) = reports.split_last().unwrap();
    let before = before.iter().fold(held, |known, (minute, report)| {
        observe(Some(&known), *report, at(*minute), WINDOWS).into_occurrence()
    });
    observe(Some(&before), last.1, at(last.0), WINDOWS)
}

#[test]
fn the_known_end_told_again_refutes_nothing() {
    for end in [19, 12] {
        let again = held_then(&[(23, resolved(5, end))]).into_occurrence();
        assert_eq!((again.held(), again.ends_at), (Some(firing(5)), Some(at(19))), "{end}");
        assert_eq!(again.check_at(WINDOWS), Some(at(35)));
    }
}

#[test]
fn a_later_end_tells_that_the_alert_had_returned_and_is_over() {
    let sighting = held_then(&[(27, resolved(5, 25))]);
    let Sighting::Opened(missed) = sighting else { panic!("{sighting:?}") };
    assert!(missed.unconfirmed);
    assert_eq!((missed.state, missed.ends_at, missed.held()), (State::Resolved, Some(at(25)), None));
    assert_eq!(missed.check_at(WINDOWS), None);
    let again = observe(Some(&missed), resolved(5, 25), at(28), WINDOWS);
    assert!(matches!(again, Sighting::Known(_)), "told again it is the same: {again:?}");
}

#[test]
fn a_later_end_that_lies_before_the_copy_counts_unless_replicas_may_differ_by_as_much() {
    assert!(matches!(held_then(&[(23, resolved(5, 21))]), Sighting::Opened(_)));
    let differs = held_then(&[(23, resolved(5, 20))]);
    let Sighting::Known(differs) = differs else { panic!("{differs:?}") };
    assert_eq!((differs.held(), differs.ends_at), (Some(firing(5)), Some(at(20))));
}

#[test]
fn a_further_copy_of_what_is_held_is_held_too_and_moves_no_time() {
    let Sighting::HeldAlready(held) = held_then(&[(30, firing(5))]) else { panic!() };
    assert_eq!(held.check_at(WINDOWS), Some(at(35)));
}

#[test]
fn a_member_that_is_over_again_refutes_only_its_own_copy() {
    let b = of_b(firing(5));
    let (end_of_a, end_of_b) = ((27, resolved(5, 25)), (29, of_b(resolved(5, 28))));
    let Sighting::Known(waits) = held_then(&[(23, b), end_of_a]) else { panic!() };
    assert_eq!((waits.held(), waits.ends_at), (Some(b), Some(at(19))));
    let Sighting::Opened(missed) = held_then(&[(23, b), end_of_a, end_of_b]) else { panic!() };
    assert_eq!((missed.state, missed.ends_at), (State::Resolved, Some(at(28))));
    let other = held_then(&[end_of_b]).into_occurrence();
    assert_eq!(other.held(), Some(firing(5)), "of b nothing was held");
}

#[test]
fn all_members_that_are_held_fire_when_the_window_ends() {
    let held = held_then(&[(23, of_b(firing(4)))]).into_occurrence();
    let returned = observe(Some(&held), held.held().unwrap(), at(35), WINDOWS).into_occurrence();
    assert_eq!((returned.state, returned.starts_at, returned.unconfirmed), (State::Firing, at(4), true));
    let one = observe(Some(&returned), resolved(5, 40), at(41), WINDOWS).into_occurrence();
    assert_eq!(one.state, State::Firing);
    let both = observe(Some(&one), of_b(resolved(4, 41)), at(42), WINDOWS).into_occurrence();
    assert_eq!(both.state, State::Resolved);
}

#[test]
fn a_copy_of_the_occurrence_before_does_not_move_a_start() {
    let next = [(10, firing(5)), (20, resolved(5, 19)), (25, firing(24))];
    let start = |more: &[(i64, Report)]| after(&[next.as_slice(), more].concat()).starts_at;
    assert_eq!(start(&[(26, firing(5))]), at(24));
    assert_eq!(start(&[(26, resolved(5, 25))]), at(24));
    assert_eq!(start(&[(26, firing(22))]), at(22), "an earlier start of its own");
    let unconfirmed = unconfirmed();
    let earlier = observe(Some(&unconfirmed), firing(3), at(36), WINDOWS).into_occurrence();
    assert_eq!(earlier.starts_at, at(3), "it rests on such a copy itself");
}

/// What is said of the first time, to arrive whenever: in seconds, how much later than others a replica says that it
/// ended, or that it fires.
fn old_copies() -> impl Strategy<Value = Vec<(i64, Option<i64>)>> {
    proptest::collection::vec((1_i64..600, proptest::option::of(0_i64..30)), 0..8)
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(at(0).as_second() + second).unwrap()
}

fn said(end: Option<i64>) -> Report {
    Report { member: member("a"), starts_at: at(0), ends_at: end.map(second) }
}

/// An alert that fired from 0 s to 600 s, returned with its old start 60 s later or more, and may be over again; and what
/// arrives of it, with old copies of the first time from three replicas in between. There may be another that is one with it
/// but for ignored labels, which fires from 0 s too and ends about then.
fn arrivals() -> impl Strategy<Value = (Vec<(i64, Report)>, Option<i64>)> {
    let times = (60_i64..300, proptest::option::of(1_i64..300), proptest::option::of(500_i64..2400));
    (times, old_copies()).prop_map(|((quiet, loud, other), old)| {
        let returned = 600 + quiet;
        let end = loud.map(|loud| returned + loud);
        let mut all = vec![(1, said(None)), (601, said(Some(600))), (returned, said(None))];
        all.extend(end.map(|end| (end + 1, said(Some(end)))));
        let old = old.into_iter().map(|(late, differs)| (601 + late, said(differs.map(|by| 600 + by))));
        all.extend(old);
        if let Some(end) = other {
            all.extend([(1, of_b(said(None))), (end + 1, of_b(said(Some(end))))]);
        }
        all.sort_by_key(|(now, _)| *now);
        (all, end)
    })
}

proptest! {
    /// A real return is told, or known to be over, whatever old copies arrive before and after its own.
    #[test]
    fn a_return_with_the_old_start_is_never_lost((arrivals, end) in arrivals()) {
        let mut all: Vec<Occurrence> = Vec::new();
        let mut take = |sighting: Sighting| match sighting {
            Sighting::Opened(opened) => all.push(opened),
            other => {
                all.pop();
                all.push(other.into_occurrence());
            }
        };
        let has_other = arrivals.iter().any(|(_, report)| report.member == member("b"));
        let mut newest: Option<Occurrence> = None;
        for (now, report) in arrivals {
            let sighting = observe(newest.as_ref(), report, second(now), WINDOWS);
            newest = Some(sighting.occurrence().clone());
            take(sighting);
        }
        let newest = newest.unwrap();
        if let Some(report) = newest.counts_after_all(true) {
            let due = newest.check_at(WINDOWS).unwrap();
            take(observe(Some(&newest), report, due, WINDOWS));
        }
        match end {
            None => prop_assert_eq!(all.last().unwrap().state, State::Firing),
            Some(end) => {
                let ended =
                    all.iter().any(|one| (one.unconfirmed || has_other) && one.ends_at >= Some(second(end)));
                let fires = all.last().unwrap().state == State::Firing;
                prop_assert!(ended || fires, "{:?}", all);
            }
        }
    }
}
