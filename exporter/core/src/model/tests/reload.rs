//! A reload costs what it changes and nothing else.

use proptest::prelude::*;

use super::restart::{Step, steps, take};
use super::segments::sliced;
use super::*;
use crate::summary::FeatureCounts;

/// The event with its features where this configuration has them; those that it lacks are dropped, as by the parser.
pub(super) fn placed(setup: &ModelSetup, event: Prediction) -> Prediction {
    let place = |name: &str| setup.features.iter().position(|feature| &*feature.name == name);
    let features = event.features.into_iter();
    let features =
        features.filter_map(|(at, value)| Some((place(["age", "kind"][at as usize])? as u32, value)));
    Prediction { features: features.collect(), ..event }
}

/// Does something to a reference and to its slices.
fn change_reference(setup: &mut ModelSetup, change: impl Fn(&mut Vec<Option<FeatureReference>>)) {
    let mut reference = Reference::clone(setup.reference.as_ref().unwrap());
    change(&mut reference.features);
    reference.slices.values_mut().for_each(|slice| change(&mut slice.features));
    setup.reference = Some(Arc::new(reference));
}

/// Other ages in the reference.
fn with_other_ages(setup: &ModelSetup) -> ModelSetup {
    let mut other = setup.clone();
    change_reference(&mut other, |features| {
        let ages = (0..900).map(|i| Value::Number(f64::from(i % 89)));
        features[0] = feature(ages, ColumnKind::Float, FeatureType::Numeric);
    });
    other
}

/// A feature that comes between the two.
fn with_a_feature_between(setup: &ModelSetup) -> ModelSetup {
    let mut other = setup.clone();
    let methods = vec![MethodSetup { method: Method::Psi, effect_size: 0.2 }];
    other.features.insert(1, FeatureSetup { name: "hours".into(), methods });
    change_reference(&mut other, |features| features.insert(1, None));
    other
}

fn without_ages(setup: &ModelSetup) -> ModelSetup {
    let mut other = setup.clone();
    other.features.remove(0);
    change_reference(&mut other, |features| drop(features.remove(0)));
    other
}

/// Everything that can change without changing a feature or what the labels that wait are.
fn with_other_rules(setup: &ModelSetup) -> ModelSetup {
    let mut other = setup.clone();
    other.windows = ["2h", "1d", "48rows"].map(|text| text.parse().unwrap()).into();
    other.drift = DriftRules { min_rows: 7, fdr: 0.2, share: 0.3 };
    other.features[0].methods.insert(0, MethodSetup { method: Method::JensenShannon, effect_size: 0.3 });
    other.labels.min_coverage = 0.1;
    other.labels.limits.most *= 2;
    other.baseline = [(Metric::Accuracy, 0.9)].into();
    other.limits = Limits { max_future: Duration::from_secs(900), classes: 60, segments: 90 };
    other
}

/// All that a reload may change, in every combination.
fn change(setup: &ModelSetup, what: u8) -> Arc<ModelSetup> {
    let changes: [fn(&ModelSetup) -> ModelSetup; 4] =
        [with_other_rules, with_other_ages, with_a_feature_between, without_ages];
    let chosen = changes.iter().enumerate().filter(|(bit, _)| what & (1 << bit) != 0);
    Arc::new(chosen.fold(setup.clone(), |setup, (_, change)| change(&setup)))
}

/// What every pane of the windows that stay knows of a feature, by version, segment, window and pane.
fn counts_of(
    model: &Model,
    setup: &ModelSetup,
    name: &str,
) -> BTreeMap<String, (u64, BTreeMap<ClassIndex, u64>, FeatureCounts)> {
    let at = setup.features.iter().position(|feature| &*feature.name == name).unwrap();
    let mut counts = BTreeMap::new();
    for slice in model.versions.iter().flat_map(|version| {
        std::iter::once(&version.all).chain(version.segments.values()).map(|slice| (&version.name, slice))
    }) {
        let (version, slice) = slice;
        let windows = slice.windows.iter().filter(|(spec, _)| ["1d", "48rows"].contains(&&*spec.to_string()));
        for (spec, (number, pane)) in
            windows.flat_map(|(spec, window)| window.panes.iter().map(move |p| (spec, p)))
        {
            let place = format!("{version} {} {spec} {number}", slice.segment);
            counts.insert(place, (pane.rows, pane.classes.clone(), pane.features[at].clone()));
        }
    }
    counts
}

/// Everything besides features: labels that wait, classes, segments, totals, and the windows' quality.
fn all_else(model: &Model) -> impl PartialEq + std::fmt::Debug {
    let slices = model.versions.iter().flat_map(|v| std::iter::once(&v.all).chain(v.segments.values()));
    let of_slice = |slice: &Slice| {
        let windows = slice.windows.iter().filter(|(spec, _)| ["1d", "48rows"].contains(&&*spec.to_string()));
        let quality = windows.map(|(spec, window)| (*spec, (window.quality.clone(), window.scores.clone())));
        (slice.segment.clone(), slice.rows, slice.confusion.clone(), quality.collect::<BTreeMap<_, _>>())
    };
    (
        slices.map(of_slice).collect::<Vec<_>>(),
        model.versions.iter().map(totals).collect::<Vec<_>>(),
        (model.classes.clone(), model.segments.clone(), model.waiting.clone(), model.label_delay.clone()),
        (model.rows, model.labels_unmatched, model.labels_contradicted, model.labels_repeated),
    )
}

/// Without what other cells may come to say.
fn totals(version: &Version) -> VersionTotals {
    VersionTotals { dataset_detections: 0, ..version.totals.clone() }
}

/// Takes the steps, and sweeps away what is only a matter of memory.
fn fold(model: &mut Model, setup: &ModelSetup, now: &mut Time, steps: &[Step]) {
    steps.iter().for_each(|step| take(model, setup, now, step));
    model.next_boundary = Time(i64::MIN);
    model.advance(setup, *now);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_a_reload_leaves_alone_is_as_if_there_had_been_none(
        all in steps(), cut in 0_usize..120, what in 0_u8..16, back in any::<bool>(), wall in any::<bool>(),
    ) {
        let clock = if wall { ClockKind::Wall } else { ClockKind::Event };
        let first = sliced(clock, &["1h", "1d", "48rows"]);
        let second = change(&first, what);
        let (before, after) = all.split_at(cut.min(all.len()));
        let begin = Time(START + 72 * HOUR);
        let (mut straight, mut now) = (Model::new(&first), begin);
        fold(&mut straight, &first, &mut now, &all);

        let (mut model, mut now) = (Model::new(&first), begin);
        fold(&mut model, &first, &mut now, before);
        model.adopt(&second);
        let last = if back { &first } else { &second };
        if back {
            model.adopt(&first);
        }
        if what & 0b1010 != 0 && (back || what & 0b1000 == 0) {
            // slices that have no reference have no cells that could change
            let compared = counts_of(&model, last, "age").into_iter().filter(|(at, _)| !at.contains("shop="));
            let rows = compared.map(|(_, (_, _, counts))| counts.rows());
            prop_assert_eq!(rows.sum::<u64>(), 0, "nothing is left of other cells");
        }
        fold(&mut model, last, &mut now, after);
        prop_assert_eq!(counts_of(&model, last, "kind"), counts_of(&straight, &first, "kind"));
        prop_assert_eq!(all_else(&model), all_else(&straight));
        if what & 0b1010 == 0 {
            prop_assert_eq!(counts_of(&model, last, "age"), counts_of(&straight, &first, "age"));
        }
    }

    #[test]
    fn a_reload_that_changes_no_feature_changes_nothing_at_all(all in steps()) {
        let setup = sliced(ClockKind::Event, &["1h", "1d", "48rows"]);
        let (mut model, mut now) = (Model::new(&setup), NOW);
        fold(&mut model, &setup, &mut now, &all);
        let mut other = with_other_rules(&setup);
        other.windows.push("1h".parse().unwrap());
        model.advance(&setup, now);
        let before = Model { next_boundary: Time(i64::MIN), ..model.clone() };
        prop_assert_eq!(model.adopt(&other), Vec::<Box<str>>::new());
        model.adopt(&setup);
        prop_assert_eq!(model, before);
    }
}

#[test]
fn a_feature_whose_reference_changed_begins_anew_alone_and_is_told_by_its_own_rows() {
    let before = setup(ClockKind::Event, &["1d"]);
    let mut model = Model::new(&before);
    usual(&mut model, &before, 0..200, START, 1_000);
    let after = Arc::new(with_other_ages(&before));
    assert_eq!(model.adopt(&after), ["age".into()]);
    let told_now = window(&told(&model, &after, NOW), "1d");
    assert_eq!((told_now.current.rows, told_now.features["kind"].state), (200, State::Ok));
    assert_eq!((told_now.features["age"].state, told_now.features["age"].rows), (State::InsufficientRows, 0));
    assert!(!told_now.values.features.contains_key("age"), "a share of no rows is not told");

    let lacking = Prediction { features: vec![(1, Value::Text("a".into()))], ..prediction(200, START, 0.0) };
    model.predict(&after, &lacking, NOW).unwrap();
    usual(&mut model, &after, 201..299, START + HOUR, 1_000);
    let few = window(&told(&model, &after, NOW), "1d");
    assert_eq!((few.features["age"].state, few.features["age"].rows), (State::InsufficientRows, 99));
    usual(&mut model, &after, 299..300, START + 2 * HOUR, 1_000);
    let enough = window(&told(&model, &after, NOW), "1d");
    assert_eq!((enough.features["age"].state, enough.features["age"].rows), (State::Ok, 100));
    assert_eq!(enough.values.features["age"].missing, 0.01);
    assert_eq!(enough.values.completeness, Some(1.0 - 1.0 / 400.0));
}

#[test]
fn what_was_counted_of_a_feature_goes_on_when_it_comes_back() {
    let setup = setup(ClockKind::Event, &["1d"]);
    let mut model = Model::new(&setup);
    for id in 0..5 {
        model.predict(&setup, &prediction(id, START, 30.0), NOW).unwrap();
    }
    let counted = model.kinds.clone();
    let without = without_ages(&setup);
    model.adopt(&without);
    model.predict(&without, &placed(&without, prediction(9, START, 30.0)), NOW).unwrap();
    model.adopt(&setup);
    assert_eq!(model.kinds[0], counted[0], "of ages nothing was counted meanwhile, and nothing is lost");
    assert_ne!(model.kinds[1], counted[1]);
    assert!(model.retired.is_empty());
}

#[test]
fn a_feature_that_comes_between_others_takes_nothing_from_them() {
    let before = setup(ClockKind::Event, &["1d"]);
    let mut model = Model::new(&before);
    usual(&mut model, &before, 0..200, START, 1_000);
    let old = window(&told(&model, &before, NOW), "1d");
    let after = Arc::new(with_a_feature_between(&before));
    assert_eq!(model.adopt(&after), ["hours".into()]);
    let new = window(&told(&model, &after, NOW), "1d");
    for name in ["age", "kind"] {
        let json = |window: &WindowReport| serde_json::to_value(&window.features[name]).unwrap();
        assert_eq!(json(&new), json(&old), "{name}");
        assert_eq!(new.values.features[name], old.values.features[name]);
    }
    assert_eq!(model.adopt(&before), [], "what is gone does not begin");
}

#[test]
fn decisions_stay_with_their_features_and_the_word_on_the_data_set_with_what_bears_it_out() {
    let before = setup(ClockKind::Event, &["1h"]);
    let mut model = Model::new(&before);
    for id in 0..400 {
        model.predict(&before, &prediction(id, START + id as i64 * 9_000, 5.0), NOW).unwrap();
    }
    usual(&mut model, &before, 400..600, START + HOUR, 1_000);
    let decided = window(&told(&model, &before, NOW), "1h");
    let word =
        |window: &WindowReport| (window.dataset.monitored, window.dataset.drifted, window.dataset.detected);
    assert_eq!(word(&decided), (Some(2), Some(1), Some(true)));

    let mut added = model.clone();
    let with_more = Arc::new(with_a_feature_between(&before));
    added.adopt(&with_more);
    let more = window(&told(&added, &with_more, NOW), "1h");
    assert_eq!(word(&more), word(&decided));
    assert_eq!((more.features["age"].detected, more.features["kind"].detected), (Some(true), Some(false)));
    assert_eq!(more.features["hours"].detected, None);

    let other_ages = Arc::new(with_other_ages(&before));
    model.adopt(&other_ages);
    let fewer = window(&told(&model, &other_ages, NOW), "1h");
    assert_eq!(word(&fewer), (Some(1), Some(0), Some(false)));
    assert_eq!((fewer.features["age"].detected, fewer.features["kind"].detected), (None, Some(false)));
}

#[test]
fn a_counter_of_drift_goes_on_when_a_window_is_no_longer_configured() {
    let before = setup(ClockKind::Event, &["1h", "480rows"]);
    let mut model = Model::new(&before);
    for id in 0..500 {
        model.predict(&before, &prediction(id * 2, START + id as i64 * 9_000, 3.0), NOW).unwrap();
    }
    let detections = |model: &Model, setup| told(model, setup, NOW).versions["v1"].dataset_detections;
    assert_eq!(detections(&model, &before), 2, "once over an hour, once over 480 rows");
    let after = setup(ClockKind::Event, &["1d"]);
    model.adopt(&after);
    assert_eq!(detections(&model, &after), 2);
}
