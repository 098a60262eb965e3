use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

use crate::book::Changes;
use crate::occurrence::{Flap, State};

mod held;
mod ledger;
mod truth;
mod witnessed;

use ledger::{CHANNELS, Ledger, at, copy, posting};
use truth::{Delivered, Truth, deliveries, truth};

/// A webhook of three alerts, of which some are over.
fn group(alerts: &[(&str, i64, Option<i64>)]) -> Posting {
    posting("0", alerts.iter().map(|(name, start, end)| copy(name, "0", at(*start), end.map(at))).collect())
}

#[test]
fn copies_that_change_nothing_write_nothing_but_that_they_came() {
    let mut ledger = Ledger::default();
    let first = ledger.enter(&[group(&[("A", 0, None)])], at(10));
    assert_eq!((first.changes.occurrences.len(), first.changes.notices.len()), (1, 2));
    let copies = ledger.enter(&[group(&[("A", 0, None)]), group(&[("A", 0, None)])], at(20));
    let Changes { receipts, occurrences, won, notices, beats } = copies.changes;
    assert_eq!((receipts.len(), occurrences.len(), won.len(), notices.len(), beats.len()), (2, 0, 0, 0, 0));
    let seen: Vec<_> = copies.hearsay.seen.values().copied().collect();
    assert_eq!(seen, [(at(20), Some(at(20 + 8 * 3600)))]);
    let times: Vec<u64> = copies.hearsay.untold.values().map(|times| times.times).collect();
    assert_eq!(times, [2, 2], "each channel was not told two copies");
}

#[test]
fn what_people_see_of_a_copy_is_written_when_it_differs() {
    let mut ledger = Ledger::default();
    let mut webhook = group(&[("A", 0, None)]);
    ledger.enter(std::slice::from_ref(&webhook), at(10));
    webhook.group.external_url = "http://replica-2".to_owned();
    assert_eq!(ledger.enter(std::slice::from_ref(&webhook), at(11)).changes.occurrences, []);
    webhook.copies[0].alert.annotations.insert("summary".to_owned(), "other".to_owned());
    webhook.copies[0].digest = AlertCopy::digest(&webhook.copies[0].alert, &webhook.group);
    let written = ledger.enter(std::slice::from_ref(&webhook), at(12)).changes.occurrences;
    assert_eq!(written[0].copy.as_ref().unwrap().0, webhook.copies[0].alert);
    assert_eq!(ledger.enter(&[webhook], at(13)).changes.occurrences, []);
}

#[test]
fn a_late_copy_of_the_time_before_does_not_speak_for_the_present_one() {
    let mut ledger = Ledger::default();
    let saying = |start: i64, end: Option<i64>, what: &str| {
        posting(what, vec![copy("A", what, at(start), end.map(at))])
    };
    ledger.enter(&[saying(0, None, "first")], at(10));
    ledger.enter(&[saying(0, Some(50), "first")], at(60));
    ledger.enter(&[saying(100, None, "second")], at(110));
    let late = ledger.enter(&[saying(0, None, "first")], at(120));
    assert_eq!(late.changes.occurrences.iter().filter_map(|written| written.copy.as_ref()).count(), 0);
    let moved = ledger.enter(&[saying(90, None, "third")], at(130)).changes.occurrences;
    assert_eq!(
        moved[0].copy.as_ref().unwrap().0.annotations["value"],
        "third",
        "it began earlier than was said"
    );
}

#[test]
fn what_begins_and_ends_in_one_batch_is_written_once_per_occurrence_the_older_first() {
    let mut ledger = Ledger::default();
    let webhooks = [("A", 0, None), ("A", 0, Some(5)), ("A", 7, None)].map(|alert| group(&[alert]));
    let written = ledger.enter(&webhooks, at(10)).changes.occurrences;
    let states: Vec<State> = written.iter().map(|written| written.occurrence.state).collect();
    assert_eq!(states, [State::Resolved, State::Firing]);
    assert!(written.iter().all(|written| written.is_new));
    assert!(written[0].id < written[1].id);
}

#[test]
fn a_fire_drill_is_compared_with_nothing() {
    let mut ledger = Ledger::default();
    let drill = Posting { origin: Origin::Drill, ..group(&[("A", 0, None)]) };
    let entries = ledger.enter(&[drill.clone(), drill], at(10));
    assert_eq!(entries.changes.occurrences.len(), 2);
    assert_eq!(entries.changes.notices.len(), 4);
    assert_eq!((entries.changes.receipts.len(), entries.received.len()), (0, 0));
    assert!(entries.changes.occurrences.iter().all(|written| written.check_at.is_none()));
}

#[test]
fn a_heartbeat_goes_nowhere_else_and_only_firing_feeds_it() {
    let mut ledger = Ledger::default();
    let mut webhook = group(&[("A", 0, None), ("B", 0, Some(3))]);
    for (copy, name) in webhook.copies.iter_mut().zip(["a", "b"]) {
        copy.bound = Bound::Heartbeat(name.to_owned());
    }
    let entries = ledger.enter(&[webhook], at(10));
    assert_eq!(entries.changes.beats, BTreeMap::from([("a".to_owned(), at(10))]));
    assert_eq!(entries.changes.occurrences, []);
    let untold: Vec<_> = entries.hearsay.untold.into_keys().map(|(_, of, reason)| (of, reason)).collect();
    let heartbeat = |name: &str| (format!("heartbeat/{name}"), Suppression::Heartbeat);
    assert_eq!(untold, [heartbeat("a"), heartbeat("b")]);
}

#[test]
fn what_no_route_takes_is_known_and_has_a_reason() {
    let mut ledger = Ledger::default();
    let mut webhook = group(&[("A", 0, None)]);
    webhook.copies[0].bound = Bound::Channels(Vec::new());
    let entries = ledger.enter(&[webhook], at(10));
    assert_eq!(entries.changes.occurrences.len(), 1);
    let reasons: Vec<_> =
        entries.hearsay.untold.into_keys().map(|(channel, _, reason)| (channel, reason)).collect();
    assert_eq!(reasons, [(String::new(), Suppression::NoRoute)]);
}

#[test]
fn what_is_due_and_was_heard_of_meanwhile_is_only_looked_at_later() {
    let mut ledger = Ledger::default();
    ledger.enter(&[group(&[("A", 0, None)])], at(10));
    ledger.heard_of_by_another(at(3600));
    let due = ledger.due(at(10 + 8 * 3600));
    let entries = ledger.look_again(due, at(10 + 8 * 3600));
    assert_eq!(entries.changes.occurrences[0].occurrence.state, State::Firing);
    assert_eq!(entries.changes.occurrences[0].check_at, Some(at(9 * 3600)));
}

/// What each destination is told by notifications, as `channel: occurrences`.
fn notices(entries: &Entries) -> Vec<String> {
    let notices = entries.changes.notices.iter();
    notices.map(|notice| format!("{}: {}", notice.channel, notice.mentions.len())).collect()
}

/// What is settled untold, as `channel status: reason`.
fn settled(entries: &Entries) -> Vec<String> {
    let settled = entries.changes.won.iter().filter_map(|won| Some((won, won.suppressed?)));
    let line = |(won, reason): (&Won, Suppression)| {
        format!("{} {}: {}", won.channel, won.transition.status.as_str(), reason.as_str())
    };
    settled.map(line).collect()
}

/// The same webhook with another route.
fn routed(mut webhook: Posting, channels: &[&str]) -> Posting {
    for copy in &mut webhook.copies {
        copy.bound = Bound::Channels(channels.iter().map(|&channel| channel.to_owned()).collect());
    }
    webhook
}

#[test]
fn the_end_of_what_waits_unheard_is_not_told() {
    let mut ledger = Ledger::default();
    ledger.is_mute = true;
    ledger.enter(&[group(&[("A", 0, None)])], at(10));
    let end = ledger.enter(&[group(&[("A", 0, Some(20))])], at(30));
    assert_eq!(settled(&end), ["console resolved: never_told", "quiet resolved: never_told"]);
    assert_eq!(end.changes.notices, []);
    let untold: Vec<_> =
        end.hearsay.untold.into_keys().map(|(channel, _, reason)| (channel, reason)).collect();
    assert_eq!(untold, CHANNELS.map(|channel| (channel.to_owned(), Suppression::NeverTold)), "it is counted");
    let again = ledger.enter(&[group(&[("A", 0, Some(20)), ("A", 40, None)])], at(50));
    assert_eq!(notices(&again), ["console: 1", "quiet: 1"], "what begins again is told");
}

#[test]
fn what_begins_and_ends_at_once_is_never_told_and_others_are_told_without_it() {
    let mut ledger = Ledger::default();
    let webhooks = [group(&[("A", 0, None), ("B", 0, None)]), group(&[("A", 0, Some(5)), ("B", 0, None)])];
    let entries = ledger.enter(&webhooks, at(10));
    assert_eq!(settled(&entries), ["console resolved: never_told", "quiet resolved: never_told"]);
    assert_eq!(notices(&entries), ["console: 2", "quiet: 2"], "the store leaves out what is over");
}

#[test]
fn an_end_is_told_to_whoever_heard_the_beginning_wherever_routes_lead_by_now() {
    let mut ledger = Ledger::default();
    ledger.enter(&[routed(group(&[("A", 0, None)]), &["console", "pager", "gone", "quiet"])], at(10));
    ledger.only = vec!["console", "pager", "quiet", "other"];
    let rerouted = |alert| routed(group(&[alert]), &["other"]);
    assert_eq!(notices(&ledger.enter(&[rerouted(("A", 0, None))], at(20))), ["other: 1"]);
    let end = ledger.enter(&[rerouted(("A", 0, Some(25)))], at(30));
    assert_eq!(notices(&end), ["console: 1"]);
    let off = ["other", "pager", "quiet"].map(|channel| format!("{channel} resolved: resolved_off"));
    assert_eq!(settled(&end), off, "what a channel wants counts; one that is gone is left alone");
    let copy = ledger.enter(&[rerouted(("A", 0, Some(25)))], at(40));
    assert_eq!((notices(&copy), settled(&copy)), (vec![], vec![]), "once");
    assert!(copy.hearsay.untold.keys().all(|(channel, ..)| channel == "other"), "{:?}", copy.hearsay);
}

#[test]
fn an_end_that_no_route_takes_any_more_is_told_to_whoever_heard_the_beginning() {
    let mut ledger = Ledger::default();
    ledger.enter(&[routed(group(&[("A", 0, None)]), &["console"])], at(10));
    let end = ledger.enter(&[routed(group(&[("A", 0, Some(25))]), &[])], at(30));
    assert_eq!(notices(&end), ["console: 1"]);
    assert!(end.hearsay.untold.is_empty(), "{:?}", end.hearsay);
}

#[test]
fn what_flapped_and_was_told_to_be_over_is_not_among_what_still_fires() {
    let mut ledger = Ledger::default();
    ledger.flap = Flap { changes: 4, within: Duration::from_secs(3600) };
    let webhooks = [("A", 0, None), ("A", 0, Some(10)), ("A", 20, None), ("A", 20, Some(30))];
    for (second, alert) in (0..).step_by(10).zip(webhooks) {
        ledger.enter(&[group(&[alert])], at(second + 1));
    }
    let both = ledger.enter(&[group(&[("A", 40, None), ("B", 40, None)])], at(41));
    assert_eq!(notices(&both), ["console: 1", "quiet: 2"], "the second one does not hear what is over");
    let flapping: Vec<_> =
        both.hearsay.untold.keys().filter(|(.., reason)| *reason == Suppression::Flapping).collect();
    assert_eq!(flapping.len(), 1, "{:?}", both.hearsay);
}

#[test]
fn hearsay_of_what_was_written_meanwhile_is_not_written_over_it() {
    let mut ledger = Ledger::default();
    ledger.enter(&[group(&[("A", 0, None)])], at(10));
    let mut heard = Hearsay::default();
    heard.merge(ledger.enter(&[group(&[("A", 0, None)])], at(20)).hearsay, &[]);
    assert_eq!(heard.seen.len(), 1);
    let over = ledger.enter(&[group(&[("A", 0, Some(25))])], at(30));
    heard.merge(over.hearsay, &over.changes.occurrences);
    assert!(heard.seen.is_empty());
    assert!(!heard.is_empty(), "what was not told is still to be written");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever way the truth takes, each occurrence is told once to each destination, none is forgotten, and what was
    /// not told has a reason.
    #[test]
    fn the_truth_is_told_once_whatever_way_it_takes(
        (truth, way) in truth().prop_flat_map(|truth| (Just(truth.clone()), deliveries(&truth))),
        batches in proptest::collection::vec(1_usize..9, 64),
        forgets in any::<bool>(),
    ) {
        let mut ledger = Ledger::default();
        ledger.forgets = forgets;
        run(&mut ledger, &way, &batches);
        check_end(&ledger, &truth)?;
    }

    /// The same of alerts that flap: once all is quiet, everybody knows where they stand.
    #[test]
    fn whoever_heard_that_an_alert_flaps_hears_how_it_stands_when_it_is_calm(
        (truth, way) in truth().prop_flat_map(|truth| (Just(truth.clone()), deliveries(&truth))),
        changes in 3_usize..6,
    ) {
        let mut ledger = Ledger::default();
        ledger.flap = Flap { changes, within: Duration::from_secs(6 * 3600) };
        run(&mut ledger, &way, &[1]);
        let last = way.last().unwrap().at;
        ledger.sweep(later(last, 6 * 3600 + 1));
        check_calm(&ledger, &truth)?;
    }

    /// However webhooks are cut into batches of one moment, the same comes of it.
    #[test]
    fn batches_make_no_difference((_, way) in truth().prop_flat_map(|truth| (Just(()), deliveries(&truth)))) {
        // what is heard between two batches does make a difference
        let (mut together, mut alone) = (Ledger::default(), Ledger::default());
        (together.is_mute, alone.is_mute) = (true, true);
        let webhooks: Vec<Posting> = way.into_iter().map(|delivered| delivered.posting).take(12).collect();
        together.enter(&webhooks, at(100));
        for webhook in &webhooks {
            alone.enter(std::slice::from_ref(webhook), at(100));
        }
        prop_assert_eq!(together.without_ids(), alone.without_ids());
    }
}

/// Enters what is delivered, in batches, and looks at what is due in between, until everything is quiet.
fn run(ledger: &mut Ledger, way: &[Delivered], batches: &[usize]) {
    let mut sizes = batches.iter().cycle();
    let mut rest = way;
    while let Some(first) = rest.first() {
        // what is delivered within a second may share a batch
        let together = rest.iter().take_while(|next| next.at.as_second() == first.at.as_second()).count();
        let size = together.min(*sizes.next().unwrap());
        let now = rest[size - 1].at;
        ledger.sweep(now);
        let webhooks: Vec<Posting> = rest[..size].iter().map(|delivered| delivered.posting.clone()).collect();
        ledger.enter(&webhooks, now);
        rest = &rest[size..];
    }
    if let Some(last) = way.last() {
        ledger.sweep(later(last.at, ledger::WINDOWS.reorder.as_secs()));
    }
}

fn check_end(ledger: &Ledger, truth: &Truth) -> Result<(), TestCaseError> {
    let untold = if ledger.forgets { ledger.looked_at - ledger.told_of } else { ledger.untold };
    prop_assert_eq!(
        ledger.looked_at,
        ledger.told_of + untold + ledger.held(),
        "every look came to something"
    );
    for (name, episodes) in &truth.0 {
        let of = ledger.occurrences_of(name);
        let confirmed = of.iter().filter(|row| !row.occurrence.unconfirmed).count();
        prop_assert!(confirmed <= episodes.len(), "{}: {} of {}", name, confirmed, episodes.len());
        for row in &of {
            for channel in CHANNELS {
                let fired = ledger.won(channel, &row.id, Status::Firing);
                let ended = ledger.won(channel, &row.id, Status::Resolved);
                let is_over = row.occurrence.state == State::Resolved;
                prop_assert_eq!(is_over, ended.is_some(), "{} {}: an end is told or settled", channel, name);
                prop_assert!(fired == Some(None) || ended == Some(Some(Suppression::NeverTold)));
                let settles = channel == CHANNELS[1];
                let heard =
                    fired.is_some() && !ledger.at_once.contains(&(channel.to_owned(), row.id.clone()));
                let off = heard.then_some(Suppression::ResolvedOff);
                if settles && is_over {
                    prop_assert_eq!(ended.flatten(), off.or(Some(Suppression::NeverTold)));
                }
            }
        }
        // the last word that arrives is the truth
        let still_fires = episodes.last().is_some_and(|episode| episode.end.is_none());
        let state = of.last().map(|row| row.occurrence.state);
        prop_assert_eq!(state == Some(State::Firing), still_fires, "{} stands at {:?}", name, state);
    }
    Ok(())
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    at.saturating_add(Duration::from_secs(seconds)).unwrap()
}

fn check_calm(ledger: &Ledger, truth: &Truth) -> Result<(), TestCaseError> {
    let (looked_at, settled) = (ledger.looked_at, ledger.told_of + ledger.untold + ledger.held());
    prop_assert_eq!(looked_at, settled, "every look came to something");
    for (name, episodes) in &truth.0 {
        let of = ledger.occurrences_of(name);
        let still_fires = episodes.last().is_some_and(|episode| episode.end.is_none());
        for (nth, row) in of.iter().enumerate() {
            let stage = row.occurrence.flapping().stage;
            prop_assert!(stage % 2 == 0, "{}: it is calm", name);
            let is_over = row.occurrence.state == State::Resolved;
            let fires = row.occurrence.state == State::Firing;
            prop_assert_eq!(fires, still_fires && nth == of.len() - 1);
            let console = ledger.told_to(CHANNELS[0], &row.id);
            prop_assert!(console.stage == stage, "{}: {:?} at {}", name, console, stage);
            let knows = if is_over { console.resolved && console.end >= stage } else { console.firing };
            prop_assert!(knows, "{}: {:?}", name, console);
            let quiet = ledger.told_to(CHANNELS[1], &row.id);
            prop_assert!(is_over || quiet.firing, "{}: {:?}", name, quiet);
        }
    }
    Ok(())
}
