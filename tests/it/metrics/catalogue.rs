//! `docs/metrics.md` names every family of both programs as `/metrics` has it, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{is_of, loaded_exporter, loaded_receiver};
use crate::support::exposition::{families, helps, label_names, samples};
use crate::support::root;

const FILE: &str = "docs/metrics.md";
/// The heading of each program's table, with the program that it is about.
const TABLES: [&str; 2] = ["## modelwatch-exporter", "## modelwatch-receiver"];
const HEADER: &str = "| family | type | labels | unit | meaning | absent |";
const COLUMNS: usize = 6;

/// What a table says of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    kind: String,
    labels: BTreeSet<String>,
    unit: String,
    meaning: String,
    absent: String,
}

/// A program's families as its `/metrics` has them; what only people know is empty.
fn exported(page: &str) -> BTreeMap<String, Row> {
    let (kinds, helps) = (families(page), helps(page));
    let samples = samples(page);
    let row = |(name, kind): (&&str, &&str)| {
        let of_family = samples.iter().filter(|sample| is_of(sample, name, kind));
        let mut labels: BTreeSet<String> = of_family.flat_map(label_names).map(str::to_owned).collect();
        if *kind == "histogram" {
            labels.remove("le");
        }
        let meaning = helps[*name].replace('|', "\\|");
        let row = Row { kind: (*kind).to_owned(), labels, unit: unit(name), meaning, absent: String::new() };
        ((*name).to_owned(), row)
    };
    kinds.iter().map(row).collect()
}

/// The unit that a name says, by Prometheus' conventions.
fn unit(name: &str) -> String {
    let units = [
        ("timestamp_seconds", "s since 1970"),
        ("clock_seconds", "s since 1970"),
        ("_seconds", "s"),
        ("_ratio", "0–1"),
    ];
    units.iter().find(|(end, _)| name.ends_with(end)).map_or("", |(_, unit)| unit).to_owned()
}

/// The rows of the table under a heading.
fn documented(text: &str, heading: &str) -> BTreeMap<String, Row> {
    let after =
        text.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("{FILE} has no {heading}")).1;
    let table = after.split_once(HEADER).unwrap_or_else(|| panic!("{heading} has no table")).1;
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut rows = BTreeMap::new();
    for line in lines {
        let (name, row) = read(line);
        assert_eq!(rows.insert(name.clone(), row), None, "{name} is there twice");
    }
    rows
}

fn read(line: &str) -> (String, Row) {
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    assert_eq!(cells.len(), COLUMNS, "{line}");
    let labels = cells[2].split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
    let [kind, unit, meaning, absent] = [1, 3, 4, 5].map(|at| cells[at].to_owned());
    (cells[0].trim_matches('`').to_owned(), Row { kind, labels, unit, meaning, absent })
}

fn write(rows: &BTreeMap<String, Row>) -> String {
    let mut table = String::new();
    for (name, row) in rows {
        let labels: Vec<_> = row.labels.iter().map(String::as_str).collect();
        let Row { kind, unit, meaning, absent, .. } = row;
        let _ =
            writeln!(table, "| `{name}` | {kind} | {} | {unit} | {meaning} | {absent} |", labels.join(", "));
    }
    table
}

/// The pages of both programs with a sample of everything.
async fn pages() -> [String; 2] {
    let exporter = loaded_exporter().await;
    // it saves its state at a reload: only then is there a time of the last save
    exporter.save().await;
    [exporter.program.metrics().await, loaded_receiver().await.program.metrics().await]
}

#[tokio::test]
async fn every_family_is_documented_as_it_is_exported_and_no_other() {
    let text = std::fs::read_to_string(root().join(FILE)).expect(FILE);
    for (page, heading) in pages().await.iter().zip(TABLES) {
        let (exported, documented) = (exported(page), documented(&text, heading));
        let names = |rows: &BTreeMap<String, Row>| rows.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(
            names(&documented),
            names(&exported),
            "{heading}: the ignored test `rewrite_the_metrics_table` helps"
        );
        for (name, row) in &documented {
            let is = &exported[name];
            assert_eq!((&row.kind, &row.labels, &row.meaning), (&is.kind, &is.labels, &is.meaning), "{name}");
            assert!(!row.absent.is_empty(), "{name}: {FILE} does not say when it is absent");
        }
    }
}

/// The metrics that a text names in code, of windows or of the programs.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| {
        ["model_", "data_", "modelwatch_"].iter().any(|start| word.starts_with(start)) && !word.ends_with('_')
    };
    words.filter(is_metric).collect()
}

#[tokio::test]
async fn every_metric_that_a_document_names_is_exported() {
    let pages = pages().await;
    let exported: BTreeSet<&str> = pages.iter().flat_map(|page| families(page).into_keys()).collect();
    for file in
        ["README.md", "docs/quickstart.md", "docs/operations.md", "docs/runbooks.md", "docs/templates.md"]
    {
        let text = std::fs::read_to_string(root().join(file)).expect(file);
        let unknown: Vec<_> = named(&text).into_iter().filter(|name| !exported.contains(name)).collect();
        assert!(unknown.is_empty(), "{file} names what nobody exports: {unknown:?}");
    }
}

#[tokio::test]
#[ignore = "writes types, labels and meanings of docs/metrics.md anew; what people wrote stays"]
async fn rewrite_the_metrics_table() {
    let mut text = std::fs::read_to_string(root().join(FILE)).expect(FILE);
    for (page, heading) in pages().await.iter().zip(TABLES) {
        let mut rows = exported(page);
        let known = documented(&text, heading);
        for (name, row) in &mut rows {
            if let Some(known) = known.get(name) {
                (row.unit, row.absent) = (known.unit.clone(), known.absent.clone());
            }
        }
        let heading_at = text.find(heading).expect("the heading");
        let start = heading_at + text[heading_at..].find(HEADER).expect("the table") + HEADER.len() + 1;
        let start = start + text[start..].find('\n').expect("the line under the header") + 1;
        let length: usize =
            text[start..].split_inclusive('\n').take_while(|line| line.starts_with('|')).map(str::len).sum();
        text.replace_range(start..start + length, &write(&rows));
    }
    std::fs::write(root().join(FILE), text).expect(FILE);
}
