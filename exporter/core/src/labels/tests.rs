use super::*;

const LIMITS: WaitingLimits = WaitingLimits { wait: Duration::from_secs(3200), most: 1000 };
const V0: VersionKey = VersionKey(0);
const V1: VersionKey = VersionKey(1);
const YES: ClassIndex = ClassIndex(0);
const NO: ClassIndex = ClassIndex(1);

fn id(text: &str) -> Id {
    Id::of(text)
}

fn said(version: VersionKey, seconds: i64) -> Arrived {
    Arrived {
        version,
        place: VersionIndex(0),
        time: Time(seconds * 1000),
        ordinal: 0,
        segments: Box::default(),
        predicted: YES,
        score: None,
        clock: Time(seconds * 1000),
    }
}

fn truth(class: ClassIndex, seconds: i64) -> Truth {
    Truth { class, time: Time(seconds * 1000), only: None }
}

fn joined(outcome: &LabelOutcome) -> usize {
    match outcome {
        LabelOutcome::Joined(all) => all.len(),
        LabelOutcome::Repeated | LabelOutcome::Unmatched => 0,
    }
}

#[test]
fn a_label_joins_every_version_that_knows_the_id() {
    let mut room = WaitingRoom::default();
    assert_eq!(room.admit(id("a"), said(V0, 10), LIMITS), None);
    assert_eq!(room.admit(id("a"), said(V1, 20), LIMITS), None);
    assert_eq!(joined(&room.label(id("a"), truth(NO, 30), Time(20_000), LIMITS)), 2);
}

#[test]
fn a_label_that_names_a_version_joins_only_it() {
    let mut room = WaitingRoom::default();
    room.admit(id("a"), said(V0, 10), LIMITS);
    room.admit(id("a"), said(V1, 20), LIMITS);
    let only = Truth { only: Some(V1), ..truth(NO, 30) };
    let LabelOutcome::Joined(all) = room.label(id("a"), only, Time(20_000), LIMITS) else { panic!() };
    assert_eq!(all.iter().map(|joined| joined.prediction.version).collect::<Vec<_>>(), [V1]);
}

#[test]
fn an_early_label_is_kept_until_its_prediction_comes() {
    let mut room = WaitingRoom::default();
    assert_eq!(room.label(id("a"), truth(NO, 5), Time(0), LIMITS), LabelOutcome::Unmatched);
    assert_eq!(room.label(id("a"), truth(NO, 5), Time(0), LIMITS), LabelOutcome::Repeated);
    let met = room.admit(id("a"), said(V0, 10), LIMITS).unwrap();
    assert_eq!((met.truth.class, met.replaced), (NO, None));
}

#[test]
fn a_version_that_comes_after_the_label_gets_it_from_its_sibling() {
    let mut room = WaitingRoom::default();
    room.admit(id("a"), said(V0, 10), LIMITS);
    room.label(id("a"), truth(NO, 30), Time(10_000), LIMITS);
    assert_eq!(room.admit(id("a"), said(V1, 40), LIMITS).unwrap().truth.class, NO);
}

#[test]
fn a_repeated_label_says_nothing_and_a_contradicting_one_replaces() {
    let mut room = WaitingRoom::default();
    room.admit(id("a"), said(V0, 10), LIMITS);
    room.label(id("a"), truth(NO, 30), Time(10_000), LIMITS);
    assert_eq!(room.label(id("a"), truth(NO, 31), Time(10_000), LIMITS), LabelOutcome::Repeated);
    let LabelOutcome::Joined(all) = room.label(id("a"), truth(YES, 32), Time(10_000), LIMITS) else {
        panic!()
    };
    assert_eq!((all[0].truth.class, all[0].replaced), (YES, Some(NO)));
}

#[test]
fn what_waited_too_long_is_forgotten_and_its_label_unmatched() {
    let mut room = WaitingRoom::default();
    room.admit(id("old"), said(V0, 0), LIMITS);
    room.admit(id("new"), said(V0, 3000), LIMITS);
    room.expire(Time(3_400_000), LIMITS);
    assert!(!room.knows(id("old"), V0, Time(-1)) && room.knows(id("new"), V0, Time(-1)));
    assert_eq!(room.label(id("old"), truth(NO, 3400), Time(3_400_000), LIMITS), LabelOutcome::Unmatched);
}

#[test]
fn what_is_too_old_is_passed_over_before_it_is_swept_away() {
    let mut room = WaitingRoom::default();
    room.admit(id("a"), said(V0, 0), LIMITS);
    assert!(!room.knows(id("a"), V0, LIMITS.oldest(Time(3_200_000))));
    assert_eq!(room.label(id("a"), truth(NO, 1), Time(3_200_000), LIMITS), LabelOutcome::Unmatched);
}

#[test]
fn an_early_label_is_forgotten_too() {
    let mut room = WaitingRoom::default();
    room.label(id("a"), truth(NO, 0), Time(0), LIMITS);
    room.expire(Time(3_400_000), LIMITS);
    assert!(room.is_empty());
}

#[test]
fn a_full_room_forgets_the_oldest_first_and_counts_them() {
    let mut room = WaitingRoom::default();
    let limits = WaitingLimits { most: 10, ..LIMITS };
    for at in 0..20 {
        room.admit(id(&at.to_string()), said(V0, at * 100), limits);
    }
    assert_eq!((room.len(), room.evicted()), (10, 10));
    assert!(room.knows(id("19"), V0, Time(-1)) && !room.knows(id("0"), V0, Time(-1)));
}

#[test]
fn a_full_room_gives_up_only_as_many_as_it_must() {
    let mut room = WaitingRoom::default();
    let limits = WaitingLimits { most: 10, ..LIMITS };
    for at in 0..12 {
        room.admit(id(&at.to_string()), said(V0, 5), limits);
    }
    assert_eq!((room.len(), room.evicted()), (10, 2));
    assert!(room.knows(id("11"), V0, Time(-1)) && !room.knows(id("1"), V0, Time(-1)));
}

#[test]
fn early_labels_of_two_versions_do_not_stand_in_each_others_way() {
    let mut room = WaitingRoom::default();
    let only = |version, class| Truth { only: Some(version), ..truth(class, 5) };
    assert_eq!(room.label(id("a"), only(V0, NO), Time(0), LIMITS), LabelOutcome::Unmatched);
    assert_eq!(room.label(id("a"), only(V1, YES), Time(0), LIMITS), LabelOutcome::Unmatched);
    assert_eq!(room.admit(id("a"), said(V0, 10), LIMITS).unwrap().truth.class, NO);
    assert_eq!(room.admit(id("a"), said(V1, 10), LIMITS).unwrap().truth.class, YES);
}

#[test]
fn a_failure_is_counted_once_and_does_not_hide_a_later_success() {
    let mut room = WaitingRoom::default();
    assert!(room.admit_failure(id("a"), V0, Time(0), LIMITS));
    assert!(!room.admit_failure(id("a"), V0, Time(0), LIMITS));
    assert!(!room.knows(id("a"), V0, Time(0)));
    assert_eq!(room.admit(id("a"), said(V0, 10), LIMITS), None);
    assert!(room.knows(id("a"), V0, Time(0)));
}

#[test]
fn what_waits_takes_128_bytes_and_its_place_in_the_table() {
    // the limit of waiting ids is set by this: 10 million take 1.3 GB
    assert_eq!(size_of::<(Id, Entry)>(), 128);
}

#[test]
fn a_score_comes_out_with_its_label_unless_it_was_forgotten() {
    let score = crate::quality::Score::new(0.25);
    let mut room = WaitingRoom::default();
    for at in ["a", "b"] {
        room.admit(id(at), Arrived { score, ..said(V0, 10) }, LIMITS);
    }
    let met = |room: &mut WaitingRoom, at| match room.label(id(at), truth(NO, 30), Time(20_000), LIMITS) {
        LabelOutcome::Joined(all) => all[0].prediction.score,
        LabelOutcome::Repeated | LabelOutcome::Unmatched => panic!("{at} is known"),
    };
    assert_eq!(met(&mut room, "a"), score);
    room.forget_scores();
    assert_eq!(met(&mut room, "b"), None);
}

#[test]
fn what_waits_goes_on_waiting_when_the_wait_is_configured_anew() {
    let limits = |seconds| WaitingLimits { wait: Duration::from_secs(seconds), most: 100 };
    for (before, after) in [(10, 40), (40, 10)] {
        let mut room = WaitingRoom::default();
        room.adopt(limits(before));
        let now = 1_700_000_000;
        room.admit(id("a"), said(V0, now), limits(before));
        room.adopt(limits(after));
        room.admit(id("b"), said(V0, now + 1), limits(after));
        let expired = |room: &mut WaitingRoom, milliseconds: i64| {
            room.expire(Time((now + after as i64) * 1_000 + milliseconds), limits(after));
            room.len()
        };
        // looked at as finely as the coarser of the two waits
        assert_eq!(expired(&mut room, -1), 2, "from {before} to {after} seconds");
        assert_eq!(expired(&mut room, 2_600), 0, "from {before} to {after} seconds");
        assert!(room.expiry.is_empty(), "from {before} to {after} seconds");
    }
}

/// Places in `expiry`, which are as many as are counted.
fn remembered(room: &WaitingRoom) -> usize {
    let places = room.expiry.values().map(VecDeque::len).sum();
    assert_eq!(room.remembered, places);
    places
}

#[test]
fn an_early_label_that_changes_its_mind_takes_no_more_room() {
    let mut room = WaitingRoom::default();
    for at in 0..1_000 {
        let class = if at % 2 == 0 { NO } else { YES };
        assert_eq!(room.label(id("a"), truth(class, at), Time(at), LIMITS), LabelOutcome::Unmatched);
    }
    assert_eq!((remembered(&room), room.len(), room.evicted()), (1, 1, 0));
}

#[test]
fn a_label_that_took_the_place_of_an_early_one_waits_as_long_as_any_and_no_longer() {
    let mut room = WaitingRoom::default();
    room.label(id("a"), truth(NO, 0), Time(0), LIMITS);
    room.label(id("a"), truth(YES, 0), Time(2_000_000), LIMITS);
    room.expire(Time(4_000_000), LIMITS);
    assert_eq!((remembered(&room), room.len()), (1, 1));
    room.expire(Time(5_500_000), LIMITS);
    assert_eq!((remembered(&room), room.len()), (0, 0));
}

#[test]
fn what_waits_for_one_id_is_bounded_too() {
    let limits = WaitingLimits { most: 10, ..LIMITS };
    let version = |at: i64| VersionKey::of(&at.to_string());
    let (mut said_often, mut labelled, mut failed) =
        (WaitingRoom::default(), WaitingRoom::default(), WaitingRoom::default());
    for at in 0..1_000 {
        said_often.admit(id("a"), said(version(at), at), limits);
        let only = Truth { only: Some(version(at)), ..truth(NO, at) };
        labelled.label(id("a"), only, Time(at), limits);
        failed.admit_failure(id("a"), version(at), Time(at), limits);
        let waiting = said_often.entries.values().map(|entry| entry.predictions.len()).sum::<usize>();
        let asides = [&labelled, &failed].map(|room| {
            let asides = room.entries.values().filter_map(|entry| entry.aside.as_ref());
            asides.map(|aside| aside.early.len() + aside.failures.len()).sum::<usize>()
        });
        assert!(waiting <= 20 && asides.iter().all(|held| *held <= 20), "{at}: {waiting} {asides:?}");
        assert!([&said_often, &labelled, &failed].iter().all(|room| remembered(room) <= 20), "{at}");
    }
    assert!(said_often.evicted() > 0 && labelled.evicted() > 0 && failed.evicted() > 0);
}
