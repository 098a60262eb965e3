//! A state that was saved and read again is the state.

use proptest::prelude::*;

use super::segments::{in_segments, sliced};
use super::*;
use crate::batch::Batch;
use crate::event::Event;
use crate::state::{Setup, State};

/// What may happen to a model.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Predict(u64, i64),
    Label(u64, bool),
    Pass(i64),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u64..60, 0_i64..72).prop_map(|(id, hour)| Step::Predict(id, hour)),
        3 => (0_u64..60, any::<bool>()).prop_map(|(id, class)| Step::Label(id, class)),
        1 => (0_i64..72).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..120)
}

/// Under `clock: wall` the hours of a step are those that pass before it.
pub(super) fn take(model: &mut Model, setup: &ModelSetup, now: &mut Time, step: &Step) {
    let now = match (setup.clock, step) {
        (ClockKind::Wall, Step::Pass(hours)) => {
            *now = Time(now.0 + hours * HOUR);
            *now
        }
        _ => *now,
    };
    match step {
        Step::Predict(id, hour) => {
            let score = (id % 3 > 0).then_some((id * 7 % 11) as f64 / 11.0);
            let event = Prediction { score, ..prediction(*id, START + hour * HOUR, (id % 97) as f64) };
            let event = reload::placed(setup, in_segments(event, *id));
            model.predict(setup, &event, now).unwrap();
        }
        Step::Label(id, class) => {
            let event = label(*id, START + 90 * HOUR, if *class { "1" } else { "0" });
            // a label from beyond the present is refused, the same way every time
            let _ = model.label(setup, &event, now);
        }
        Step::Pass(_) => model.advance(setup, now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_state_that_was_saved_and_read_goes_on_as_if_nothing_had_happened(
        all in steps(), cut in 0_usize..120, wall in any::<bool>(),
    ) {
        let clock = if wall { ClockKind::Wall } else { ClockKind::Event };
        let setup = sliced(clock, &["1h", "1d", "48rows"]);
        let cut = cut.min(all.len());
        let begin = Time(START + 72 * HOUR);
        let (mut straight, mut now) = (Model::new(&setup), begin);
        all.iter().for_each(|step| take(&mut straight, &setup, &mut now, step));
        let (mut broken, mut now) = (Model::new(&setup), begin);
        all[..cut].iter().for_each(|step| take(&mut broken, &setup, &mut now, step));
        let saved = postcard::to_stdvec(&broken).unwrap();
        let mut broken = postcard::from_bytes::<Model>(&saved).unwrap();
        broken.adopt(&setup);
        all[cut..].iter().for_each(|step| take(&mut broken, &setup, &mut now, step));
        prop_assert_eq!(
            serde_json::to_value(told(&straight, &setup, now)).unwrap(),
            serde_json::to_value(told(&broken, &setup, now)).unwrap()
        );
    }
}

/// A batch that comes so many seconds after the one before, and how long after that one somebody looked.
fn batches() -> impl Strategy<Value = Vec<(Vec<Event>, i64, Vec<i64>)>> {
    let event = (0_u64..30, prop_oneof![-90_i64..1, -1800_i64..1], 0_u8..8).prop_map(
        |(id, minutes, kind)| match kind {
            0 | 1 => Event::Label(Label { time: None, ..label(id, 0, ["0", "1"][usize::from(kind)]) }),
            _ => {
                // the newest are a little ahead of the exporter's clock
                let ahead = (minutes > -9).then(|| Time(id as i64 * 20_000));
                let time = ahead.or(Some(Time(minutes * HOUR / 60)));
                let class = (kind > 2).then(|| "1".into());
                Event::Prediction(Prediction { time, class, ..prediction(id, 0, (id % 97) as f64) })
            }
        },
    );
    let looks = prop::collection::vec(0_i64..40_000, 0..4);
    let passed = prop_oneof![0_i64..3_000, 0_i64..40_000];
    let events = prop_oneof![prop::collection::vec(event, 0..40), Just(Vec::new())];
    prop::collection::vec((events, passed, looks), 0..12)
}

/// The state after each of these batches; `looked` says whether somebody looked in between.
fn after(setup: &Setup, batches: &[(Vec<Event>, i64, Vec<i64>)], looked: bool) -> Vec<State> {
    let mut state = State::new(setup);
    let mut now = START + 72 * HOUR;
    let after_batch = |(events, passed, looks): &(Vec<Event>, i64, Vec<i64>)| {
        let mut looks: Vec<i64> = looks.iter().map(|look| look % (passed + 1)).collect();
        looks.sort_unstable();
        for look in looks.iter().filter(|_| looked) {
            state.advance(setup, Time(now + look * 1_000));
        }
        now += passed * 1_000;
        let lines = events.iter().map(|event| match event.clone() {
            Event::Prediction(event) => {
                Event::Prediction(Prediction { time: event.time.map(|at| Time(at.0 + now)), ..event })
            }
            label => label,
        });
        let lines = lines.enumerate().map(|(at, event)| (at, Ok(event))).collect();
        state.apply(setup, &Batch { lines }, Time(now));
        // when somebody has to look next is all that may differ
        let mut known = state.clone();
        known.adopt(setup);
        known
    };
    batches.iter().map(after_batch).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_state_depends_on_what_came_and_not_on_who_looked(all in batches(), wall in any::<bool>()) {
        let clock = if wall { ClockKind::Wall } else { ClockKind::Event };
        let mut setup = ModelSetup::clone(&setup(clock, &["5m", "1h", "1d", "48rows"]));
        setup.drift.min_rows = 1;
        setup.labels.limits = WaitingLimits { wait: Duration::from_secs(40_001), most: 25 };
        let setup = Setup::new(vec![Arc::new(setup)]);
        prop_assert_eq!(after(&setup, &all, true), after(&setup, &all, false));
    }
}

#[test]
fn what_is_quiet_is_forgotten_and_told_as_before() {
    let setup = setup(ClockKind::Wall, &["1h", "1d"]);
    let mut model = Model::new(&setup);
    let mut now = Time(START + HOUR);
    for id in 0..400 {
        model.predict(&setup, &prediction(id, START + id as i64 * 9_000, 5.0), now).unwrap();
    }
    let full = model.clone();
    let panes =
        |model: &Model, window: &str| model.versions[0].all.windows[&window.parse().unwrap()].panes.len();
    assert!(panes(&full, "1h") > 40);
    now = Time(START + 4 * HOUR);
    model.advance(&setup, now);
    assert_eq!((panes(&model, "1h"), panes(&model, "1d")), (0, panes(&full, "1d")));
    let day = |model: &Model| serde_json::to_value(window(&told(model, &setup, now), "1d")).unwrap();
    assert_eq!(day(&model), day(&full));
    model.advance(&setup, Time(START + 72 * HOUR));
    assert_eq!(panes(&model, "1d"), 0);
    assert!(postcard::to_stdvec(&model).unwrap().len() < postcard::to_stdvec(&full).unwrap().len() / 2);
}
