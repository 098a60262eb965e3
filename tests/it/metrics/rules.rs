//! Every series that a rule reads is one that a running program exports.

use std::collections::BTreeSet;
use std::path::PathBuf;

use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};
use yaml_rust2::{Yaml, YamlLoader};

use super::{loaded_exporter, loaded_receiver};
use crate::support::exposition::samples;
use crate::support::root;

/// What Prometheus makes itself.
pub(super) const PROMETHEUS_OWN: [&str; 2] = ["up", "ALERTS"];
/// What every alert says to people.
const LABELS: [&str; 2] = ["severity", "team"];
const ANNOTATIONS: [&str; 4] = ["summary", "description", "runbook_url", "next_action"];

/// One rule of a file.
struct Rule {
    file: PathBuf,
    yaml: Yaml,
}

impl Rule {
    fn expression(&self) -> Expr {
        let text = self.yaml["expr"]
            .as_str()
            .unwrap_or_else(|| panic!("{}: a rule without expr", self.file.display()));
        parser::parse(text).unwrap_or_else(|error| panic!("{}: {error}: {text}", self.file.display()))
    }
}

fn rules() -> Vec<Rule> {
    let folder = root().join("rules");
    let files = std::fs::read_dir(&folder).expect("rules/").map(|entry| entry.expect("an entry").path());
    let mut rules = Vec::new();
    for file in files.filter(|file| file.to_string_lossy().ends_with(".rules.yml")) {
        let documents = YamlLoader::load_from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let groups = documents[0]["groups"].clone();
        let of_groups = groups.into_iter().flat_map(|group| group["rules"].clone());
        rules.extend(of_groups.map(|yaml| Rule { file: file.clone(), yaml }));
    }
    assert!(rules.len() >= 6, "rules/ has rules");
    rules
}

/// The names of the series that an expression reads.
#[derive(Default)]
pub(super) struct Names(pub(super) BTreeSet<String>);

impl ExprVisitor for Names {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        match expression {
            Expr::VectorSelector(selector) => self.0.extend(selector.name.clone()),
            Expr::MatrixSelector(selector) => self.0.extend(selector.vs.name.clone()),
            _ => {}
        }
        Ok(true)
    }
}

#[tokio::test]
async fn every_metric_that_a_rule_reads_is_exported() {
    let rules = rules();
    let recorded = rules.iter().filter_map(|rule| rule.yaml["record"].as_str().map(str::to_owned));
    let mut exported: BTreeSet<String> = recorded.chain(PROMETHEUS_OWN.map(str::to_owned)).collect();
    for program in [loaded_exporter().await, loaded_receiver().await] {
        exported.extend(samples(&program.program.metrics().await).into_iter().map(|sample| sample.name));
    }
    let mut names = Names::default();
    for rule in &rules {
        walk_expr(&mut names, &rule.expression()).unwrap();
    }
    assert!(names.0.contains("model_accuracy"), "expressions are read: {:?}", names.0);
    let missing: Vec<_> = names.0.difference(&exported).collect();
    assert!(missing.is_empty(), "rules read what nobody exports: {missing:?}");
}

#[test]
fn every_alert_says_how_bad_it_is_whose_it_is_and_what_to_do_next() {
    for rule in rules() {
        let Some(name) = rule.yaml["alert"].as_str() else { continue };
        for label in LABELS {
            assert!(rule.yaml["labels"][label].as_str().is_some(), "{name} has no label {label}");
        }
        for annotation in ANNOTATIONS {
            let text = rule.yaml["annotations"][annotation].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name} has no annotation {annotation}");
        }
    }
}
