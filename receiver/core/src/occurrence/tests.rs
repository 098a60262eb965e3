use super::*;

const WINDOWS: Windows = Windows {
    reorder: Duration::from_secs(15 * 60),
    stale_after: Duration::from_secs(8 * 3600),
    flap: Flap { changes: 0, within: Duration::ZERO },
};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
}

fn member(name: &str) -> Fingerprint {
    Fingerprint::of([(&"replica".to_owned(), &name.to_owned())].into_iter())
}

fn firing(start: i64) -> Report {
    Report { member: member("a"), starts_at: at(start), ends_at: None }
}

fn resolved(start: i64, end: i64) -> Report {
    Report { ends_at: Some(at(end)), ..firing(start) }
}

fn of_b(report: Report) -> Report {
    Report { member: member("b"), ..report }
}

/// The occurrence after these reports, each accepted at its minute.
fn after(reports: &[(i64, Report)]) -> Occurrence {
    let mut newest: Option<Occurrence> = None;
    for (minute, report) in reports {
        newest = Some(observe(newest.as_ref(), *report, at(*minute), WINDOWS).occurrence().clone());
    }
    newest.unwrap()
}

#[test]
fn a_firing_alert_joins_the_open_occurrence_whatever_its_start() {
    let occurrence = after(&[(10, firing(5)), (11, firing(7)), (12, firing(3))]);
    assert_eq!(occurrence.state, State::Firing);
    assert_eq!(occurrence.starts_at, at(3));
    assert_eq!(occurrence.seen_at, at(12));
}

#[test]
fn a_start_after_the_end_opens_a_new_occurrence() {
    let over = after(&[(10, firing(5)), (20, resolved(5, 19))]);
    assert_eq!((over.state, over.ends_at), (State::Resolved, Some(at(19))));
    let Sighting::Opened(next) = observe(Some(&over), firing(20), at(21), WINDOWS) else {
        panic!("not opened")
    };
    assert!(!next.unconfirmed);
    assert_eq!(next.starts_at, at(20));
}

#[test]
fn a_firing_copy_of_a_resolved_occurrence_is_held_and_counts_when_the_window_ends() {
    let over = after(&[(10, firing(5)), (20, resolved(5, 19))]);
    let sighting = observe(Some(&over), firing(5), at(22), WINDOWS);
    let Sighting::Held(held) = sighting else { panic!("{sighting:?}") };
    assert_eq!(held.check_at(WINDOWS), Some(at(35)));
    let report = held.held().unwrap();
    let Sighting::Opened(returned) = observe(Some(&held), report, at(35), WINDOWS) else {
        panic!("not opened")
    };
    assert!(returned.unconfirmed);
    assert_eq!(returned.state, State::Firing);
}

#[test]
fn a_firing_copy_accepted_after_the_window_opens_at_once() {
    let over = after(&[(10, firing(5)), (20, resolved(5, 19))]);
    let sighting = observe(Some(&over), firing(5), at(40), WINDOWS);
    assert!(matches!(sighting, Sighting::Opened(Occurrence { unconfirmed: true, .. })), "{sighting:?}");
}

#[test]
fn a_clock_that_went_back_holds_a_copy_no_longer_than_the_window() {
    let over = after(&[(100, firing(65)), (110, resolved(65, 69))]);
    let held = observe(Some(&over), firing(65), at(50), WINDOWS).occurrence().clone();
    assert_eq!(held.check_at(WINDOWS), Some(at(65)));
    let sighting = observe(Some(&held), firing(65), at(65), WINDOWS);
    assert!(matches!(sighting, Sighting::Opened(_)), "{sighting:?}");
}

/// One that ended at minute 19, and one that a copy held until minute 35 opened.
fn unconfirmed() -> Occurrence {
    let held = after(&[(10, firing(5)), (20, resolved(5, 19)), (22, firing(5))]);
    observe(Some(&held), held.held().unwrap(), at(35), WINDOWS).into_occurrence()
}

#[test]
fn what_an_old_copy_opened_is_over_when_the_end_before_it_is_told_again() {
    let refuted = observe(Some(&unconfirmed()), resolved(5, 19), at(36), WINDOWS);
    let Sighting::Known(refuted) = refuted else { panic!("{refuted:?}") };
    assert_eq!((refuted.state, refuted.ends_at), (State::Resolved, Some(at(19))));
}

#[test]
fn what_an_old_copy_opened_and_a_newer_one_confirmed_is_over_only_when_the_old_end_can_be_no_old_copy() {
    let confirmed = observe(Some(&unconfirmed()), firing(5), at(36), WINDOWS).into_occurrence();
    let early = observe(Some(&confirmed), resolved(5, 19), at(50), WINDOWS);
    assert!(matches!(early, Sighting::OldCopy(Occurrence { state: State::Firing, .. })), "{early:?}");
    let late = observe(Some(&confirmed), resolved(5, 19), at(51), WINDOWS);
    assert_eq!(late.occurrence().state, State::Resolved);
}

#[test]
fn an_old_resolved_copy_does_not_end_the_next_occurrence() {
    let next = [(10, firing(5)), (20, resolved(5, 19)), (25, firing(24))];
    for old in [resolved(5, 19), resolved(1, 2)] {
        let mut reports = next.to_vec();
        reports.push((26, old));
        assert_eq!(after(&reports).state, State::Firing, "{old:?}");
    }
}

#[test]
fn an_end_before_the_newest_start_is_an_old_copy_even_if_the_occurrence_before_was_never_seen() {
    let open = after(&[(10, firing(9)), (11, firing(1))]);
    let sighting = observe(Some(&open), resolved(1, 5), at(12), WINDOWS);
    assert!(matches!(sighting, Sighting::OldCopy(Occurrence { state: State::Firing, .. })), "{sighting:?}");
}

#[test]
fn an_occurrence_ends_when_all_its_members_have() {
    let reports = [(10, firing(5)), (10, of_b(firing(6))), (20, resolved(5, 19))];
    assert_eq!(after(&reports).state, State::Firing);
    let over = after(&[reports.as_slice(), &[(22, of_b(resolved(6, 21)))]].concat());
    assert_eq!((over.state, over.ends_at), (State::Resolved, Some(at(21))));
}

#[test]
fn a_member_that_just_ended_does_not_come_back_by_an_old_copy() {
    let reports = [(10, firing(5)), (10, of_b(firing(6))), (20, resolved(5, 19)), (21, firing(5))];
    let over = after(&[reports.as_slice(), &[(22, of_b(resolved(6, 21)))]].concat());
    assert_eq!(over.state, State::Resolved);
}

#[test]
fn a_member_that_just_ended_and_returned_is_held_whatever_becomes_of_the_others() {
    let both = [(10, firing(5)), (10, of_b(firing(6))), (20, resolved(5, 19)), (21, firing(5))];
    let open = after(&both);
    assert_eq!(
        (open.state, open.held(), open.counts_after_all(true)),
        (State::Firing, Some(firing(5)), None)
    );
    let over = observe(Some(&open), of_b(resolved(6, 22)), at(23), WINDOWS).into_occurrence();
    assert_eq!((over.state, over.check_at(WINDOWS)), (State::Resolved, Some(at(38))));
    let back = observe(Some(&over), over.counts_after_all(true).unwrap(), at(38), WINDOWS);
    assert!(matches!(back, Sighting::Opened(Occurrence { unconfirmed: true, .. })), "{back:?}");
    let later = observe(Some(&open), of_b(resolved(6, 39)), at(40), WINDOWS).into_occurrence();
    assert_eq!((later.state, later.held()), (State::Firing, None), "nothing refuted that it fires");
    let over = observe(Some(&later), resolved(5, 41), at(42), WINDOWS).into_occurrence();
    assert_eq!((over.state, over.ends_at), (State::Resolved, Some(at(41))));
}

#[test]
fn a_member_that_returned_and_is_over_again_is_not_held() {
    let both = [(10, firing(5)), (10, of_b(firing(6))), (20, resolved(5, 19)), (21, firing(5))];
    let again = after(&[both.as_slice(), &[(25, resolved(5, 24))]].concat());
    assert_eq!((again.state, again.held()), (State::Firing, None));
    let anew = after(&[both.as_slice(), &[(25, firing(24))]].concat());
    assert_eq!((anew.state, anew.held()), (State::Firing, None), "it began anew");
    let over = observe(Some(&anew), of_b(resolved(6, 26)), at(26), WINDOWS).into_occurrence();
    assert_eq!(over.state, State::Firing);
}

/// The second that lies so long after a minute.
fn just_after(minute: i64, seconds: i64) -> Timestamp {
    Timestamp::from_second(at(minute).as_second() + seconds).unwrap()
}

#[test]
fn what_another_replica_says_of_the_end_before_ends_nothing() {
    let before = [(10, firing(5)), (20, resolved(5, 19))];
    let next = Report { starts_at: just_after(19, 5), ..firing(0) };
    let late = Report { ends_at: Some(just_after(19, 10)), ..resolved(5, 0) };
    for seen in [before.as_slice(), &before[..1]] {
        let open = observe(Some(&after(seen)), next, at(21), WINDOWS).into_occurrence();
        let sighting = observe(Some(&open), late, at(22), WINDOWS);
        assert!(
            matches!(sighting, Sighting::OldCopy(Occurrence { state: State::Firing, .. })),
            "{sighting:?}"
        );
        let own = Report { ends_at: Some(just_after(19, 30)), ..next };
        assert_eq!(observe(Some(&open), own, at(22), WINDOWS).into_occurrence().state, State::Resolved);
        let moved = observe(Some(&open), resolved(5, 30), at(31), WINDOWS).into_occurrence();
        assert_eq!(moved.state, State::Resolved, "a start that was moved back does not keep it open");
    }
}

#[test]
fn replicas_that_differ_in_a_start_end_what_is_short() {
    let replica = Report { starts_at: just_after(5, 20), ..firing(0) };
    let open = observe(Some(&after(&[(6, firing(5))])), replica, at(6), WINDOWS).into_occurrence();
    let end = Report { ends_at: Some(just_after(5, 40)), ..firing(5) };
    assert_eq!(observe(Some(&open), end, at(7), WINDOWS).into_occurrence().state, State::Resolved);
}

#[test]
fn members_that_ended_long_ago_are_forgotten_while_others_fire() {
    let both = [(10, firing(5)), (10, of_b(firing(6))), (20, resolved(5, 19))];
    let names = |minute: i64| -> Vec<Fingerprint> {
        let occurrence = after(&[both.as_slice(), &[(minute, of_b(firing(6)))]].concat());
        occurrence.members.into_keys().collect()
    };
    assert_eq!(names(34).len(), 2);
    assert_eq!(names(35), [member("b")]);
}

#[test]
fn a_resolved_alert_that_was_never_seen_firing_is_an_occurrence_that_is_over() {
    let occurrence = after(&[(20, resolved(5, 19))]);
    assert_eq!((occurrence.state, occurrence.starts_at), (State::Resolved, at(5)));
    assert!(matches!(observe(Some(&occurrence), firing(5), at(21), WINDOWS), Sighting::Held(_)));
}

#[test]
fn what_nobody_speaks_of_goes_stale_and_returns_to_firing_when_spoken_of() {
    let open = after(&[(10, firing(5))]);
    assert_eq!(open.check_at(WINDOWS), Some(at(10 + 8 * 60)));
    let stale = open.forgotten();
    assert_eq!((stale.state, stale.check_at(WINDOWS)), (State::Stale, None));
    let back = observe(Some(&stale), firing(5), at(600), WINDOWS);
    assert!(matches!(back, Sighting::Known(Occurrence { state: State::Firing, .. })), "{back:?}");
}

#[test]
fn a_later_start_than_the_last_report_of_a_stale_occurrence_is_another_incident() {
    let stale = after(&[(10, firing(5))]).forgotten();
    let sighting = observe(Some(&stale), firing(540), at(541), WINDOWS);
    let Sighting::Opened(next) = sighting else { panic!("{sighting:?}") };
    assert_eq!((next.state, next.starts_at), (State::Firing, at(540)));
    assert!(matches!(observe(Some(&next), resolved(5, 9), at(542), WINDOWS), Sighting::OldCopy(_)));
}

#[test]
fn a_stale_occurrence_can_end() {
    let stale = after(&[(10, firing(5))]).forgotten();
    let over = observe(Some(&stale), resolved(5, 500), at(501), WINDOWS);
    assert!(matches!(over, Sighting::Known(Occurrence { state: State::Resolved, .. })), "{over:?}");
}

#[test]
fn an_occurrence_survives_being_stored() {
    let occurrence = after(&[(10, firing(5)), (20, resolved(5, 19)), (22, firing(5))]);
    let text = serde_json::to_string(&occurrence).unwrap();
    assert_eq!(serde_json::from_str::<Occurrence>(&text).unwrap(), occurrence);
}

#[test]
fn a_held_copy_counts_only_while_nothing_newer_is_known() {
    let held = after(&[(10, firing(5)), (20, resolved(5, 19)), (22, firing(5))]);
    assert_eq!(held.counts_after_all(true), Some(firing(5)));
    assert_eq!(held.counts_after_all(false), None);
    let followed = held.followed();
    assert_eq!((followed.held(), followed.check_at(WINDOWS)), (None, None));
    assert_eq!((followed.state, followed.ends_at), (State::Resolved, Some(at(19))));
}

mod held;
mod passing_time;
mod restless;
mod witnessed;

#[test]
fn a_fire_drill_counts_as_firing_and_is_never_looked_at_again() {
    let drill = Occurrence::test(firing(5), at(10));
    assert_eq!((drill.state, drill.state.status(), drill.ends_at), (State::Test, Status::Firing, None));
    assert_eq!(drill.check_at(WINDOWS), None);
    assert_eq!(drill.forgotten().state, State::Test);
}
