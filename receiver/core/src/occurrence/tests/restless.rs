//! An alert that begins and ends often.

use super::*;

const FLAPPY: Windows = Windows { flap: Flap { changes: 4, within: Duration::from_secs(3600) }, ..WINDOWS };

/// The occurrences after the alert began at each of these minutes and ended a minute later; the oldest first.
fn restless(minutes: &[i64]) -> Vec<Occurrence> {
    let mut all: Vec<Occurrence> = Vec::new();
    for minute in minutes {
        for (now, report) in [(*minute, firing(*minute)), (minute + 1, resolved(*minute, minute + 1))] {
            match observe(all.last(), report, at(now), FLAPPY) {
                Sighting::Opened(opened) => all.push(opened),
                other => *all.last_mut().unwrap() = other.into_occurrence(),
            }
        }
    }
    all
}

#[test]
fn an_alert_that_changes_often_is_one_occurrence_from_then_on() {
    let all = restless(&[0, 10, 20, 30]);
    assert_eq!(all.len(), 2);
    let flapping = all[1].flapping();
    assert_eq!((flapping.stage, flapping.changes, flapping.since), (1, 8, Some(at(0))));
    assert_eq!((all[1].starts_at, all[1].ends_at), (at(10), Some(at(31))));
    assert_eq!(all[0].flapping().stage, 0);
}

#[test]
fn changes_count_only_within_their_time() {
    let all = restless(&[0, 60, 120, 180]);
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|one| !one.flapping().is_now()));
}

#[test]
fn it_has_calmed_down_when_at_most_half_of_the_changes_are_recent() {
    let flapping = restless(&[0, 10, 20]).pop().unwrap();
    assert_eq!(flapping.check_at(FLAPPY), Some(at(11 + 60)), "then two of the last four are left");
    assert_eq!(flapping.calmed(at(70), FLAPPY), None);
    let calm = flapping.calmed(at(71), FLAPPY).unwrap();
    assert_eq!((calm.flapping().stage, calm.flapping().is_now()), (2, false));
    assert_eq!(calm.check_at(FLAPPY), None);
    let next = observe(Some(&calm), firing(72), at(72), FLAPPY);
    assert!(matches!(next, Sighting::Opened(_)), "life goes on: {next:?}");
}

#[test]
fn what_flaps_while_that_is_switched_off_calms_down_at_once() {
    let flapping = restless(&[0, 10]).pop().unwrap();
    assert!(flapping.flapping().is_now());
    let off = Windows { flap: Flap { changes: 0, ..FLAPPY.flap }, ..FLAPPY };
    assert!(flapping.check_at(off).unwrap() <= at(11));
    assert!(flapping.calmed(at(11), off).is_some());
}

#[test]
fn copies_and_members_are_no_changes() {
    let mut newest = None;
    for minute in 0..20 {
        let report = if minute % 2 == 0 { firing(0) } else { of_b(firing(0)) };
        newest = Some(observe(newest.as_ref(), report, at(minute), FLAPPY).into_occurrence());
    }
    assert!(!newest.unwrap().flapping().is_now());
}

#[test]
fn an_old_copy_does_not_reopen_what_flaps() {
    let flapping = restless(&[0, 10]).pop().unwrap();
    let sighting = observe(Some(&flapping), firing(10), at(12), FLAPPY);
    assert!(matches!(sighting, Sighting::Held(_)), "{sighting:?}");
}

#[test]
fn what_was_over_before_anybody_could_be_told_is_no_change() {
    let flapping = restless(&[0, 10]).pop().unwrap();
    let missed = |occurrence: &Occurrence, start: i64| {
        let held = observe(Some(occurrence), firing(start), at(start + 2), FLAPPY).into_occurrence();
        observe(Some(&held), resolved(start, start + 4), at(start + 4), FLAPPY)
    };
    let goes_on = missed(&flapping, 10);
    let Sighting::Known(goes_on) = goes_on else { panic!("{goes_on:?}") };
    assert_eq!((goes_on.ends_at, goes_on.held()), (Some(at(14)), None));
    assert_eq!(goes_on.flapping(), flapping.flapping());
    let calm = restless(&[0]).pop().unwrap();
    let opened = missed(&calm, 0);
    let Sighting::Opened(opened) = opened else { panic!("{opened:?}") };
    assert!(!observe(Some(&opened), firing(5), at(5), FLAPPY).occurrence().flapping().is_now());
}
