use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::alert::Fingerprint;
use crate::occurrence::{Flap, Occurrence, Report, Sighting, Windows, observe};

const HOUR: Duration = Duration::from_secs(3600);
const RULES: Rules = Rules { send_resolved: true, repeat_interval: HOUR, reorder: Duration::from_secs(900) };
const FIRING: Seen = Seen { status: Status::Firing, old_copy: false, is_repeat: false, stage: 0 };
const RESOLVED: Seen = Seen { status: Status::Resolved, old_copy: false, is_repeat: false, stage: 0 };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn told_at(second: i64) -> Told {
    Told { firing: true, reached: true, last_at: Some(at(second)), ..Told::default() }
}

fn first(status: Status) -> Transition {
    Transition { status: status.into(), repeat: 0 }
}

#[test]
fn what_is_new_is_told_and_a_copy_of_it_is_not() {
    assert_eq!(decide(FIRING, Told::default(), RULES, at(0)), Verdict::Tell(first(Status::Firing)));
    assert_eq!(decide(FIRING, told_at(0), RULES, at(30)), Verdict::Suppress(Suppression::Duplicate));
}

#[test]
fn a_repeat_is_told_from_nine_tenths_of_the_interval_on() {
    let early = decide(FIRING, told_at(0), RULES, at(3239));
    assert_eq!(early, Verdict::Suppress(Suppression::Repeat));
    let due = decide(FIRING, told_at(0), RULES, at(3240));
    assert_eq!(due, Verdict::Tell(Transition { status: Phase::Firing, repeat: 1 }));
    let third = decide(FIRING, Told { repeats: 2, ..told_at(0) }, RULES, at(3600));
    assert_eq!(third, Verdict::Tell(Transition { status: Phase::Firing, repeat: 3 }));
}

#[test]
fn a_sender_that_says_it_repeats_is_believed() {
    let seen = Seen { is_repeat: true, ..FIRING };
    assert_eq!(decide(seen, told_at(0), RULES, at(10)), Verdict::Suppress(Suppression::Repeat));
}

#[test]
fn a_clock_that_went_back_repeats_nothing() {
    assert_eq!(decide(FIRING, told_at(9000), RULES, at(0)), Verdict::Suppress(Suppression::Repeat));
}

#[test]
fn what_is_over_is_told_to_those_who_heard_that_it_began() {
    assert_eq!(decide(RESOLVED, told_at(0), RULES, at(60)), Verdict::Tell(first(Status::Resolved)));
    let again = Told { resolved: true, ..told_at(0) };
    assert_eq!(decide(RESOLVED, again, RULES, at(60)), Verdict::Suppress(Suppression::Duplicate));
    let never = Verdict::Settle(first(Status::Resolved), Suppression::NeverTold);
    assert_eq!(decide(RESOLVED, Told::default(), RULES, at(60)), never);
    assert_eq!(decide(RESOLVED, Told { reached: false, ..told_at(0) }, RULES, at(60)), never);
    let off = Verdict::Settle(first(Status::Resolved), Suppression::ResolvedOff);
    assert_eq!(decide(RESOLVED, told_at(0), Rules { send_resolved: false, ..RULES }, at(60)), off);
}

#[test]
fn what_flaps_while_it_is_over_is_told_with_its_beginning_so_that_repeats_are_numbered() {
    let (over, fires) = (Seen { stage: 1, ..RESOLVED }, Seen { stage: 1, ..FIRING });
    let flaps = Transition { status: Phase::Flapping, repeat: 1 };
    assert_eq!(decide(over, Told::default(), RULES, at(0)), Verdict::Tell(flaps));
    assert_eq!(implied(over, Told::default(), flaps), Some(first(Status::Firing)));
    let told = Told { stage: 1, ..told_at(0) };
    assert_eq!(implied(over, told, flaps), None);
    assert_eq!(decide(fires, told, RULES, at(10)), Verdict::Suppress(Suppression::Flapping));
}

#[test]
fn an_old_copy_tells_nothing() {
    let seen = Seen { old_copy: true, ..FIRING };
    assert_eq!(decide(seen, Told::default(), RULES, at(0)), Verdict::Suppress(Suppression::StaleCopy));
}

#[test]
fn a_message_says_what_changed_against_what_was_heard() {
    let heard = Heard { firing: true, ..Heard::default() };
    let owes = Heard { owes_resolved: true, ..heard };
    assert_eq!(change(State::Firing, Heard::default()), Some(Change::New));
    assert_eq!(change(State::Firing, heard), Some(Change::StillFiring));
    assert_eq!(change(State::Stale, heard), Some(Change::StillFiring));
    let over = Heard { last: Some(Status::Resolved), ..heard };
    assert_eq!(change(State::Firing, over), None, "it flaps, and nothing else is new about it");
    assert_eq!(change(State::Firing, Heard { owes_flapping: true, ..over }), Some(Change::New));
    assert_eq!(change(State::Firing, Heard { owes_firing: true, ..over }), Some(Change::New));
    assert_eq!(change(State::Resolved, owes), Some(Change::Resolved));
    assert_eq!(change(State::Resolved, Heard::default()), Some(Change::Resolved));
    assert_eq!(change(State::Resolved, heard), None);
    assert_eq!(change(State::Resolved, Heard { settled: true, ..Heard::default() }), None);
}

#[test]
fn the_kind_of_a_message_follows_from_its_changes() {
    use Change::{New, Resolved, StillFiring};
    assert_eq!(kind(&[New, New]), Kind::New);
    assert_eq!(kind(&[New, StillFiring]), Kind::Changed);
    assert_eq!(kind(&[Resolved, StillFiring]), Kind::Changed);
    assert_eq!(kind(&[Resolved]), Kind::Resolved);
    assert_eq!(kind(&[StillFiring, StillFiring]), Kind::Repeat);
}

/// What the store does, for one alert and several destinations.
#[derive(Default)]
struct Memory {
    occurrences: Vec<Occurrence>,
    tells: BTreeMap<(usize, usize, Phase), u32>,
    settled: BTreeMap<(usize, usize), u32>,
}

const WINDOWS: Windows = Windows {
    reorder: HOUR,
    stale_after: Duration::from_secs(8 * 3600),
    flap: Flap { changes: 0, within: Duration::ZERO },
};
const DESTINATIONS: [Rules; 2] = [
    Rules { repeat_interval: Duration::from_secs(1_000_000), ..RULES },
    Rules { send_resolved: false, ..RULES },
];

impl Memory {
    fn accept(&mut self, report: Report, now: Timestamp) {
        let sighting = observe(self.occurrences.last(), report, now, WINDOWS);
        let old_copy = matches!(sighting, Sighting::OldCopy(_));
        let occurrence = sighting.occurrence().clone();
        if !matches!(sighting, Sighting::Opened(_)) {
            self.occurrences.pop();
        }
        self.occurrences.push(occurrence.clone());
        let seen = Seen { status: occurrence.state.status(), old_copy, is_repeat: false, stage: 0 };
        for (destination, rules) in DESTINATIONS.into_iter().enumerate() {
            self.tell(destination, rules, seen, now);
        }
    }

    fn tell(&mut self, destination: usize, rules: Rules, seen: Seen, now: Timestamp) {
        let occurrence = self.occurrences.len() - 1;
        let told = |status: Status| self.tells.contains_key(&(destination, occurrence, status.into()));
        let told = Told {
            firing: told(Status::Firing),
            resolved: told(Status::Resolved) || self.settled.contains_key(&(destination, occurrence)),
            reached: told(Status::Firing),
            last_at: told(Status::Firing).then_some(now),
            ..Told::default()
        };
        match decide(seen, told, rules, now) {
            Verdict::Tell(transition) => {
                *self.tells.entry((destination, occurrence, transition.status)).or_default() += 1;
            }
            Verdict::Settle(..) => *self.settled.entry((destination, occurrence)).or_default() += 1,
            Verdict::Suppress(_) => {}
        }
    }

    fn told(&self, destination: usize, status: Status) -> Vec<u32> {
        let of_it = |key: &(usize, usize, Phase)| key.0 == destination && key.2 == status.into();
        self.tells.iter().filter(|(key, _)| of_it(key)).map(|(_, times)| *times).collect()
    }
}

/// The reports of an alert that fires `times` times, in the order in which they happened.
fn story(times: i64) -> Vec<Report> {
    let member = Fingerprint::of(std::iter::empty());
    let occurrence = |i: i64| {
        let firing = Report { member, starts_at: at(i * 100), ends_at: None };
        [firing, firing, Report { ends_at: Some(at(i * 100 + 50)), ..firing }]
    };
    (0..times).flat_map(occurrence).collect()
}

/// Copies of earlier reports, each after some later one: `(after which, which)`.
fn copies() -> impl Strategy<Value = Vec<(prop::sample::Index, prop::sample::Index)>> {
    prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..40)
}

proptest! {
    #[test]
    fn retries_and_old_copies_change_nothing_each_transition_is_told_once(times in 1i64..5, copies in copies()) {
        let story = story(times);
        let mut memory = Memory::default();
        for (i, report) in story.iter().enumerate() {
            let mut now = at(10_000 + i64::try_from(i).unwrap() * 10);
            memory.accept(*report, now);
            for (after, which) in copies.iter().filter(|(after, _)| after.index(story.len()) == i) {
                now = now.saturating_add(Duration::from_millis(1)).unwrap();
                memory.accept(story[which.index(after.index(story.len()) + 1)], now);
            }
        }
        let each_once = vec![1; usize::try_from(times).unwrap()];
        prop_assert_eq!(memory.occurrences.len(), each_once.len());
        prop_assert_eq!(memory.told(0, Status::Firing), each_once.clone());
        prop_assert_eq!(memory.told(0, Status::Resolved), each_once.clone());
        prop_assert_eq!(memory.told(1, Status::Firing), each_once);
        prop_assert_eq!(memory.told(1, Status::Resolved), Vec::<u32>::new());
    }

    #[test]
    fn in_any_order_nothing_is_told_twice_nor_more_than_happened(
        times in 1i64..5,
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let story = story(times);
        let mut memory = Memory::default();
        for (i, which) in order.iter().enumerate() {
            memory.accept(story[which.index(story.len())], at(10_000 + i64::try_from(i).unwrap()));
        }
        let (firing, resolved) = (memory.told(0, Status::Firing), memory.told(0, Status::Resolved));
        prop_assert!(firing.iter().chain(&resolved).all(|times| *times == 1));
        prop_assert!(firing.len() <= usize::try_from(times).unwrap());
        prop_assert!(resolved.len() <= firing.len());
    }
}
