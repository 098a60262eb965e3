//! The example files in `docs/` are true: accepted as they are, and with every key that the programs know.
//!
//! Nothing here lists a key. The programs are asked: an unknown key is put into every mapping of the example, and the fault
//! that comes of it lists the keys that belong there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use yaml_rust2::{Yaml, YamlEmitter, YamlLoader};

use crate::support::program::{EXPORTER, RECEIVER, run};
use crate::support::{home, root, write};

/// A key that nobody has.
const STRANGE: &str = "zzz_strange";
/// Mappings whose keys are names that the user gives.
const FREE: [&str; 6] = [
    "models[].references",
    "models[].features",
    "models[].baseline",
    "channels[].headers",
    "channels[].values",
    "channels[].success.json",
];

/// The example as it is shipped.
fn shipped(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(file(name))).expect("the example")
}

fn file(name: &str) -> String {
    format!("{}.yaml", name.trim_start_matches("modelwatch-"))
}

/// The example with every key that is commented out: `#key`, without a space.
fn everything(name: &str) -> Yaml {
    let uncommented = |line: &str| {
        let (indent, text) = line.split_at(line.len() - line.trim_start().len());
        match text.strip_prefix('#') {
            Some(key) if key.starts_with(|c: char| !c.is_whitespace()) => format!("{indent}{key}\n"),
            _ => format!("{line}\n"),
        }
    };
    let text: String = shipped(name).lines().map(uncommented).collect();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}")).remove(0)
}

/// The way from the top to a mapping.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

/// The places of all mappings in `yaml`.
fn mappings(yaml: &Yaml, at: &[Step], found: &mut Vec<Vec<Step>>) {
    let deeper = |step: Step| at.iter().cloned().chain([step]).collect::<Vec<_>>();
    match yaml {
        Yaml::Hash(fields) => {
            found.push(at.to_vec());
            for (key, value) in fields {
                mappings(value, &deeper(Step::Key(key.as_str().expect("a name").to_owned())), found);
            }
        }
        Yaml::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                mappings(item, &deeper(Step::Item(i)), found);
            }
        }
        _ => {}
    }
}

fn mapping_at<'a>(yaml: &'a mut Yaml, at: &[Step]) -> &'a mut Yaml {
    at.iter().fold(yaml, |yaml, step| match (yaml, step) {
        (Yaml::Hash(fields), Step::Key(key)) => fields.get_mut(&Yaml::String(key.clone())).expect("a key"),
        (Yaml::Array(items), Step::Item(i)) => &mut items[*i],
        other => panic!("{other:?}"),
    })
}

/// The place in words, with every item of a list alike.
fn place(at: &[Step]) -> String {
    let mut words = String::new();
    for step in at {
        match step {
            Step::Key(key) if words.is_empty() => words += key,
            Step::Key(key) => words += &format!(".{key}"),
            Step::Item(_) => words += "[]",
        }
    }
    words
}

fn text(yaml: &Yaml) -> String {
    let mut text = String::new();
    YamlEmitter::new(&mut text).dump(yaml).expect("YAML");
    text
}

/// What `check-config` says of this configuration.
fn faults(name: &str, yaml: &Yaml) -> String {
    let home = home();
    // a variable that is not set would be all that is said of its section
    write(home.path(), &file(name), text(yaml).replace("${", "$("));
    let said = run(name, home.path(), &["check-config"], &[]);
    assert_eq!(said.code, Some(64), "{}{}", said.out, said.err);
    said.err
}

/// The names in the list that follows "expected" in the fault about `strange`.
fn expected(faults: &str, strange: &str) -> Option<BTreeSet<String>> {
    let about = faults.lines().find(|line| line.contains(strange) && line.contains("unknown"))?;
    let list = about.rsplit_once("expected ")?.1;
    Some(list.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// The keys that the program knows in the mapping at `at`; `None` where the user names them.
fn known(name: &str, whole: &Yaml, at: &[Step]) -> Option<BTreeSet<String>> {
    let mut spoiled = whole.clone();
    let Yaml::Hash(fields) = mapping_at(&mut spoiled, at) else { panic!("{at:?} is a mapping") };
    fields.insert(Yaml::String(STRANGE.to_owned()), Yaml::Integer(1));
    if FREE.contains(&place(at).as_str()) {
        return None;
    }
    let faults = faults(name, &spoiled);
    Some(expected(&faults, STRANGE).unwrap_or_else(|| panic!("{}: no keys are told in\n{faults}", place(at))))
}

/// The keys of a mapping of the example, and the type that says which there are.
fn written(whole: &mut Yaml, at: &[Step]) -> (BTreeSet<String>, String) {
    let Yaml::Hash(fields) = mapping_at(whole, at) else { panic!("{at:?} is a mapping") };
    let keys = fields.keys().map(|key| key.as_str().expect("a name").to_owned()).collect();
    let kind = fields.get(&Yaml::String("type".to_owned())).and_then(Yaml::as_str).unwrap_or_default();
    (keys, kind.to_owned())
}

fn assert_complete(name: &str) {
    let mut whole = everything(name);
    let mut all = Vec::new();
    mappings(&whole, &[], &mut all);
    // the same place may be there more than once, each time with some of its keys
    let mut places: BTreeMap<(String, String), (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for at in all {
        let (keys, kind) = written(&mut whole, &at);
        let Some(known) = known(name, &whole, &at) else { continue };
        let (documented, wanted) = places.entry((place(&at), kind)).or_default();
        documented.extend(keys);
        wanted.extend(known);
    }
    assert!(places.len() >= 8, "the example has sections: {:?}", places.keys());
    for ((place, kind), (mut documented, wanted)) in places {
        // the key that tells kinds apart is not one of the kind's own
        if !wanted.contains("type") {
            documented.remove("type");
        }
        assert_eq!(documented, wanted, "docs/{}: `{place}` {kind}", file(name));
    }
}

fn assert_accepted(name: &str) {
    let path = root().join("docs").join(file(name));
    let config = format!("--config.file={}", path.display());
    let said = run(name, Path::new("/"), &["check-config", &config], &[]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn both_examples_are_accepted_as_they_are() {
    assert_accepted(EXPORTER);
    assert_accepted(RECEIVER);
}

#[test]
fn the_example_of_the_exporter_has_every_key() {
    assert_complete(EXPORTER);
}

#[test]
fn the_example_of_the_receiver_has_every_key() {
    assert_complete(RECEIVER);
}

/// Every kind of the list `section` is in the example.
fn assert_every_kind(name: &str, section: &str) {
    let mut whole = everything(name);
    let items = mapping_at(&mut whole, &[Step::Key(section.to_owned())]).clone();
    let kinds =
        items.as_vec().expect("a list").iter().map(|item| item["type"].as_str().expect("a type").to_owned());
    let kinds: BTreeSet<String> = kinds.collect();
    let Yaml::Hash(fields) = mapping_at(&mut whole, &[Step::Key(section.to_owned()), Step::Item(0)]) else {
        panic!("{section} has items")
    };
    fields.insert(Yaml::String("type".to_owned()), Yaml::String(STRANGE.to_owned()));
    let known = expected(&faults(name, &whole), STRANGE).expect("the kinds are told");
    assert_eq!(kinds, known, "docs/{}: {section}", file(name));
}

#[test]
fn the_examples_have_every_kind_of_source_and_channel() {
    assert_every_kind(EXPORTER, "sources");
    assert_every_kind(RECEIVER, "channels");
}

/// The names of the lines of a file that begin with a key, commented out or not, and have no comment above them.
fn without_a_word(name: &str) -> Vec<String> {
    let text = shipped(name);
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let is_prose = |line: &str| line.starts_with("# ");
    let mut silent = Vec::new();
    let mut spoken = false;
    for line in lines {
        if line.is_empty() {
            spoken = false;
        } else if is_prose(line) {
            spoken = true;
        } else if !spoken {
            silent.push(line.to_owned());
        }
    }
    silent
}

#[test]
fn every_section_of_the_examples_says_what_it_is() {
    for name in [EXPORTER, RECEIVER] {
        let sections: Vec<_> = without_a_word(name).into_iter().filter(|line| !line.ends_with(':')).collect();
        assert!(sections.is_empty(), "docs/{}: {sections:?}", file(name));
    }
}
