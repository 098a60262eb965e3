//! What an answer of Alertmanager comes to.

use super::*;

fn weighed(known: &Occurrence, report: Report, minute: i64) -> Sighting {
    weigh(Some(known), report, Witness::Alertmanager, at(minute), WINDOWS)
}

/// An alert that fired from minute 5 to 19, and of which a firing copy came at this one.
fn held(minute: i64) -> Occurrence {
    let over = after(&[(10, firing(5)), (20, resolved(5, 19))]);
    let Sighting::Held(held) = weighed(&over, firing(5), minute) else { panic!("not held") };
    held
}

fn listed(name: &str, start: i64, end: i64) -> Listed {
    Listed { member: member(name), starts_at: at(start), ends_at: at(end) }
}

fn fires(start: i64, end: i64) -> Testimony {
    Testimony::Fires(vec![listed("a", start, end)])
}

fn stands(known: &Occurrence, testimony: Testimony, minute: i64) -> Occurrence {
    match known.clone().ruled(testimony, at(minute), WINDOWS) {
        Ruling::Stands(occurrence) => occurrence,
        Ruling::Returned(sighting) => panic!("{sighting:?}"),
    }
}

fn returned(known: &Occurrence, testimony: Testimony, minute: i64) -> Occurrence {
    match known.clone().ruled(testimony, at(minute), WINDOWS) {
        Ruling::Returned(Sighting::Opened(occurrence)) => occurrence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_copy_of_what_is_over_is_asked_about_once() {
    let held = held(22);
    assert_eq!(held.question(), Some(at(22)));
    let again = weighed(&held, firing(5), 23).into_occurrence();
    assert_eq!(again.question(), Some(at(23)), "an answer from before the second copy does not count");
    let answered = stands(&held, Testimony::Unknown, 23);
    assert_eq!(weighed(&answered, firing(5), 24).into_occurrence().question(), None);
}

#[test]
fn what_ends_while_a_member_that_returned_is_held_is_asked_about() {
    let open = after(&[(10, firing(5)), (10, of_b(firing(6))), (20, resolved(5, 19)), (21, firing(5))]);
    let end = of_b(resolved(6, 22));
    let over = weigh(Some(&open), end, Witness::Alertmanager, at(23), WINDOWS).into_occurrence();
    assert_eq!((over.state, over.question()), (State::Resolved, Some(at(23))));
    assert_eq!(returned(&over, fires(5, 40), 23).state, State::Firing);
    let nobody = weigh(Some(&open), end, Witness::Nobody, at(23), WINDOWS).into_occurrence();
    assert_eq!(nobody.question(), None);
}

#[test]
fn a_question_that_was_left_waits_anew() {
    let anew = held(22).asked_anew(at(50));
    assert_eq!(anew.check_at(WINDOWS), Some(at(50) + jiff::SignedDuration::from_secs(10)));
    assert_eq!(stands(&anew, Testimony::Gone, 50).held(), None);
    assert_eq!(stands(&anew, Testimony::Unheard, 50).check_at(WINDOWS), Some(at(35)), "it is due");
}

#[test]
fn nobody_is_asked_about_what_needs_no_answer() {
    let over = after(&[(10, firing(5)), (20, resolved(5, 19))]);
    let Sighting::Opened(next) = weighed(&over, firing(20), 21) else { panic!("not opened") };
    assert_eq!(next.question(), None);
    let Sighting::Known(again) = weighed(&next, firing(20), 22) else { panic!("not joined") };
    assert_eq!(again.question(), None);
    let Sighting::Known(end) = weighed(&again, resolved(20, 24), 25) else { panic!("not ended") };
    assert_eq!(end.question(), None);
    let nobody = weigh(Some(&over), firing(5), Witness::Nobody, at(22), WINDOWS);
    assert_eq!(nobody, observe(Some(&over), firing(5), at(22), WINDOWS));
}

#[test]
fn a_held_copy_of_an_alert_that_fires_counts_at_once_and_ends_as_any_other() {
    let began = returned(&held(22), fires(5, 40), 22);
    assert_eq!((began.state, began.starts_at, began.unconfirmed), (State::Firing, at(5), false));
    assert_eq!((began.question(), began.held()), (None, None));
    let old_end = observe(Some(&began), resolved(5, 19), at(23), WINDOWS);
    assert!(matches!(old_end, Sighting::OldCopy(_)), "the end before is known");
    let over = observe(Some(&began), resolved(5, 30), at(31), WINDOWS).into_occurrence();
    assert_eq!((over.state, over.ends_at), (State::Resolved, Some(at(30))));
}

#[test]
fn an_alert_that_began_anew_begins_when_it_did_whatever_an_old_copy_said() {
    assert_eq!(returned(&held(22), fires(21, 40), 22).starts_at, at(21));
}

#[test]
fn alerts_that_are_one_but_for_ignored_labels_return_as_those_that_fire() {
    let both = Testimony::Fires(vec![listed("a", 21, 40), listed("b", 20, 40)]);
    let began = returned(&held(22), both, 22);
    assert_eq!(began.starts_at, at(20));
    let half = observe(Some(&began), resolved(21, 30), at(31), WINDOWS).into_occurrence();
    assert_eq!(half.state, State::Firing);
    let over = observe(Some(&half), of_b(resolved(20, 32)), at(33), WINDOWS).into_occurrence();
    assert_eq!(over.state, State::Resolved);
    let other = returned(&held(22), Testimony::Fires(vec![listed("b", 20, 40)]), 22);
    let over = observe(Some(&other), of_b(resolved(20, 32)), at(33), WINDOWS).into_occurrence();
    assert_eq!(over.state, State::Resolved, "the member whose copy was held has ended long since");
}

#[test]
fn a_held_copy_of_an_alert_that_is_gone_is_refuted() {
    let refuted = stands(&held(22), Testimony::Gone, 22);
    assert_eq!((refuted.state, refuted.held(), refuted.question()), (State::Resolved, None, None));
    assert_eq!(refuted.check_at(WINDOWS), None);
    assert_eq!(weighed(&refuted, firing(5), 30).into_occurrence().question(), Some(at(30)), "it may return");
}

#[test]
fn a_list_that_still_has_what_is_known_to_be_over_refutes_too() {
    let held = held(22);
    assert_eq!(stands(&held, fires(5, 19), 22).held(), None);
    assert_eq!(returned(&held, fires(5, 20), 22).state, State::Firing);
}

#[test]
fn without_an_answer_the_window_decides() {
    let held = held(22);
    for (testimony, question) in [(Testimony::Unknown, None), (Testimony::Unheard, Some(at(22)))] {
        let waits = stands(&held, testimony, 22);
        assert_eq!((waits.held(), waits.question()), (held.held(), question));
        assert_eq!(waits.check_at(WINDOWS), Some(at(35)));
        let report = waits.counts_after_all(true).unwrap();
        let began = observe(Some(&waits), report, at(35), WINDOWS).into_occurrence();
        assert_eq!((began.state, began.unconfirmed, began.question()), (State::Firing, true, None));
    }
}

#[test]
fn a_copy_that_comes_after_the_window_waits_for_an_answer_and_no_longer() {
    let held = held(60);
    let patience = at(60) + jiff::SignedDuration::from_secs(10);
    assert_eq!(held.check_at(WINDOWS), Some(patience));
    assert!(!returned(&held, fires(5, 70), 60).unconfirmed);
    assert_eq!(stands(&held, Testimony::Gone, 60).check_at(WINDOWS), None);
    for testimony in [Testimony::Unknown, Testimony::Unheard] {
        let waits = stands(&held, testimony, 60);
        assert_eq!(waits.check_at(WINDOWS), Some(at(35)), "it is due");
        let report = waits.counts_after_all(true).unwrap();
        assert!(observe(Some(&waits), report, at(60), WINDOWS).into_occurrence().unconfirmed);
    }
}

#[test]
fn an_alert_that_nobody_spoke_of_goes_stale_unless_it_fires() {
    let asked = after(&[(10, firing(5))]).unheard_of(Witness::Alertmanager, at(490));
    assert_eq!((asked.state, asked.question()), (State::Firing, Some(at(490))));
    let goes_on = stands(&asked, fires(5, 500), 490);
    assert_eq!((goes_on.state, goes_on.seen_at, goes_on.question()), (State::Firing, at(490), None));
    assert_eq!(goes_on.check_at(WINDOWS), Some(at(490 + 8 * 60)), "then it is asked about again");
    for testimony in [Testimony::Gone, Testimony::Unknown, Testimony::Unheard] {
        let stale = stands(&asked, testimony, 490);
        assert_eq!((stale.state, stale.question(), stale.check_at(WINDOWS)), (State::Stale, None, None));
    }
}

#[test]
fn an_alert_that_nobody_spoke_of_goes_stale_without_an_answer_too() {
    let asked = after(&[(10, firing(5))]).unheard_of(Witness::Alertmanager, at(490));
    let patience = at(490) + jiff::SignedDuration::from_secs(10);
    assert_eq!(asked.check_at(WINDOWS), Some(patience));
    assert_eq!(asked.clone().unheard_of(Witness::Alertmanager, patience).state, State::Stale);
    let heard = observe(Some(&asked), firing(5), at(490), WINDOWS).into_occurrence();
    assert_eq!((heard.state, heard.question()), (State::Firing, None), "somebody spoke of it meanwhile");
    assert_eq!(after(&[(10, firing(5))]).unheard_of(Witness::Nobody, at(490)).state, State::Stale);
}

#[test]
fn an_answer_that_comes_when_nothing_is_asked_changes_nothing() {
    let over = after(&[(10, firing(5)), (20, resolved(5, 19))]);
    for testimony in [fires(5, 40), Testimony::Gone, Testimony::Unknown, Testimony::Unheard] {
        assert_eq!(stands(&over, testimony, 22), over);
    }
}
