//! What time alone may cause: a held copy that nothing refuted is told, once; everything else needs a webhook.

use proptest::prelude::*;

use super::*;
use crate::dedupe::{Phase, Rules, Seen, Told, Transition, Verdict, decide};

/// Repeats are due long before the window ends, so that a copy that is fed again would be told again.
const RULES: Rules = Rules {
    send_resolved: true,
    repeat_interval: Duration::from_secs(60),
    reorder: Duration::from_secs(15 * 60),
};

/// Everything known of one alert, oldest occurrence first, and what one destination was told of each.
#[derive(Default)]
struct Alert {
    occurrences: Vec<(Occurrence, Told)>,
    messages: usize,
    held: usize,
}

impl Alert {
    fn report(&mut self, report: Report, now: Timestamp) {
        let sighting = observe(self.occurrences.last().map(|(newest, _)| newest), report, now, WINDOWS);
        let is_held = |of: Option<&Occurrence>| of.and_then(Occurrence::held);
        let before = is_held(self.occurrences.last().map(|(newest, _)| newest));
        let after = is_held(Some(sighting.occurrence()));
        self.held += usize::from(after.is_some() && after != before);
        self.settle(sighting, now);
    }

    /// As time passes: everything that is due is looked at.
    fn look(&mut self, now: Timestamp) {
        for i in 0..self.occurrences.len() {
            let (due, _) = &self.occurrences[i];
            if due.check_at(WINDOWS).is_none_or(|at| now < at) {
                continue;
            }
            match due.counts_after_all(i + 1 == self.occurrences.len()) {
                Some(report) => self.settle(observe(Some(due), report, now, WINDOWS), now),
                None => self.occurrences[i].0 = due.clone().forgotten(),
            }
        }
    }

    fn settle(&mut self, sighting: Sighting, now: Timestamp) {
        let is_held = matches!(sighting, Sighting::Held(_) | Sighting::HeldAlready(_));
        let old_copy = is_held || matches!(sighting, Sighting::OldCopy(_));
        match sighting {
            Sighting::Opened(next) => {
                if let Some((newest, _)) = self.occurrences.last_mut() {
                    *newest = newest.clone().followed();
                }
                self.occurrences.push((next, Told::default()));
            }
            Sighting::Known(known)
            | Sighting::OldCopy(known)
            | Sighting::Held(known)
            | Sighting::HeldAlready(known) => match self.occurrences.last_mut() {
                Some((newest, _)) => *newest = known,
                None => self.occurrences.push((known, Told::default())),
            },
        }
        let (newest, told) = self.occurrences.last_mut().unwrap();
        let seen = Seen { status: newest.state.status(), old_copy, is_repeat: false, stage: 0 };
        match decide(seen, *told, RULES, now) {
            Verdict::Tell(transition) => {
                self.messages += 1;
                *told = told_too(*told, transition, now);
            }
            Verdict::Settle(transition, _) => *told = told_too(*told, transition, now),
            Verdict::Suppress(_) => {}
        }
    }
}

fn told_too(told: Told, transition: Transition, now: Timestamp) -> Told {
    match transition.status {
        Phase::Resolved => Told { resolved: true, ..told },
        Phase::Flapping => panic!("nothing flaps here"),
        Phase::Firing => Told { firing: true, repeats: transition.repeat, last_at: Some(now), ..told },
    }
}

/// Minutes that pass, then a report: how long before it began, and how long it took if it is over.
fn reports() -> impl Strategy<Value = Vec<(i64, i64, Option<i64>)>> {
    let report = (0..40_i64, 0..60_i64, proptest::option::of(0..60_i64));
    proptest::collection::vec(report, 1..20)
}

proptest! {
    #[test]
    fn time_alone_causes_at_most_one_message_for_each_held_copy(reports in reports()) {
        let mut alert = Alert::default();
        let (mut minute, mut by_time) = (0, 0);
        for (pass, before, took) in reports.into_iter().chain([(600, 0, None), (2_000, 0, None)]) {
            for _ in 0..pass {
                minute += 1;
                let told = alert.messages;
                alert.look(at(minute));
                by_time += alert.messages - told;
                prop_assert!(by_time <= alert.held, "{by_time} messages for {} held copies", alert.held);
            }
            let start = minute - before;
            let ends_at = took.map(|took| at((start + took).min(minute)));
            alert.report(Report { ends_at, ..firing(start) }, at(minute));
        }
    }
}

#[test]
fn a_start_is_not_moved_back_by_a_copy_that_was_held_against_the_occurrence_before() {
    let mut alert = Alert::default();
    for (minute, report) in [(10, firing(5)), (20, resolved(5, 19)), (21, firing(5)), (25, firing(24))] {
        alert.report(report, at(minute));
    }
    for minute in 26..100 {
        alert.look(at(minute));
    }
    let (newest, _) = alert.occurrences.last().unwrap();
    assert_eq!((newest.starts_at, newest.seen_at, newest.unconfirmed), (at(24), at(25), false));
}
