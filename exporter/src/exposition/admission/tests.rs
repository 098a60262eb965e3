use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use modelwatch_exporter_core::batch::{Batch, Format};
use modelwatch_exporter_core::drift::NullCache;
use modelwatch_exporter_core::idempotency::KeyTotals;
use modelwatch_exporter_core::labels::WaitingLimits;
use modelwatch_exporter_core::model::{ClockKind, DriftRules, FeatureSetup, LabelRules, Limits, ModelSetup};
use modelwatch_exporter_core::report::report;
use modelwatch_exporter_core::state::{Setup, State};

use super::*;
use crate::exposition::models;

const START: i64 = 1_704_067_200;

fn model(name: &str) -> Arc<ModelSetup> {
    Arc::new(ModelSetup {
        name: name.into(),
        positive: "1".into(),
        windows: vec!["1h".parse().unwrap(), "1d".parse().unwrap()],
        clock: ClockKind::Event,
        features: ["age", "kind"].map(|name| FeatureSetup { name: name.into(), methods: Vec::new() }).into(),
        segments: vec!["shop".into()],
        reference: None,
        references: BTreeMap::new(),
        drift: DriftRules { min_rows: 100, fdr: 0.05, share: 0.5 },
        labels: LabelRules {
            limits: WaitingLimits { wait: Duration::from_secs(86_400), most: 100_000 },
            min_coverage: 0.8,
        },
        baseline: BTreeMap::new(),
        limits: Limits { max_future: Duration::from_secs(600), classes: 50, segments: 100 },
    })
}

/// What follows a name in [`sums`] of segments.
const OF_SEGMENTS: &str = " of segments";

/// Two models and what they were sent.
struct World {
    setup: Setup,
    state: State,
    now: i64,
}

impl World {
    fn new() -> World {
        let setup = Setup::new(vec![model("a"), model("b")]);
        let state = State::new(&setup);
        World { setup, state, now: (START + 1_000_000) * 1000 }
    }

    /// One prediction of a class with its label, in a batch of its own.
    fn post(&mut self, model: &str, version: &str, class: usize) {
        self.post_in("", model, version, class);
    }

    /// The same in the segment of a shop.
    fn post_in(&mut self, shop: &str, model: &str, version: &str, class: usize) {
        self.now += 1;
        let (id, status) = (self.now, ["success", "slow", "late"][class % 3]);
        let body = format!(
            r#"[{{"event":"prediction","model":"{model}","version":"{version}","id":"{id}","time":{START},"prediction":"c{class}","score":0.5,"latency_seconds":0.1,"status":"{status}","segment":{{"shop":"{shop}"}}}},
            {{"event":"label","model":"{model}","id":"{id}","time":{START},"label":"c{}"}}]"#,
            class / 2
        );
        let batch = Batch::parse(Format::Json, body.as_bytes(), &self.setup.catalog).unwrap();
        let answer = self.state.accept(&self.setup, &batch, None, Time(self.now));
        assert_eq!((answer.accepted, answer.rejected), (2, 0), "{answer:?}");
    }

    /// Versions, classes and segments in an order that is neither that of their names nor model by model.
    fn step(&mut self, step: usize) {
        let version = format!("v{}", (step * 7 + step / 9) % 23);
        let shop = ["", "north", "east", "west"][(step / 3) % 4];
        self.post_in(shop, ["a", "b"][step % 2], &version, (step * step) % (2 + step / 10));
    }

    fn reports(&self) -> Vec<ModelReport> {
        let views = self.state.views(&self.setup).into_iter();
        views.map(|view| report(view, &mut NullCache::default())).collect()
    }
}

/// What is admitted, by model and version.
fn admitted(reports: &[ModelReport], budget: usize) -> BTreeMap<(String, String), Admitted<'_>> {
    let admitted = admit(reports, budget);
    let all = in_order(reports).into_iter();
    all.map(|placed| {
        let key = (reports[placed.model].model.to_string(), placed.name.to_owned());
        (key, admitted[placed.model][placed.version.birth.place].clone())
    })
    .collect()
}

fn text(reports: &[ModelReport], budget: usize) -> String {
    let (text, _) = models::write(reports, &[], KeyTotals::default(), budget);
    String::from_utf8(text.to_vec()).unwrap()
}

/// How many series a version may need by true and predicted class, over its segments.
fn cells(admitted: &Admitted<'_>) -> usize {
    admitted.confusion.values().map(|classes| (classes + 1).pow(2)).sum()
}

/// The sum of every name over its samples, apart for those of all rows and those of segments.
fn sums(text: &str) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let of_segment = series.contains(",segment=\"") && !series.contains(",segment=\"\"");
        *sums.entry(format!("{name}{}", if of_segment { OF_SEGMENTS } else { "" })).or_default() +=
            value.parse::<f64>().unwrap();
    }
    sums
}

#[test]
fn what_is_admitted_stays_whatever_comes_after_it_and_after_a_restart() {
    for budget in [100, 150, 400] {
        let mut world = World::new();
        let mut before = world.reports();
        for step in 0..200 {
            world.step(step);
            let after = world.reports();
            let now = admitted(&after, budget);
            for (key, was) in admitted(&before, budget) {
                let is = &now[&key];
                assert_eq!(is.version, was.version, "{key:?} in step {step}");
                assert!(is.classes >= was.classes, "{key:?} in step {step}");
                assert_eq!(is.classes.is_some(), was.classes.is_some(), "{key:?} in step {step}");
                let stays = |(segment, classes)| is.confusion.get(segment) >= Some(classes);
                assert!(was.confusion.iter().all(stays), "{key:?} in step {step}: {was:?}, then {is:?}");
            }
            before = after;
        }
        let saved = postcard::to_stdvec(&world.state).unwrap();
        let restarted = World { state: postcard::from_bytes(&saved).unwrap(), ..world };
        assert_eq!(admitted(&restarted.reports(), budget), admitted(&before, budget));
    }
}

#[test]
fn a_budget_is_kept_and_used() {
    let mut world = World::new();
    (0..200).for_each(|step| world.step(step));
    let reports = world.reports();
    for budget in [100, 150, 400] {
        let admitted = admitted(&reports, budget);
        let kept = admitted.values().filter(|admitted| admitted.version).count();
        assert_eq!(kept, budget / OF_VERSION);
        let classes: usize = admitted.values().filter_map(|admitted| Some(admitted.classes? + 1)).sum();
        let cells: usize = admitted.values().map(cells).sum();
        assert!(classes <= budget && cells <= budget, "{classes} and {cells} of {budget}");
        assert!(cells > budget / 2, "{cells} of {budget}");
    }
    let all = admitted(&reports, 1_000_000);
    let classes = reports.iter().map(|report| report.births.classes().len()).max();
    assert!(all.values().all(|admitted| admitted.version && admitted.confusion.contains_key("")));
    assert_eq!(all.values().flat_map(|admitted| admitted.confusion.values().copied()).max(), classes);
    assert!(all.values().any(|admitted| admitted.confusion.contains_key("shop=north")));
}

#[test]
fn the_first_to_come_is_admitted_whatever_its_name_and_its_model() {
    let mut world = World::new();
    for (model, version) in [("b", "z"), ("a", "y"), ("b", "x"), ("a", "w"), ("a", "a"), ("b", "b")] {
        world.post(model, version, 0);
    }
    let reports = world.reports();
    let admitted = admitted(&reports, 100);
    let kept: BTreeSet<_> =
        admitted.iter().filter(|(_, a)| a.version).map(|((m, v), _)| format!("{m}{v}")).collect();
    assert_eq!(kept, ["bz", "ay", "bx", "aw"].map(str::to_owned).into());
}

#[test]
fn folding_keeps_the_sums_of_counters_and_histograms() {
    let mut world = World::new();
    (0..200).for_each(|step| world.step(step));
    world.post_in("other", "a", "other", 1);
    let reports = world.reports();
    let (all, folded) = (text(&reports, 1_000_000), text(&reports, 100));
    let (all, folded) = (sums(&all), sums(&folded));
    let is_kept = |name: &str| !name.starts_with("modelwatch_exporter_") && !name.ends_with(OF_SEGMENTS);
    let confusion_of_segments = format!("model_confusion_total{OF_SEGMENTS}");
    assert!(all[&confusion_of_segments] > 100.0);
    for (name, sum) in all.iter().filter(|(name, _)| is_kept(name) || **name == confusion_of_segments) {
        assert!(
            (folded[name] - sum).abs() < 1e-9 * sum.abs().max(1.0),
            "{name}: {} is not {sum}",
            folded[name]
        );
    }
    assert_eq!(all["modelwatch_exporter_series_dropped"], 0.0);
    assert!(folded["modelwatch_exporter_series_dropped"] > 500.0);
}

#[test]
fn features_beyond_the_budget_are_counted_together() {
    let mut world = World::new();
    world.post("a", "1", 0);
    let reports = world.reports();
    // room for three features of nine kinds: both of the first model and one of the second
    let folded = text(&reports, 30);
    let line = |model: &str, feature: &str| {
        format!("data_values_total{{model=\"{model}\",feature=\"{feature}\",kind=\"absent\"}}")
    };
    for (model, feature, there) in [
        ("a", "kind", true),
        ("b", "age", true),
        ("b", "kind", false),
        ("b", "other", true),
        ("a", "other", false),
    ] {
        assert_eq!(folded.contains(&line(model, feature)), there, "{model} {feature}\n{folded}");
    }
    assert!(folded.contains("modelwatch_exporter_series_dropped{family=\"data_values_total\"} 9\n"));
}

/// The windows of a version's segment that a gauge tells of.
fn windows(page: &str, name: &str, version: &str, segment: &str) -> usize {
    let series = format!("{name}{{model=\"a\",version=\"{version}\",segment=\"{segment}\"");
    page.lines().filter(|line| line.starts_with(&series)).count()
}

#[test]
fn segments_beyond_the_budget_are_left_out_whole_and_all_rows_never() {
    let mut world = World::new();
    for version in ["z", "y", "x"] {
        ["north", "east"].iter().for_each(|shop| world.post_in(shop, "a", version, 0));
    }
    let page = text(&world.reports(), 7);
    // two windows each: z with all rows and two segments takes 6 of 7; y and x have only what has to be there
    for (version, segment, there) in [
        ("z", "", 2),
        ("z", "shop=north", 2),
        ("z", "shop=east", 2),
        ("y", "", 2),
        ("x", "", 2),
        ("y", "shop=north", 0),
        ("x", "shop=east", 0),
    ] {
        assert_eq!(windows(&page, "data_window_rows", version, segment), there, "{version} {segment}");
    }
    assert!(page.contains("modelwatch_exporter_series_dropped{family=\"data_window_rows\"} 8\n"), "{page}");
}

#[test]
fn a_segment_that_comes_late_to_an_old_version_takes_no_room_from_younger_ones() {
    let mut world = World::new();
    world.post("a", "z", 0);
    world.post_in("north", "a", "y", 0);
    world.post_in("north", "a", "z", 0);
    // all rows of both and the first segment take all of it
    let page = text(&world.reports(), 6);
    let there = ["y", "z"].map(|version| windows(&page, "data_window_rows", version, "shop=north"));
    assert_eq!(there, [2, 0], "{page}");
}

#[test]
fn what_is_unknown_keeps_its_room() {
    let mut world = World::new();
    ["z", "y"].iter().for_each(|version| world.post_in("north", "a", version, 0));
    let mut reports = world.reports();
    // all rows of both and one segment of two windows take all of it
    let there = |reports: &[ModelReport], name: &str| {
        let page = text(reports, 6);
        ["z", "y"].map(|version| windows(&page, name, version, "shop=north"))
    };
    let names = ["model_positive_ratio", "model_accuracy"];
    assert_eq!(names.map(|name| there(&reports, name)), [[2, 0]; 2], "of z alone");
    let of_z = reports[0].versions.get_mut("z").unwrap().segments.get_mut("shop=north").unwrap();
    for window in of_z.windows.values_mut() {
        (window.positive_ratio, window.quality) = (None, None);
    }
    assert_eq!(names.map(|name| there(&reports, name)), [[0, 0]; 2], "the room is not given to another");
}
