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
        reference: None,
        references: BTreeMap::new(),
        drift: DriftRules { min_rows: 100, fdr: 0.05, share: 0.5 },
        labels: LabelRules {
            limits: WaitingLimits { wait: Duration::from_secs(86_400), most: 100_000 },
            min_coverage: 0.8,
        },
        baseline: BTreeMap::new(),
        limits: Limits { max_future: Duration::from_secs(600), classes: 50 },
    })
}

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
        self.now += 1;
        let (id, status) = (self.now, ["success", "slow", "late"][class % 3]);
        let body = format!(
            r#"[{{"event":"prediction","model":"{model}","version":"{version}","id":"{id}","time":{START},"prediction":"c{class}","score":0.5,"latency_seconds":0.1,"status":"{status}"}},
            {{"event":"label","model":"{model}","id":"{id}","time":{START},"label":"c{}"}}]"#,
            class / 2
        );
        let batch = Batch::parse(Format::Json, body.as_bytes(), &self.setup.catalog).unwrap();
        let answer = self.state.accept(&self.setup, &batch, None, Time(self.now));
        assert_eq!((answer.accepted, answer.rejected), (2, 0), "{answer:?}");
    }

    /// Versions and classes in an order that is neither that of their names nor model by model.
    fn step(&mut self, step: usize) {
        let version = format!("v{}", (step * 7 + step / 9) % 23);
        self.post(["a", "b"][step % 2], &version, (step * step) % (2 + step / 10));
    }

    fn reports(&self) -> Vec<ModelReport> {
        let views = self.state.views(&self.setup).into_iter();
        views.map(|view| report(view, &mut NullCache::default())).collect()
    }
}

/// What is admitted, by model and version.
fn admitted(reports: &[ModelReport], budget: usize) -> BTreeMap<(String, String), Admitted> {
    let admitted = admit(reports, budget);
    let all = in_order(reports).into_iter();
    all.map(|placed| {
        let key = (reports[placed.model].model.to_string(), placed.name.to_owned());
        (key, admitted[placed.model][placed.version.birth.place])
    })
    .collect()
}

fn text(reports: &[ModelReport], budget: usize) -> String {
    let (text, _) = models::write(reports, &[], KeyTotals::default(), budget);
    String::from_utf8(text.to_vec()).unwrap()
}

/// The sum of every name over its samples.
fn sums(text: &str) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        *sums.entry(name.to_owned()).or_default() += value.parse::<f64>().unwrap();
    }
    sums
}

#[test]
fn what_is_admitted_stays_whatever_comes_after_it_and_after_a_restart() {
    for budget in [100, 150, 400] {
        let mut world = World::new();
        let mut before = BTreeMap::new();
        for step in 0..200 {
            world.step(step);
            let now = admitted(&world.reports(), budget);
            for (key, was) in &before {
                let is: &Admitted = &now[key];
                let Admitted { version, classes, confusion } = *was;
                assert_eq!(is.version, version, "{key:?} in step {step}");
                assert!(is.classes >= classes && is.confusion >= confusion, "{key:?} in step {step}");
                assert_eq!(is.classes.is_some(), classes.is_some(), "{key:?} in step {step}");
            }
            before = now;
        }
        let saved = postcard::to_stdvec(&world.state).unwrap();
        let restarted = World { state: postcard::from_bytes(&saved).unwrap(), ..world };
        assert_eq!(admitted(&restarted.reports(), budget), before);
    }
}

#[test]
fn a_budget_is_kept_and_used() {
    let mut world = World::new();
    (0..200).for_each(|step| world.step(step));
    for budget in [100, 150, 400] {
        let admitted = admitted(&world.reports(), budget);
        let kept = admitted.values().filter(|admitted| admitted.version).count();
        assert_eq!(kept, budget / OF_VERSION);
        let classes: usize = admitted.values().filter_map(|admitted| Some(admitted.classes? + 1)).sum();
        let cells: usize =
            admitted.values().filter_map(|admitted| Some((admitted.confusion? + 1).pow(2))).sum();
        assert!(classes <= budget && cells <= budget, "{classes} and {cells} of {budget}");
        assert!(cells > budget / 2, "{cells} of {budget}");
    }
    let reports = world.reports();
    let all = admitted(&reports, 1_000_000);
    let classes = reports.iter().map(|report| report.births.classes().len()).max();
    assert!(all.values().all(|admitted| admitted.version && admitted.confusion.is_some()));
    assert_eq!(all.values().filter_map(|admitted| admitted.confusion).max(), classes);
}

#[test]
fn the_first_to_come_is_admitted_whatever_its_name_and_its_model() {
    let mut world = World::new();
    for (model, version) in [("b", "z"), ("a", "y"), ("b", "x"), ("a", "w"), ("a", "a"), ("b", "b")] {
        world.post(model, version, 0);
    }
    let admitted = admitted(&world.reports(), 100);
    let kept: BTreeSet<_> =
        admitted.iter().filter(|(_, a)| a.version).map(|((m, v), _)| format!("{m}{v}")).collect();
    assert_eq!(kept, ["bz", "ay", "bx", "aw"].map(str::to_owned).into());
}

#[test]
fn folding_keeps_the_sums_of_counters_and_histograms() {
    let mut world = World::new();
    (0..200).for_each(|step| world.step(step));
    world.post("a", "other", 1);
    let reports = world.reports();
    let (all, folded) = (text(&reports, 1_000_000), text(&reports, 100));
    let (all, folded) = (sums(&all), sums(&folded));
    for (name, sum) in all.iter().filter(|(name, _)| !name.starts_with("modelwatch_exporter_")) {
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

/// Gives every version these segments beside that of all rows, as old as the version.
fn with_segments(mut reports: Vec<ModelReport>, segments: &[&str]) -> Vec<ModelReport> {
    for version in reports.iter_mut().flat_map(|report| report.versions.values_mut()) {
        let all = version.segments[""].clone();
        version.segments.extend(segments.iter().map(|segment| ((*segment).into(), all.clone())));
    }
    reports
}

#[test]
fn segments_beyond_the_budget_are_left_out_whole_and_all_rows_never() {
    let mut world = World::new();
    for version in ["z", "y", "x"] {
        world.post("a", version, 0);
    }
    let page = text(&with_segments(world.reports(), &["sex=1", "sex=2"]), 7);
    // two windows each: z with all rows, sex=1 and sex=2 takes 6 of 7; y and x have only what has to be there
    let rows = |version: &str, segment: &str| {
        let series = format!("data_window_rows{{model=\"a\",version=\"{version}\",segment=\"{segment}\"");
        page.lines().filter(|line| line.starts_with(&series)).count()
    };
    for (version, segment, windows) in [
        ("z", "", 2),
        ("z", "sex=1", 2),
        ("z", "sex=2", 2),
        ("y", "", 2),
        ("x", "", 2),
        ("y", "sex=1", 0),
        ("x", "sex=2", 0),
    ] {
        assert_eq!(rows(version, segment), windows, "{version} {segment}");
    }
    assert!(page.contains("modelwatch_exporter_series_dropped{family=\"data_window_rows\"} 8\n"), "{page}");
}

#[test]
fn what_is_unknown_keeps_its_room() {
    let mut world = World::new();
    world.post("a", "z", 0);
    world.post("a", "y", 0);
    let mut reports = with_segments(world.reports(), &["sex=1"]);
    let ratios = |reports: &[ModelReport]| -> BTreeSet<String> {
        let page = text(reports, 4);
        let lines = page.lines().filter(|line| line.starts_with("model_positive_ratio{"));
        lines.filter(|line| line.contains("sex=1")).map(str::to_owned).collect()
    };
    let before = ratios(&reports);
    assert_eq!(before.len(), 2, "of z alone: {before:?}");
    let of_z = reports[0].versions.get_mut("z").unwrap().segments.get_mut("sex=1").unwrap();
    of_z.windows.values_mut().for_each(|window| window.positive_ratio = None);
    assert_eq!(ratios(&reports), BTreeSet::new(), "the room of what is unknown is not given to another");
}
