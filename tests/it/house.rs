//! The rules of the house that no compiler checks: who may depend on whom, and that the map is true.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// What a pure crate must never stand on: runtimes, sockets, stores, and the metrics registry.
const IMPURE: [&str; 5] = ["tokio", "hyper", "sqlx", "reqwest", "prometheus"];
/// Where the project's own files are.
const ROOMS: [&str; 11] = [
    "common",
    "exporter",
    "receiver",
    "tests",
    "demo",
    "bench",
    "rules",
    "alertmanager",
    "compose",
    "docs",
    "grafana",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().expect("cargo metadata answers")
}

/// The names of all packages that end up in the program or library `package`, itself included.
fn beneath(metadata: &Metadata, package: &str) -> BTreeSet<String> {
    let nodes = &metadata.resolve.as_ref().expect("a resolved graph").nodes;
    let start = metadata.packages.iter().find(|p| p.name == package).expect("a package of the workspace");
    let mut seen: BTreeSet<PackageId> = BTreeSet::new();
    let mut open = VecDeque::from([start.id.clone()]);
    while let Some(id) = open.pop_front() {
        let node = nodes.iter().find(|node| node.id == id).expect("every package is in the graph");
        let built_in = node.deps.iter().filter(|dependency| {
            dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
        });
        open.extend(built_in.map(|dependency| dependency.pkg.clone()).filter(|id| !seen.contains(id)));
        seen.insert(id);
    }
    metadata.packages.iter().filter(|p| seen.contains(&p.id)).map(|p| p.name.to_string()).collect()
}

/// Every file beneath the rooms whose name ends with `end`.
fn files(end: &str) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> =
        ROOMS.iter().map(|room| root().join(room)).filter(|room| room.exists()).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()),
            );
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "there are files that end with {end}");
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_cores_stand_on_nothing_that_does_input_or_output() {
    let metadata = metadata();
    for core in ["modelwatch-exporter-core", "modelwatch-receiver-core"] {
        let beneath = beneath(&metadata, core);
        let impure: Vec<_> = IMPURE.iter().filter(|name| beneath.contains(**name)).collect();
        assert!(impure.is_empty(), "{core} depends on {impure:?}");
    }
}

#[test]
fn the_two_programs_never_see_each_other() {
    let metadata = metadata();
    for (program, other) in [("exporter", "receiver"), ("receiver", "exporter")] {
        let beneath = beneath(&metadata, &format!("modelwatch-{program}"));
        assert!(beneath.contains("tokio"), "the graph is the real one");
        let seen: Vec<_> =
            beneath.iter().filter(|name| name.starts_with(&format!("modelwatch-{other}"))).collect();
        assert!(seen.is_empty(), "modelwatch-{program} depends on {seen:?}");
    }
}

#[test]
fn common_knows_neither_program() {
    let beneath = beneath(&metadata(), "modelwatch-common");
    let own: Vec<_> = beneath.iter().filter(|name| name.starts_with("modelwatch-")).collect();
    assert_eq!(own, ["modelwatch-common"]);
}

/// Where programs are built that people run.
const RELEASES: [&str; 2] = ["Makefile", "Dockerfile"];

#[test]
fn points_where_tests_kill_the_receiver_are_in_no_program_that_people_run() {
    let metadata = metadata();
    let receiver = metadata.packages.iter().find(|p| p.name == "modelwatch-receiver").expect("the receiver");
    assert_eq!(
        receiver.features.keys().collect::<Vec<_>>(),
        ["failpoints"],
        "nothing switches it on by default"
    );
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|d| d.features.iter().any(|f| f == "failpoints"))
        {
            let (kind, by) = (dependency.kind, &package.name);
            assert_eq!(kind, DependencyKind::Development, "{by} switches it on for {}", dependency.name);
        }
    }
    for file in RELEASES {
        let text = text(&root().join(file));
        let builds: Vec<_> = text.lines().filter(|line| line.contains("cargo build --release")).collect();
        assert!(!builds.is_empty(), "{file} builds a release");
        for build in builds {
            let only_programs = [" --bin ", " -p "].iter().any(|what| build.contains(what))
                && !["feature", "target", "test"].iter().any(|word| {
                    build.split_whitespace().any(|flag| flag.starts_with("--") && flag.contains(word))
                });
            assert!(only_programs, "{file}: {build}");
        }
    }
}

#[test]
fn every_crate_follows_the_lints_of_the_workspace() {
    for package in metadata().workspace_packages() {
        let manifest = text(package.manifest_path.as_std_path());
        assert!(manifest.contains("[lints]\nworkspace = true\n"), "{}", package.manifest_path);
    }
}

#[test]
fn every_path_on_the_map_exists() {
    let map = text(&root().join("ARCHITECTURE.md"));
    assert!(map.lines().count() <= 150, "a map of more than 150 lines is not read");
    let in_a_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let named: BTreeSet<&str> = map
        .split(|c: char| !in_a_path(c))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.split_once('/').is_some_and(|(room, _)| ROOMS.contains(&room)))
        .collect();
    assert!(named.len() >= 10, "the map names paths: {named:?}");
    let missing: Vec<_> = named.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    let long: Vec<_> = files(".rs")
        .into_iter()
        .map(|path| (text(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > 400)
        .collect();
    assert!(long.is_empty(), "over 400 lines: {long:?}");
}

#[test]
fn every_expected_lint_says_why() {
    // put together here, so that this file does not hold what it looks for
    let attribute = concat!("[", "expect(");
    let mut silent = Vec::new();
    for path in files(".rs") {
        for rest in text(&path).split(attribute).skip(1) {
            let inside = rest.split_once(")]").map_or(rest, |(inside, _)| inside);
            if !inside.contains("reason = \"") {
                silent.push(format!("{}: {inside}", path.display()));
            }
        }
    }
    assert!(silent.is_empty(), "without a reason: {silent:?}");
}

#[test]
fn a_module_with_children_is_a_file_beside_its_folder() {
    let named: Vec<_> = files(".rs").into_iter().filter(|path| path.ends_with("mod.rs")).collect();
    assert!(named.is_empty(), "{named:?}");
}
