//! States that earlier programs saved are read.

use serde_json::Value as Json;

use super::*;
use crate::state::{FirstFormat, Setup, State};

/// A state that a program of the first format saved, and what it told of it.
const STATE: &[u8] = include_bytes!("../../../tests/golden/state_1.bin");
const TOLD: &str = include_str!("../../../tests/golden/state_1.json");

fn read() -> (Setup, State) {
    let setup = Setup::new(vec![setup(ClockKind::Event, &["1h", "1d", "48rows"])]);
    let mut state = State::from(postcard::from_bytes::<FirstFormat>(STATE).unwrap());
    assert_eq!(state.adopt(&setup), [], "windows go on");
    (setup, state)
}

fn told(setup: &Setup, state: &State) -> Json {
    let reports = state.views(setup).into_iter().map(|view| report(view, &mut NullCache::default()));
    serde_json::to_value(reports.collect::<Vec<_>>()).unwrap()
}

/// Whether all that was told is still told; more may be.
fn assert_holds(told: &Json, before: &Json, place: &str) {
    match (told, before) {
        (Json::Object(told), Json::Object(before)) => {
            for (key, value) in before {
                assert_holds(told.get(key).unwrap_or(&Json::Null), value, &format!("{place}.{key}"));
            }
        }
        (Json::Array(told), Json::Array(before)) if told.len() == before.len() => {
            for (told, before) in told.iter().zip(before) {
                assert_holds(told, before, place);
            }
        }
        _ => assert_eq!(told, before, "{place}"),
    }
}

#[test]
fn a_state_of_the_first_format_tells_what_it_told() {
    let (setup, state) = read();
    assert_holds(&told(&setup, &state), &serde_json::from_str(TOLD).unwrap(), "");
}

#[test]
fn predictions_of_the_first_format_meet_their_labels_and_have_no_score() {
    let (setup, mut state) = read();
    let lines =
        (0..60).map(|id| (id, Ok(crate::event::Event::Label(label(id as u64, START + 40 * HOUR, "1")))));
    let outcome = state.apply(&setup, &crate::batch::Batch { lines: lines.collect() }, NOW);
    assert_eq!((outcome.accepted, outcome.rejected.len()), (60, 0));
    let told = told(&setup, &state);
    let quality = &told[0]["versions"]["v1"]["segments"][""]["windows"]["1d"]["quality"];
    assert_eq!(quality["unknown"]["roc_auc"], "scores_given_up", "{quality}");
    assert!(quality["metrics"]["accuracy"].as_f64().unwrap() > 0.5, "{quality}");
}

#[test]
fn a_state_is_not_read_as_one_of_another_format() {
    assert!(postcard::from_bytes::<State>(STATE).is_err());
}
