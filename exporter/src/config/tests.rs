use std::fs;

use super::*;

fn load(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exporter.yaml");
    fs::write(&file, text).unwrap();
    let environment = Environment::from_pairs(Vec::<(String, String)>::new());
    let folder = folder.path().display().to_string();
    Config::load(&file, None, &environment)
        .map_err(|error| error.to_string().replace(&format!("{folder}/"), ""))
}

#[test]
fn a_model_needs_only_a_name_and_a_task() {
    let config = load("models: [{name: m, task: binary}]").unwrap();
    let model = &config.models[0];
    let windows: Vec<_> = model.windows.iter().map(ToString::to_string).collect();
    assert_eq!((&*model.positive, windows), ("1", vec!["1h".to_owned(), "1d".into(), "7d".into()]));
    assert_eq!((model.drift.min_rows, model.drift.fdr, model.drift.share), (100, 0.05, 0.5));
    assert_eq!((model.labels.min_coverage, model.clock), (0.8, ClockKind::Wall));
    assert_eq!(config.storage.durability, Durability::Fsync);
}

#[test]
fn a_model_takes_the_clock_of_all_unless_it_has_its_own() {
    let config =
        load("clock: event\nmodels: [{name: a, task: binary}, {name: b, task: binary, clock: wall}]")
            .unwrap();
    assert_eq!((config.models[0].clock, config.models[1].clock), (ClockKind::Event, ClockKind::Wall));
}

#[test]
fn every_faulty_section_is_named_in_one_go() {
    let faults = load(
        "storage: {durability: maybe}\nclock: sundial\nlimits: {classes: many}\nsurces: []\nsources: [{type: pigeon}]\n\
         models: [{name: m, task: binary, windows: [1h, 1h], drift: {fdr: 2}, labels: {min_coverage: 0}}]",
    )
    .unwrap_err();
    for part in [
        "exporter.yaml: storage.durability:",
        "exporter.yaml: clock:",
        "exporter.yaml: limits.classes:",
        "exporter.yaml: surces: unknown key",
        "exporter.yaml: sources[0].type:",
        "exporter.yaml: models[0].windows: the same window is there twice",
        "exporter.yaml: models[0].drift.fdr: expected a level between 0 and 1",
        "exporter.yaml: models[0].labels.min_coverage: expected a share above 0 and up to 1",
    ] {
        assert!(faults.contains(part), "{part} in\n{faults}");
    }
}

#[test]
fn what_a_model_cannot_be_is_said() {
    for (model, expected) in [
        ("name: m", "task"),
        ("name: m, task: regression", "task"),
        ("name: '', task: binary", "models[0].name"),
        ("name: m, task: binary, windows: [1s]", "`1s` is not a window"),
        ("name: m, task: binary, windows: []", "expected at least one window"),
        ("name: m, task: binary, drift: {numeric: [magic]}", "magic"),
        ("name: m, task: binary, drift: {numeric: []}", "models[0].drift.numeric"),
        ("name: m, task: binary, labels: {wait: soon}", "`soon` is not a duration"),
        ("name: m, task: binary, baseline: {accuracy: 85}", "models[0].baseline"),
        ("name: m, task: binary, baseline: {beauty: 0.5}", "beauty"),
        ("name: m, task: binary, features: {age: {threshold: -1}}", "models[0].features.age.threshold"),
        ("name: m, task: binary, segments: ['']", "models[0].segments: expected names of columns"),
        ("name: m, task: binary, segments: ['a=b']", "models[0].segments: expected names of columns"),
        ("name: m, task: binary, segments: [a, b, a]", "models[0].segments: the same column is there twice"),
        ("name: m, task: binary, segments: a", "segments"),
        ("name: m, task: binary, extra: 1", "extra"),
    ] {
        let faults = load(&format!("models: [{{{model}}}]")).unwrap_err();
        assert!(faults.contains(expected), "{model}: {faults}");
    }
    let none = load("limits: {segments: 0}\nmodels: [{name: m, task: binary}]").unwrap_err();
    assert!(none.contains("limits.segments: expected 1 to 10000"), "{none}");
    assert!(load("models: []").unwrap_err().contains("expected at least one model"));
    let twice = load("models: [{name: m, task: binary}, {name: m, task: binary}]").unwrap_err();
    assert!(twice.contains("models[1].name: `m` is there twice"), "{twice}");
}

/// What the example names `reference` is not read by this, so that any path will do.
#[test]
fn what_the_example_writes_out_is_the_default() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/exporter.yaml");
    let example = std::fs::read_to_string(example).unwrap();
    let least = "models: [{name: employment, task: binary, reference: ../demo/data/reference.parquet}]";
    let home = tempfile::tempdir().unwrap();
    let load = |text: &str| {
        let file = home.path().join("exporter.yaml");
        std::fs::write(&file, text).unwrap();
        format!("{:#?}", Config::load(&file, None, &Environment::default()).unwrap())
    };
    assert_eq!(load(&example), load(least));
}
