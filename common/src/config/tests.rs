use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

const PREFIX: &str = "MODELWATCH_X";

/// Sections as a program would have them.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Storage {
    path: Option<PathBuf>,
    keep: Option<Span>,
    limits: Option<Limits>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Limits {
    rows: Option<u32>,
    share: Option<f64>,
    strict: Option<bool>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Model {
    name: String,
    #[serde(default)]
    windows: Vec<String>,
    #[serde(default)]
    features: BTreeMap<String, Limits>,
}

#[derive(Debug, PartialEq)]
struct Everything {
    storage: Storage,
    models: Vec<Model>,
    timezone: Option<String>,
}

/// Writes `text` into a file called `name` and reads it the way a program does.
fn read_as(name: &str, text: &str, env: &[(&str, &str)]) -> Result<Everything, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    let read = everything(&path, &Environment::from_pairs(env.iter().copied()));
    read.map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

fn everything(path: &Path, env: &Environment) -> Result<Everything, ConfigError> {
    let mut source = Source::read(path, PREFIX, env)?;
    let mut faults = source.faults();
    let everything = Everything {
        storage: source.section("storage", &mut faults),
        models: source.section("models", &mut faults),
        timezone: source.section("timezone", &mut faults),
    };
    source.finish(&mut faults);
    faults.into_result().map(|()| everything)
}

fn read(text: &str) -> Result<Everything, String> {
    read_as("x.yaml", text, &[])
}

fn fault(text: &str) -> String {
    read(text).unwrap_err()
}

#[test]
fn yaml_toml_and_json_say_the_same() {
    let yaml = "storage: {path: data, keep: 7d, limits: {rows: 5, share: 1, strict: true}}\nmodels: [{name: a, windows: [1h]}]\ntimezone: UTC";
    let toml = "timezone = 'UTC'\n[storage]\npath = 'data'\nkeep = '7d'\nlimits = {rows = 5, share = 1, strict = true}\n[[models]]\nname = 'a'\nwindows = ['1h']";
    let json = r#"{"storage":{"path":"data","keep":"7d","limits":{"rows":5,"share":1,"strict":true}},"models":[{"name":"a","windows":["1h"]}],"timezone":"UTC"}"#;
    let read = read(yaml).unwrap();
    assert_eq!(read.storage.limits, Some(Limits { rows: Some(5), share: Some(1.0), strict: Some(true) }));
    assert_eq!(read_as("x.toml", toml, &[]).unwrap(), read);
    assert_eq!(read_as("x.json", json, &[]).unwrap(), read);
    assert_eq!(read_as("x.yml", yaml, &[]).unwrap(), read);
    // as some editors write it
    assert_eq!(read_as("x.yaml", &format!("\u{feff}{yaml}"), &[]).unwrap(), read);
}

#[test]
fn an_empty_file_and_empty_sections_are_all_defaults() {
    for text in ["", "# nothing\n", "storage:\nmodels:\n"] {
        let read = read(text).unwrap();
        assert_eq!(read.storage, Storage::default(), "{text}");
        assert!(read.models.is_empty());
    }
}

#[test]
fn names_of_features_keep_their_case_and_numbers_may_be_names() {
    let read = read("models: [{name: a, features: {AGEP: {rows: 1}, 2016: {}}}]").unwrap();
    assert_eq!(read.models[0].features.keys().collect::<Vec<_>>(), ["2016", "AGEP"]);
}

#[test]
fn every_fault_names_file_key_and_expectation() {
    let table = [
        (
            "storage: {pth: a}",
            "x.yaml: storage.pth: unknown field `pth`, expected one of `path`, `keep`, `limits`",
        ),
        ("storage: data", "x.yaml: storage: expected a section, found text"),
        (
            "storage: {keep: soon}",
            "x.yaml: storage.keep: `soon` is not a duration, expected one such as 30s, 15m, 1h30m or 7d",
        ),
        (
            "storage: {keep: 30}",
            "x.yaml: storage.keep: `30` is not a duration, expected one such as 30s, 15m, 1h30m or 7d",
        ),
        (
            "storage: {limits: {rows: many}}",
            "x.yaml: storage.limits.rows: expected a whole number from 0, found \"many\"",
        ),
        (
            "storage: {limits: {rows: '7'}}",
            "x.yaml: storage.limits.rows: expected a whole number from 0, found \"7\"",
        ),
        (
            "storage: {limits: {rows: 1.5}}",
            "x.yaml: storage.limits.rows: expected a whole number from 0, found `1.5`",
        ),
        (
            "storage: {limits: {rows: -1}}",
            "x.yaml: storage.limits.rows: expected a whole number from 0, found `-1`",
        ),
        (
            "storage: {limits: {strict: 1}}",
            "x.yaml: storage.limits.strict: expected true or false, found `1`",
        ),
        ("models: {name: a}", "x.yaml: models: expected a list, found a section"),
        ("models: [{windows: []}]", "x.yaml: models[0]: missing field `name`"),
        ("models: [{name: a, windows: 1h}]", "x.yaml: models[0].windows: expected a list, found text"),
        (
            "models: [{name: a}, {name: b, windows: [1h, 2]}]",
            "x.yaml: models[1].windows[1]: expected text, found `2`",
        ),
        (
            "models: [{name: a, features: {AGEP: {rows: x}}}]",
            "x.yaml: models[0].features.AGEP.rows: expected a whole number from 0, found \"x\"",
        ),
        ("timezone: [UTC]", "x.yaml: timezone: expected text, found a list"),
        ("colour: red", "x.yaml: colour: unknown key, expected one of `storage`, `models`, `timezone`"),
    ];
    for (text, said) in table {
        assert_eq!(fault(text), said, "{text}");
    }
}

#[test]
fn every_faulty_section_is_named_in_one_run() {
    let said = fault("storage: {pth: a}\nmodels: x\ntimezone: ${NOWHERE}\ncolour: red");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(lines[0].starts_with("x.yaml: storage.pth: "), "{said}");
    assert!(lines[1].starts_with("x.yaml: models: "), "{said}");
    assert_eq!(lines[2], "x.yaml: timezone: the environment variable `NOWHERE` is not set");
    assert_eq!(lines[3], "x.yaml: colour: unknown key, expected one of `storage`, `models`, `timezone`");
}

#[test]
fn a_file_that_cannot_be_read_is_one_clear_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let said = |path: PathBuf| {
        let error = everything(&path, &Environment::default()).unwrap_err().to_string();
        error.replace(&dir.path().display().to_string(), "DIR")
    };
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path().join(name), bytes).unwrap();
        dir.path().join(name)
    };
    std::fs::create_dir(dir.path().join("folder.yaml")).unwrap();
    let directory = "is a directory, expected a YAML, TOML or JSON file";
    assert_eq!(
        said(dir.path().join("none.yaml")),
        "DIR/none.yaml: no such file, name one with --config.file"
    );
    assert_eq!(said(dir.path().join("none")), "DIR/none: no such file, name one with --config.file");
    assert_eq!(said(dir.path().join("folder.yaml")), format!("DIR/folder.yaml: {directory}"));
    assert_eq!(said(dir.path().to_owned()), format!("DIR: {directory}"));
    assert_eq!(
        said(write("x.ini", b"a=1")),
        "DIR/x.ini: unknown extension, expected .yaml, .yml, .toml or .json"
    );
    assert_eq!(
        said(write("binary.yaml", b"\xff\xfe")),
        "DIR/binary.yaml: cannot be read: stream did not contain valid UTF-8"
    );
}

#[test]
fn a_file_that_cannot_be_parsed_names_the_line() {
    let table = [
        ("x.yaml", "web:\n  a: [1\nb: 2", "x.yaml: is not valid YAML: ", "line 3"),
        ("x.yaml", "a: 1\na: 2", "x.yaml: is not valid YAML: ", "line 2"),
        ("x.toml", "a = 1\nb = = 2", "x.toml: is not valid TOML: ", "line 2"),
        ("x.json", "{\n\"a\": }", "x.json: is not valid JSON: ", "line 2"),
        ("x.yaml", "- a list", "x.yaml: is not valid YAML: ", "sequence, expected a map"),
        ("x.yaml", "a: 1\n---\nb: 2", "x.yaml: is not valid YAML: ", "2 YAML documents, expected 1"),
    ];
    for (name, text, start, within) in table {
        let said = read_as(name, text, &[]).unwrap_err();
        assert!(said.starts_with(start) && said.contains(within) && !said.contains('\n'), "{text}: {said}");
    }
}

#[test]
fn variables_are_expanded_inside_strings_after_parsing() {
    let env = [("HOME_DIR", "/srv: {a"), ("ZONE", "UTC")];
    let text =
        "storage: {path: '${HOME_DIR}/x'}\nmodels: [{name: 'a-${ZONE}-${ZONE}', windows: ['$5', '{x}']}]";
    let read = read_as("x.yaml", text, &env).unwrap();
    assert_eq!(read.storage.path, Some(PathBuf::from("/srv: {a/x")));
    assert_eq!(read.models[0].name, "a-UTC-UTC");
    assert_eq!(read.models[0].windows, ["$5", "{x}"]);
}

#[test]
fn what_cannot_be_expanded_names_key_and_variable() {
    let table = [
        (
            "models: [{name: a, windows: ['${GONE}']}]",
            "x.yaml: models[0].windows[0]: the environment variable `GONE` is not set",
        ),
        ("storage: {path: '${OPEN'}", "x.yaml: storage.path: `${` without a closing brace, expected ${NAME}"),
        ("timezone: '${}'", "x.yaml: timezone: the environment variable `` is not set"),
        ("storage: {keep: '${GONE}'}", "x.yaml: storage.keep: the environment variable `GONE` is not set"),
    ];
    for (text, said) in table {
        assert_eq!(fault(text), said);
    }
}

#[test]
fn the_environment_wins_over_the_file_in_the_type_that_is_expected() {
    let env = [
        ("MODELWATCH_X__STORAGE__PATH", "123"),
        ("MODELWATCH_X__STORAGE__KEEP", "1h"),
        ("MODELWATCH_X__STORAGE__LIMITS__ROWS", "7"),
        ("MODELWATCH_X__STORAGE__LIMITS__SHARE", "0.5"),
        ("MODELWATCH_X__STORAGE__LIMITS__STRICT", "true"),
        ("MODELWATCH_X__TIMEZONE", "Asia/Seoul"),
        ("MODELWATCH_XY__STORAGE__PATH", "of another program"),
        ("MODELWATCH_X_STORAGE", "one underscore"),
    ];
    let read = read_as("x.yaml", "storage: {path: a, keep: 7d}", &env).unwrap();
    let limits = Limits { rows: Some(7), share: Some(0.5), strict: Some(true) };
    let storage = Storage { path: Some("123".into()), keep: Some(Span::seconds(3600)), limits: Some(limits) };
    assert_eq!(read, Everything { storage, models: Vec::new(), timezone: Some("Asia/Seoul".to_owned()) });
}

#[test]
fn a_faulty_variable_is_named_without_its_value() {
    const FILE_ONLY: &str = "lists and whole sections can be set in the file only";
    let table = [
        ("STORAGE__LIMITS__ROWS", "hunter2", "expected a whole number from 0"),
        ("STORAGE__KEEP", "hunter2", "expected one such as 30s, 15m, 1h30m or 7d"),
        ("STORAGE__PTH", "hunter2", "expected one of `path`, `keep`, `limits`"),
        ("COLOUR", "hunter2", "there is no section `colour`"),
        ("COLOUR__RED", "hunter2", "there is no section `colour`"),
        ("MODELS", "hunter2", FILE_ONLY),
        ("MODELS__NAME", "hunter2", FILE_ONLY),
        ("MODELS__0__NAME", "hunter2", FILE_ONLY),
        ("STORAGE__LIMITS", "hunter2", FILE_ONLY),
        ("TIMEZONE__NAME", "hunter2", "`timezone` is a single value, there is no key beneath it"),
    ];
    let text = "storage: {limits: {rows: 1}}\nmodels: [{name: a}]\ntimezone: UTC";
    for (key, value, said) in table {
        let name = format!("{PREFIX}__{key}");
        assert_eq!(read_as("x.yaml", text, &[(&name, value)]).unwrap_err(), format!("{name}: {said}"));
    }
}

#[test]
fn paths_are_relative_to_the_folder_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.yaml");
    std::fs::write(&path, "").unwrap();
    let source = Source::read(&path, PREFIX, &Environment::default()).unwrap();
    assert_eq!(source.directory(), dir.path());
    assert_eq!(source.resolve("a/b".as_ref()), dir.path().join("a/b"));
    assert_eq!(source.resolve("/a/b".as_ref()), PathBuf::from("/a/b"));
}

#[test]
fn the_process_environment_is_taken_as_it_is() {
    let env = Environment::of_process();
    assert!(env.get("PATH").is_some_and(|path| path.contains("bin")));
    assert_eq!(env.get("MODELWATCH_NEVER_SET"), None);
}

#[test]
fn a_file_that_is_nested_without_end_is_refused_and_takes_no_program_down() {
    let lists = format!("storage:\n  {}1", "- ".repeat(100_000));
    let tables: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let keys = format!("{}1", "? ".repeat(100_000));
    let aliases: String = (1..5_000).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    for (yaml, line) in [(lists, 2), (tables, 129), (keys, 1), (format!("a0: &a0 [1]\n{aliases}"), 128)] {
        let what = format!("x.yaml: line {line}: values lie within each other more than 128 levels deep");
        assert_eq!(fault(&yaml), what);
    }
    let dotted = format!("{}1{}", format!("{{{}b = ", "b.".repeat(70)).repeat(70), "}".repeat(70));
    let fault_of_toml = read_as("x.toml", &format!("storage = {dotted}"), &[]).unwrap_err();
    assert_eq!(fault_of_toml, "x.toml: storage: values lie within each other more than 128 levels deep");
    for (name, text) in [
        ("x.yaml", format!("a: {}", "[".repeat(100_000))),
        ("x.json", format!("{{\"a\": {}", "[".repeat(100_000))),
        ("x.toml", format!("a = {}", "[".repeat(100_000))),
    ] {
        let fault = read_as(name, &text, &[]).unwrap_err();
        assert!(fault.starts_with(&format!("{name}: ")), "{fault}");
    }
}

#[test]
fn aliases_that_multiply_are_refused_and_others_are_not() {
    let many = (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect::<String>();
    let fault = fault(&format!("a0: &a0 [1]\n{many}"));
    assert_eq!(fault, "x.yaml: line 22: there is too much of it, as often as aliases repeat it");
    let read = read("models: [{name: a, windows: &w [1h, 1d]}, {name: b, windows: *w}]").unwrap();
    assert_eq!(read.models[0].windows, read.models[1].windows);
}

#[test]
fn what_is_deep_and_not_too_deep_is_read() {
    for (levels, is_read) in [(127, true), (128, false)] {
        let yaml = format!("a: {}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(fault(&yaml).contains("unknown key"), is_read, "{levels}");
    }
}
