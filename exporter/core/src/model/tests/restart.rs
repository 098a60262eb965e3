//! A state that was saved and read again is the state.

use proptest::prelude::*;

use super::segments::{in_segments, sliced};
use super::*;

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
            let event = in_segments(event, *id);
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
