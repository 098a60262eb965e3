//! Slices of a model's rows: what is counted in them, and what they are compared with.

use proptest::prelude::*;

use super::restart::{Step, steps, take};
use super::*;
use crate::report::{FairnessMetric, SegmentReport};

/// The model of the other tests, sliced by a feature, whose slices the reference has, and by a column of events alone.
pub(super) fn sliced(clock: ClockKind, windows: &[&str]) -> Arc<ModelSetup> {
    let mut setup = ModelSetup::clone(&setup(clock, windows));
    setup.segments = vec!["kind".into(), "shop".into()];
    setup.drift.min_rows = 1;
    let mut reference = Reference::clone(setup.reference.as_ref().unwrap());
    reference.slices = [("kind=a".into(), of_kind("a")), ("kind=b".into(), of_kind("b"))].into();
    setup.reference = Some(Arc::new(reference));
    Arc::new(setup)
}

/// The reference's rows of one kind: people of kind `b` are older.
fn of_kind(kind: &str) -> Reference {
    let older = if kind == "b" { 30 } else { 0 };
    let ages = (0..500).map(|i| Value::Number(f64::from(older + i % 67)));
    let kinds = (0..500).map(|_| Value::Text(kind.into()));
    Reference {
        rows: 500,
        features: vec![
            feature(ages, ColumnKind::Float, FeatureType::Numeric),
            feature(kinds, ColumnKind::Text, FeatureType::Categorical),
        ],
        quality: Some(crate::quality::Binary { true_positives: 3, false_positives: 1, ..Default::default() }),
        positive_ratio: Some(0.25),
        ..Reference::default()
    }
}

/// Every event has a kind; four of five have a shop.
pub(super) fn in_segments(event: Prediction, id: u64) -> Prediction {
    let kind = ["a", "b"][id as usize % 2];
    let mut segments = vec![(0, kind.into())];
    if !id.is_multiple_of(5) {
        segments.push((1, format!("s{}", id % 5).into()));
    }
    Prediction { segments, ..event }
}

fn predict(model: &mut Model, setup: &ModelSetup, ids: std::ops::Range<u64>) {
    for id in ids {
        let event = in_segments(prediction(id, START + id as i64 * 9_000, (id % 97) as f64), id);
        model.predict(setup, &event, NOW).unwrap();
    }
}

fn json(report: &SegmentReport) -> serde_json::Value {
    serde_json::to_value(report).unwrap()
}

fn segment(report: &ModelReport, segment: &str) -> WindowReport {
    report.versions["v1"].segments[segment].windows["1h"].clone()
}

/// The (actual, predicted, count) of a segment, without cells that were emptied.
fn confusion(report: &SegmentReport) -> Vec<(ClassIndex, ClassIndex, u64)> {
    report.confusion.cells().filter(|(.., count)| *count > 0).collect()
}

fn model_after(steps: &[Step], setup: &Arc<ModelSetup>, only: impl Fn(u64) -> bool) -> ModelReport {
    let (mut model, mut now) = (Model::new(setup), Time(START + 72 * HOUR));
    for step in steps {
        match step {
            Step::Predict(id, _) if !only(*id) => {}
            step => take(&mut model, setup, &mut now, step),
        }
    }
    model.advance(setup, now);
    told(&model, setup, now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_rows_are_told_as_by_a_model_without_segments(all in steps(), wall in any::<bool>()) {
        let clock = if wall { ClockKind::Wall } else { ClockKind::Event };
        let with = sliced(clock, &["1h", "1d", "48rows"]);
        let without = Arc::new(ModelSetup { segments: Vec::new(), ..ModelSetup::clone(&with) });
        let (with, without) = (model_after(&all, &with, |_| true), model_after(&all, &without, |_| true));
        for (version, plain) in &without.versions {
            prop_assert_eq!(json(&with.versions[version].segments[""]), json(&plain.segments[""]));
            prop_assert_eq!(plain.segments.len(), 1);
            prop_assert_eq!(&with.versions[version].totals, &plain.totals);
        }
        prop_assert_eq!(with.versions.len(), without.versions.len());
        prop_assert_eq!(with.totals.kinds, without.totals.kinds);
    }

    #[test]
    fn a_slice_is_told_as_by_a_model_that_knows_only_its_rows_and_its_reference(all in steps()) {
        let setup = sliced(ClockKind::Wall, &["1h", "1d", "48rows"]);
        let report = model_after(&all, &setup, |_| true);
        for (rest, kind) in [(0, "a"), (1, "b")] {
            let mut alone = ModelSetup::clone(&setup);
            alone.segments.clear();
            alone.reference = Some(Arc::new(of_kind(kind)));
            let alone = model_after(&all, &Arc::new(alone), |id| id % 2 == rest);
            let slice = report.versions.get("v1").and_then(|v| v.segments.get(&*format!("kind={kind}")));
            let alone = alone.versions.get("v1").map(|version| &version.segments[""]);
            prop_assert_eq!(slice.map(json), alone.map(json));
            prop_assert_eq!(slice.map(confusion), alone.map(confusion));
        }
    }

    #[test]
    fn the_slices_of_a_key_add_up_to_all_rows(all in steps()) {
        let report = model_after(&all, &sliced(ClockKind::Wall, &["1h", "1d"]), |_| true);
        for version in report.versions.values() {
            let slices = || version.segments.iter().filter(|(name, _)| name.starts_with("kind="));
            for (window, whole) in &version.segments[""].windows {
                let rows: u64 = slices().map(|(_, slice)| slice.windows[window].current.rows).sum();
                prop_assert_eq!(rows, whole.current.rows);
            }
            let mut sum = crate::quality::Confusion::default();
            slices().for_each(|(_, slice)| sum.merge(&slice.confusion));
            prop_assert_eq!(&sum, &version.segments[""].confusion);
        }
    }
}

#[test]
fn a_slice_is_compared_with_the_same_slice_of_the_reference() {
    let setup = sliced(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    // Of both kinds as young as people of kind `a` are in the reference.
    for id in 0..400 {
        let event = in_segments(prediction(id, START + id as i64 * 9_000, (id * 7 % 67) as f64), id);
        model.predict(&setup, &event, NOW).unwrap();
    }
    predict(&mut model, &setup, 400..401);
    let report = told(&model, &setup, NOW);
    let (a, b) = (segment(&report, "kind=a"), segment(&report, "kind=b"));
    assert_eq!((a.current.rows, b.current.rows), (201, 200));
    assert_eq!((a.reference.unwrap().rows, b.reference.unwrap().rows), (500, 500));
    assert_eq!((a.features["age"].detected, b.features["age"].detected), (Some(false), Some(true)));
    assert_eq!(a.features["kind"].state, State::Constant, "within its slice the key has one value");
    assert_eq!(a.baseline.metrics[&Metric::Accuracy], 0.75);
    assert_eq!(a.baseline.positive_ratio, Some(0.25));
    let shop = segment(&report, "shop=s1");
    assert_eq!((shop.features["age"].state, shop.reference), (State::NoReference, None));
    assert_eq!((shop.current.rows, shop.baseline.metrics.len()), (80, 0));
    assert_eq!(report.versions["v1"].segments.len(), 1 + 2 + 4, "a row without a value is in no segment");
}

#[test]
fn a_configured_baseline_is_that_of_all_rows() {
    let mut setup = ModelSetup::clone(&sliced(ClockKind::Event, &["1h"]));
    setup.baseline = [(Metric::Accuracy, 0.9)].into();
    assert_eq!(setup.baseline_of("v1", "", Metric::Accuracy), Some(0.9));
    assert_eq!(setup.baseline_of("v1", "kind=a", Metric::Accuracy), Some(0.75));
    assert_eq!(setup.baseline_of("v1", "shop=s1", Metric::Accuracy), None);
}

#[test]
fn a_late_label_and_one_that_contradicts_it_correct_the_slices_of_the_prediction() {
    let setup = sliced(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    predict(&mut model, &setup, 0..4);
    for id in 0..4 {
        model.label(&setup, &label(id, START + 20 * HOUR, if id == 2 { "0" } else { "1" }), NOW).unwrap();
    }
    let accuracy = |model: &Model, name: &str| {
        segment(&told(model, &setup, NOW), name).quality.map(|quality| quality.metrics[&Metric::Accuracy])
    };
    let of = |model: &Model| ["", "kind=a", "kind=b", "shop=s2"].map(|name| accuracy(model, name).unwrap());
    assert_eq!(of(&model), [0.75, 0.5, 1.0, 0.0]);
    assert_eq!(segment(&told(&model, &setup, NOW), "kind=a").labels.unwrap().labelled, 2);
    model.label(&setup, &label(2, START + 21 * HOUR, "1"), NOW).unwrap();
    assert_eq!(of(&model), [1.0, 1.0, 1.0, 1.0]);
    let first_labels = confusion(&told(&model, &setup, NOW).versions["v1"].segments["kind=a"]);
    assert_eq!(
        first_labels.iter().map(|(.., count)| count).sum::<u64>(),
        2,
        "the counter takes nothing back"
    );
}

#[test]
fn windows_over_rows_hold_the_rows_of_the_slice() {
    let setup = sliced(ClockKind::Event, &["480rows"]);
    let mut model = Model::new(&setup);
    predict(&mut model, &setup, 0..959);
    let monitored = |model: &Model, name: &str| {
        told(model, &setup, NOW).versions["v1"].segments[name].windows["480rows"].dataset.monitored
    };
    assert_eq!((monitored(&model, "kind=a"), monitored(&model, "kind=b")), (Some(1), None));
    predict(&mut model, &setup, 959..960);
    assert_eq!(monitored(&model, "kind=b"), Some(1));
}

#[test]
fn values_beyond_the_limit_are_other_and_those_of_the_reference_come_first() {
    let mut setup = ModelSetup::clone(&sliced(ClockKind::Event, &["1h"]));
    setup.limits.segments = 3;
    let setup = Arc::new(setup);
    let mut model = Model::new(&setup);
    predict(&mut model, &setup, 1..11);
    let report = told(&model, &setup, NOW);
    let names: Vec<_> = report.versions["v1"].segments.keys().map(|name| &**name).collect();
    assert_eq!(names, ["", "kind=a", "kind=b", "shop=other", "shop=s1"]);
    assert_eq!(segment(&report, "shop=other").current.rows, 6);
    assert_eq!(report.totals.other_segment_rows, [("kind".into(), 0), ("shop".into(), 6)]);
}

#[test]
fn a_segment_stays_when_it_is_empty() {
    let setup = sliced(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&setup);
    predict(&mut model, &setup, 1..2);
    let later = in_segments(prediction(2, START + 1000 * HOUR, 5.0), 2);
    model.predict(&setup, &later, NOW).unwrap();
    let empty = segment(&told(&model, &setup, NOW), "shop=s1");
    assert_eq!((empty.current.rows, empty.features["age"].state), (0, State::NoReference));
    let empty = segment(&told(&model, &setup, NOW), "kind=b");
    assert_eq!((empty.current.rows, empty.features["age"].state), (0, State::InsufficientRows));
}

#[test]
fn other_keys_leave_the_slices_that_remain_and_all_rows_as_they_are() {
    let before = sliced(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&before);
    predict(&mut model, &before, 0..100);
    let was = told(&model, &before, NOW);
    let only_shop = Arc::new(ModelSetup { segments: vec!["shop".into()], ..ModelSetup::clone(&before) });
    assert!(!model.adopt(&only_shop), "nothing begins anew");
    for id in 0..100 {
        model.label(&only_shop, &label(id, START + HOUR, "1"), NOW).unwrap();
    }
    let now = told(&model, &only_shop, NOW);
    let names: Vec<_> = now.versions["v1"].segments.keys().map(|name| &**name).collect();
    assert_eq!(names, ["", "shop=s1", "shop=s2", "shop=s3", "shop=s4"]);
    assert_eq!(segment(&now, "").current.rows, segment(&was, "").current.rows);
    assert_eq!(segment(&now, "shop=s1").labels.unwrap().labelled, 20, "its labels find it");
}

#[test]
fn fairness_is_the_greatest_minus_the_least_value_among_the_segments_of_a_key() {
    let mut setup = ModelSetup::clone(&sliced(ClockKind::Event, &["1h"]));
    setup.drift.min_rows = 4;
    let setup = Arc::new(setup);
    let mut model = Model::new(&setup);
    // By kind (a, b, a, b …): what was said and what was true.
    let people = ["11", "11", "01", "11", "10", "00", "00", "10", "01", "11"];
    for (id, [said, truth]) in (0..).zip(people.map(|pair| [&pair[..1], &pair[1..]])) {
        let event = in_segments(prediction(id, START, 5.0), id);
        model.predict(&setup, &Prediction { class: Some(said.into()), ..event }, NOW).unwrap();
        model.label(&setup, &label(id, START, truth), NOW).unwrap();
    }
    let report = told(&model, &setup, NOW);
    let fairness = &report.versions["v1"].fairness;
    let of_kind = &fairness["kind"]["1h"];
    let close = |metric, expected: f64| {
        let difference: f64 = of_kind[&metric];
        assert!((difference - expected).abs() < 1e-12, "{metric:?}: {difference}");
    };
    // a: 2 of 5 said 1, 1 of 3 positives found, 1 of 2 negatives said 1; b: 4 of 5, 3 of 3, 1 of 2.
    close(FairnessMetric::PositiveRatio, 0.4);
    close(FairnessMetric::Recall, 2.0 / 3.0);
    close(FairnessMetric::FalsePositiveRate, 0.0);
    assert!(!fairness.contains_key("shop"), "segments of fewer rows than drift.min_rows say nothing");
}

#[test]
fn what_is_counted_together_is_no_group_and_one_group_has_no_difference() {
    let mut setup = ModelSetup::clone(&sliced(ClockKind::Event, &["1h"]));
    setup.limits.segments = 3;
    let setup = Arc::new(setup);
    let mut model = Model::new(&setup);
    predict(&mut model, &setup, 1..11);
    let keys: Vec<_> = told(&model, &setup, NOW).versions["v1"].fairness.keys().cloned().collect();
    assert_eq!(keys, ["kind".into()], "of shops there are s1 and other");
}
