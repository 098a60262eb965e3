mod areas;
mod formats;
mod restart;
mod segments;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::drift::{Method, NullCache};
use crate::event::{Id, ModelIndex};
use crate::labels::WaitingLimits;
use crate::quality::Metric;
use crate::reference::{ColumnKind, FeatureReference, Profile};
use crate::report::{ModelReport, WindowReport, report};
use crate::schema::FeatureType;
use crate::value::Value;

const HOUR: i64 = 3_600_000;
/// 2016-01-01T00:00:00Z, the start of a day and of an hour.
const START: i64 = 1_451_606_400_000;
const NOW: Time = Time(1_800_000_000_000);

fn feature(
    values: impl Iterator<Item = Value>,
    column: ColumnKind,
    kind: FeatureType,
) -> Option<FeatureReference> {
    let mut profile = Profile::new(column);
    values.for_each(|value| profile.observe(&value));
    Some(FeatureReference::new(&profile, kind).unwrap())
}

fn setup(clock: ClockKind, windows: &[&str]) -> Arc<ModelSetup> {
    let ages = (0..1000).map(|i| Value::Number(f64::from(i % 97)));
    let kinds = (0..1000).map(|i| Value::Text(["a", "b"][i % 2].into()));
    let reference = Reference {
        rows: 1000,
        features: vec![
            feature(ages, ColumnKind::Float, FeatureType::Numeric),
            feature(kinds, ColumnKind::Text, FeatureType::Categorical),
        ],
        ..Reference::default()
    };
    let rule = |method| vec![MethodSetup { method, effect_size: 0.1 }];
    Arc::new(ModelSetup {
        name: "m".into(),
        positive: "1".into(),
        windows: windows.iter().map(|text| text.parse().unwrap()).collect(),
        clock,
        features: vec![
            FeatureSetup { name: "age".into(), methods: rule(Method::Psi) },
            FeatureSetup { name: "kind".into(), methods: rule(Method::JensenShannon) },
        ],
        segments: Vec::new(),
        reference: Some(Arc::new(reference)),
        references: Default::default(),
        drift: DriftRules { min_rows: 100, fdr: 0.05, share: 0.5 },
        labels: LabelRules {
            limits: WaitingLimits { wait: Duration::from_secs(86_400), most: 100_000 },
            min_coverage: 0.8,
        },
        baseline: Default::default(),
        limits: Limits { max_future: Duration::from_secs(600), classes: 50, segments: 100 },
    })
}

fn prediction(id: u64, time: i64, age: f64) -> Prediction {
    Prediction {
        model: ModelIndex(0),
        version: "v1".into(),
        id: Some(Id::of(&id.to_string())),
        time: Some(Time(time)),
        features: vec![(0, Value::Number(age)), (1, Value::Text(["a", "b"][id as usize % 2].into()))],
        segments: Vec::new(),
        class: Some("1".into()),
        score: Some(0.7),
        latency: Some(0.01),
        status: "success".into(),
    }
}

fn label(id: u64, time: i64, class: &str) -> Label {
    let id = Id::of(&id.to_string());
    Label { model: ModelIndex(0), version: None, id, class: class.into(), time: Some(Time(time)) }
}

fn told(model: &Model, setup: &Arc<ModelSetup>, now: Time) -> ModelReport {
    report(model.view(setup, now), &mut NullCache::default())
}

fn window(report: &ModelReport, window: &str) -> WindowReport {
    report.versions["v1"].segments[""].windows[window].clone()
}

/// Like the reference: ages as there, half of the rows of each kind.
fn usual(model: &mut Model, setup: &ModelSetup, ids: std::ops::Range<u64>, from: i64, step: i64) {
    for id in ids.clone() {
        let time = from + (id - ids.start) as i64 * step;
        model.predict(setup, &prediction(id, time, (id % 97) as f64), NOW).unwrap();
    }
}

#[test]
fn nothing_is_decided_before_a_window_is_over() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..400, START, 9_000);
    let before = window(&told(&model, &setup, NOW), "1h");
    assert_eq!((before.current.rows, before.dataset.detected), (400, None));
    assert_eq!(before.features["age"].state, State::Ok);
    assert!(before.features["age"].methods["psi"].score < 0.1);
    usual(&mut model, &setup, 400..401, START + HOUR, 0);
    let after = window(&told(&model, &setup, NOW), "1h");
    assert_eq!((after.dataset.monitored, after.dataset.drifted), (Some(2), Some(0)));
}

#[test]
fn a_shift_is_decided_at_the_boundary_and_stays_until_the_next_one() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    for id in 0..400 {
        model.predict(&setup, &prediction(id * 2, START + id as i64 * 9_000, 3.0), NOW).unwrap();
    }
    usual(&mut model, &setup, 1000..1400, START + HOUR, 9_000);
    let shifted = told(&model, &setup, NOW);
    assert_eq!(shifted.versions["v1"].dataset_detections, 1);
    assert_eq!(window(&shifted, "1h").features["age"].detected, Some(true));
    assert_eq!(window(&shifted, "1h").features["kind"].state, State::Drift);
    usual(&mut model, &setup, 2000..2001, START + 2 * HOUR, 0);
    assert_eq!(window(&told(&model, &setup, NOW), "1h").features["age"].detected, Some(false));
}

#[test]
fn too_few_rows_say_nothing() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..99, START, 1000);
    let few = window(&told(&model, &setup, NOW), "1h");
    assert_eq!(few.features["age"].state, State::InsufficientRows);
    assert!(few.features["age"].methods.is_empty());
}

#[test]
fn a_window_over_rows_is_decided_when_it_is_full() {
    let setup = setup(ClockKind::Event, &["480rows"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..479, START, 60_000);
    assert_eq!(window(&told(&model, &setup, NOW), "480rows").dataset.monitored, None);
    usual(&mut model, &setup, 479..480, START + HOUR, 0);
    assert_eq!(window(&told(&model, &setup, NOW), "480rows").dataset.monitored, Some(2));
}

#[test]
fn a_gap_ends_with_nothing_to_tell() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..400, START, 9_000);
    usual(&mut model, &setup, 400..401, START + 100 * HOUR, 0);
    let after = window(&told(&model, &setup, NOW), "1h");
    assert_eq!((after.current.rows, after.dataset.detected), (1, None));
}

#[test]
fn a_silent_stream_empties_windows_that_end_now() {
    let setup = setup(ClockKind::Wall, &["1h"]);
    let mut model = Model::new(&setup);
    let now = Time(START + HOUR);
    for id in 0..400 {
        model.predict(&setup, &prediction(id, START + id as i64 * 9_000, 5.0), now).unwrap();
    }
    assert_eq!(window(&told(&model, &setup, now), "1h").current.rows, 400);
    let later = Time(START + 3 * HOUR);
    model.advance(&setup, later);
    assert_eq!(window(&told(&model, &setup, later), "1h").current.rows, 0);
}

#[test]
fn an_event_older_than_every_window_counts_in_totals_only() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..1, START + 100 * HOUR, 0);
    usual(&mut model, &setup, 1..2, START, 0);
    let report = told(&model, &setup, NOW);
    assert_eq!((report.totals.rows, window(&report, "1h").current.rows), (2, 1));
    assert_eq!(report.clock_seconds, Some((START + 100 * HOUR) as f64 / 1000.0));
}

#[test]
fn the_same_prediction_counts_once_and_versions_apart() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    let first = prediction(7, START, 5.0);
    let other = Prediction { version: "v2".into(), ..first.clone() };
    assert_eq!(model.predict(&setup, &first, NOW).unwrap(), Counted::New);
    assert_eq!(model.predict(&setup, &first, NOW).unwrap(), Counted::Duplicate);
    assert_eq!(model.predict(&setup, &other, NOW).unwrap(), Counted::New);
    assert_eq!(told(&model, &setup, NOW).totals.rows, 2);
}

#[test]
fn an_event_too_far_ahead_is_refused() {
    let setup = setup(ClockKind::Wall, &["1h"]);
    let mut model = Model::new(&setup);
    let latest = prediction(1, START + 600_000, 5.0);
    assert!(model.predict(&setup, &latest, Time(START)).is_ok());
    let refused = model.predict(&setup, &prediction(2, START + 600_001, 5.0), Time(START)).unwrap_err();
    assert_eq!(refused.reason, Reason::Future);
}

#[test]
fn quality_belongs_to_the_predictions_time_and_ends_at_the_label_horizon() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..800, START, 9_000);
    assert!(window(&told(&model, &setup, NOW), "1h").quality.is_none());
    // Labels of the first hour, every fifth of them against the prediction.
    for id in 0..400 {
        model.label(&setup, &label(id, START + 30 * HOUR, if id % 5 == 0 { "0" } else { "1" }), NOW).unwrap();
    }
    let told = window(&told(&model, &setup, NOW), "1h");
    let quality = told.quality.unwrap();
    assert_eq!(quality.metrics[&Metric::Accuracy], 0.8);
    assert_eq!(quality.window_end_seconds, (START + HOUR) as f64 / 1000.0);
    assert_eq!(told.labels.unwrap().coverage, 1.0);
}

#[test]
fn a_contradicting_label_corrects_the_window() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..1, START, 0);
    model.label(&setup, &label(0, START, "0"), NOW).unwrap();
    let wrong = window(&told(&model, &setup, NOW), "1h").quality.unwrap();
    assert_eq!(wrong.metrics[&Metric::Accuracy], 0.0);
    model.label(&setup, &label(0, START, "1"), NOW).unwrap();
    let report = told(&model, &setup, NOW);
    assert_eq!(window(&report, "1h").quality.unwrap().metrics[&Metric::Accuracy], 1.0);
    assert_eq!((report.totals.labels_contradicted, report.versions["v1"].totals.labels), (1, 1));
}

#[test]
fn labels_never_move_the_models_clock() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..1, START, 0);
    model.label(&setup, &label(0, START + 1000 * HOUR, "1"), NOW).unwrap();
    let report = told(&model, &setup, NOW);
    assert_eq!(report.clock_seconds, Some(START as f64 / 1000.0));
    assert_eq!(report.totals.newest_event, Some(Time(START + 1000 * HOUR)));
}

#[test]
fn a_version_without_reference_says_so() {
    let mut other = ModelSetup::clone(&setup(ClockKind::Event, &["1h"]));
    other.references = [("v9".into(), other.reference.take().unwrap())].into();
    let setup = Arc::new(other);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..200, START, 1000);
    let told = window(&told(&model, &setup, NOW), "1h");
    assert_eq!(told.features["age"].state, State::NoReference);
    assert_eq!((told.current.rows, told.reference), (200, None));
}

#[test]
fn a_state_that_was_saved_keeps_its_windows_unless_the_features_changed() {
    let before = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&before);
    usual(&mut model, &before, 0..200, START, 1000);
    let wider = setup(ClockKind::Event, &["1h", "1d"]);
    assert!(!model.adopt(&wider));
    assert_eq!(window(&told(&model, &wider, NOW), "1h").current.rows, 200);
    let mut fewer = ModelSetup::clone(&before);
    fewer.features.pop();
    assert!(model.adopt(&fewer));
    let fewer = Arc::new(fewer);
    assert_eq!(window(&told(&model, &fewer, NOW), "1h").current.rows, 0);
    assert_eq!(told(&model, &fewer, NOW).totals.rows, 200);
}

#[test]
fn a_window_that_begins_after_the_others_is_decided_at_its_own_boundary() {
    let setup = setup(ClockKind::Wall, &["1h", "7d"]);
    let mut model = Model::new(&setup);
    // Too old for the window of an hour, within that of a week.
    let day = 24 * HOUR;
    let monday = Time(START).0.div_euclid(7 * day) * 7 * day + 7 * day;
    let late = Time(monday - 2 * HOUR);
    for id in 0..400 {
        model.predict(&setup, &prediction(id, late.0 - 50 * HOUR, 5.0), late).unwrap();
    }
    model.advance(&setup, Time(monday + 1));
    let decided = window(&told(&model, &setup, Time(monday + 1)), "7d").dataset.monitored;
    assert_eq!(decided, Some(2));
}

#[test]
fn versions_beyond_the_limit_are_counted_together() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    for id in 0..MAX_VERSIONS as u64 + 5 {
        let version = format!("v{id}").into();
        model.predict(&setup, &Prediction { version, ..prediction(id, START, 5.0) }, NOW).unwrap();
    }
    let report = told(&model, &setup, NOW);
    assert_eq!(report.versions.len(), MAX_VERSIONS + 1);
    assert_eq!(report.versions["other"].totals.predictions, 5);
}

#[test]
fn a_label_of_a_version_that_never_spoke_makes_no_version() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    model.label(&setup, &Label { version: Some("tpyo".into()), ..label(1, START, "1") }, NOW).unwrap();
    let report = told(&model, &setup, NOW);
    assert_eq!((report.versions.len(), report.totals.labels_unmatched), (0, 1));
}

#[test]
fn a_label_that_is_earlier_than_its_version_joins_when_the_version_speaks() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    model.label(&setup, &Label { version: Some("v1".into()), ..label(1, START, "1") }, NOW).unwrap();
    usual(&mut model, &setup, 1..2, START, 0);
    assert_eq!(told(&model, &setup, NOW).versions["v1"].totals.labels, 1);
}

#[test]
fn the_retry_of_a_prediction_older_than_all_waiting_is_a_duplicate() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    usual(&mut model, &setup, 0..1, START + 100 * HOUR, 0);
    let old = prediction(1, START, 5.0);
    assert_eq!(model.predict(&setup, &old, NOW).unwrap(), Counted::New);
    assert_eq!(model.predict(&setup, &old, NOW).unwrap(), Counted::Duplicate);
}

#[test]
fn versions_that_are_counted_together_are_still_told_apart_by_retries() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    for version in 0..MAX_VERSIONS + 3 {
        let event = Prediction { version: format!("v{version}").into(), ..prediction(1, START, 5.0) };
        assert_eq!(model.predict(&setup, &event, NOW).unwrap(), Counted::New);
    }
    assert_eq!(told(&model, &setup, NOW).versions["other"].totals.predictions, 3);
}

#[test]
fn counts_of_values_stay_with_their_feature_when_features_change_places() {
    let before = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&before);
    usual(&mut model, &before, 0..10, START, 1000);
    let mut swapped = ModelSetup::clone(&before);
    swapped.features.swap(0, 1);
    swapped.features[0].name = "new".into();
    model.adopt(&swapped);
    let swapped = Arc::new(swapped);
    let totals = told(&model, &swapped, NOW).totals;
    assert_eq!((totals.kinds[0][0], totals.kinds[1][0]), (0, 10));
}

#[test]
fn a_positive_class_that_never_came_is_a_share_of_nothing() {
    let setup = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    for id in 0..10 {
        let event = Prediction { class: Some("0".into()), ..prediction(id, START, 5.0) };
        model.predict(&setup, &event, NOW).unwrap();
        model.label(&setup, &label(id, START, "0"), NOW).unwrap();
    }
    let told = window(&told(&model, &setup, NOW), "1h");
    assert_eq!(told.positive_ratio, Some(0.0));
    assert_eq!(told.quality.unwrap().metrics.get(&Metric::Accuracy), Some(&1.0));
}
