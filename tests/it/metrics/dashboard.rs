//! The dashboards of `grafana/`: what their expressions read is exported, and on a real Prometheus that scrapes the real
//! programs they show something.

use std::collections::BTreeSet;
use std::path::PathBuf;

use promql_parser::parser;
use promql_parser::util::walk_expr;
use serde_json::Value;

use super::rules::{Names, PROMETHEUS_OWN};
use super::{APPLICANTS, Loaded, loaded_exporter, loaded_receiver};
use crate::support::alerts::Alert;
use crate::support::exposition::samples;
use crate::support::http::{client, send};
use crate::support::loans::START;
use crate::support::peers::Peer;
use crate::support::wait::until;
use crate::support::{home, root, write};

/// Programs of others that the dashboards read from, by how their metrics begin: node-exporter, and NVIDIA's DCGM exporter.
const FOREIGN: [&str; 2] = ["node_", "DCGM_FI_DEV_"];
/// What Grafana puts in place of variables: the loans of these tests, everything of them.
const VARIABLES: [(&str, &str); 6] = [
    ("$__rate_interval", "5m"),
    ("$__range", "1m"),
    ("$model", "loans"),
    ("$version", ".*"),
    ("$segment", EVERYTHING),
    ("$window", "1d"),
];
/// Everything of a slice, as Grafana's "All" asks for it.
const EVERYTHING: &str = "^$";

/// One panel that shows numbers.
#[derive(Debug)]
struct Panel {
    title: String,
    json: Value,
}

impl Panel {
    /// Its expressions, as they reach Prometheus.
    fn expressions(&self) -> Vec<String> {
        let targets = self.json["targets"].as_array().expect("a panel has targets");
        targets.iter().map(|target| substituted(target["expr"].as_str().expect("an expression"))).collect()
    }
}

fn substituted(expression: &str) -> String {
    let text = VARIABLES.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value));
    assert!(!text.replace(EVERYTHING, "").contains('$'), "a variable that the test does not know: {text}");
    text
}

fn dashboards() -> Vec<Value> {
    let folder = root().join("grafana/dashboards");
    let files = std::fs::read_dir(folder).expect("dashboards").map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| serde_json::from_slice(&std::fs::read(&path).unwrap());
    let dashboards: Vec<_> = files.map(|path| read(path).expect("JSON")).collect();
    assert!(!dashboards.is_empty());
    dashboards
}

/// Every panel of every dashboard, those of closed rows too.
fn panels() -> Vec<Panel> {
    let mut found = Vec::new();
    for dashboard in dashboards() {
        let mut open = dashboard["panels"].as_array().expect("panels").clone();
        while let Some(panel) = open.pop() {
            open.extend(panel["panels"].as_array().into_iter().flatten().cloned());
            if panel["type"] != "row" {
                found
                    .push(Panel { title: panel["title"].as_str().expect("a title").to_owned(), json: panel });
            }
        }
    }
    assert!(found.len() > 20, "the dashboards have panels");
    found
}

/// The metrics that an expression reads.
fn names(expression: &str) -> BTreeSet<String> {
    let parsed = parser::parse(expression).unwrap_or_else(|error| panic!("{error}: {expression}"));
    let mut names = Names::default();
    walk_expr(&mut names, &parsed).unwrap();
    names.0
}

fn is_foreign(name: &str) -> bool {
    FOREIGN.iter().any(|start| name.starts_with(start))
}

/// The metrics that a variable's query reads, `label_values(SELECTOR, label)`.
fn names_in_variables() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for dashboard in dashboards() {
        for variable in dashboard["templating"]["list"].as_array().expect("variables") {
            if variable["type"] == "query" {
                let query = variable["query"]["query"].as_str().expect("a query");
                let inside = query.strip_prefix("label_values(").and_then(|query| query.rsplit_once(','));
                found.extend(names(&substituted(inside.expect("label_values").0)));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_metric_that_a_dashboard_reads_is_exported() {
    let mut exported: BTreeSet<String> = PROMETHEUS_OWN.map(str::to_owned).into();
    for program in [loaded_exporter().await, loaded_receiver().await] {
        exported.extend(samples(&program.program.metrics().await).into_iter().map(|sample| sample.name));
    }
    let mut read = names_in_variables();
    assert!(read.len() > 1, "variables ask Prometheus: {read:?}");
    read.extend(panels().iter().flat_map(Panel::expressions).flat_map(|expression| names(&expression)));
    let missing: Vec<_> =
        read.into_iter().filter(|name| !is_foreign(name) && !exported.contains(name)).collect();
    assert!(missing.is_empty(), "dashboards read what nobody exports: {missing:?}");
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_what_its_lines_are() {
    for Panel { title, json } in panels() {
        let description = json["description"].as_str().unwrap_or_default();
        assert!(description.len() > 20, "{title} has no description");
        let defaults = &json["fieldConfig"]["defaults"];
        assert!(defaults["unit"].is_string(), "{title} has no unit");
        assert!(defaults["decimals"].is_number(), "{title} has no decimals");
        assert!(defaults["thresholds"]["steps"].is_array(), "{title} has no thresholds");
        for target in json["targets"].as_array().expect("targets") {
            assert!(
                target["legendFormat"].as_str().is_some_and(|legend| !legend.is_empty()),
                "{title}: {target}"
            );
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
        }
        assert_eq!(json["datasource"]["uid"], "${datasource}", "{title}");
    }
}

/// Both programs, loaded, and a Prometheus that scrapes them and evaluates the project's rules.
struct Watched {
    exporter: Loaded,
    receiver: Loaded,
    prometheus: Peer,
    _home: tempfile::TempDir,
}

impl Watched {
    async fn start() -> Watched {
        let (exporter, receiver, home) = (loaded_exporter().await, loaded_receiver().await, home());
        let target = |loaded: &Loaded| loaded.program.url.trim_start_matches("http://").to_owned();
        let config = format!(
            "global: {{scrape_interval: 300ms, evaluation_interval: 300ms}}\nrule_files: [\"{}/*.rules.yml\"]\nscrape_configs:\n  - {{job_name: modelwatch-exporter, static_configs: [{{targets: [\"{}\"]}}]}}\n  - {{job_name: modelwatch-receiver, static_configs: [{{targets: [\"{}\"]}}]}}\n",
            root().join("rules").display(),
            target(&exporter),
            target(&receiver),
        );
        write(home.path(), "prometheus.yml", config);
        let prometheus = Peer::prometheus(home.path()).await;
        Watched { exporter, receiver, prometheus, _home: home }
    }

    /// What Prometheus answers to an expression now: its numbers.
    async fn ask(&self, expression: &str) -> Result<Vec<f64>, String> {
        let url = format!("{}/api/v1/query", self.prometheus.url);
        let url = reqwest::Url::parse_with_params(&url, [("query", expression)]).expect("a URL");
        let answer = send(client().get(url)).await.json();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let samples = answer["data"]["result"].as_array().expect("a vector");
        let number = |sample: &Value| sample["value"][1].as_str().and_then(|text| text.parse().ok());
        let numbers: Vec<f64> = samples.iter().filter_map(number).collect();
        let is_known = numbers.iter().any(|number| number.is_finite());
        if is_known { Ok(numbers) } else { Err(format!("{expression} is {numbers:?}")) }
    }
}

#[tokio::test]
async fn every_panel_over_our_metrics_shows_something() {
    let watched = Watched::start().await;
    let mut shown = 0;
    // more of the same, so that what is counted grows while Prometheus looks
    for seen in ["data_rows_total", "modelwatch_receiver_notifications_total"] {
        until("Prometheus saw the programs", async || watched.ask(seen).await).await;
    }
    watched.exporter.send(APPLICANTS).await;
    watched.receiver.hear_of(&Alert::firing("Bad", START)).await;
    for panel in panels() {
        for expression in panel.expressions() {
            if names(&expression).iter().any(|name| is_foreign(name)) {
                // nobody exports it here: that Prometheus understands it is what can be seen
                assert!(watched.ask(&expression).await.is_err(), "{expression} is there after all");
                continue;
            }
            until(&panel.title, async || watched.ask(&expression).await).await;
            shown += 1;
        }
    }
    assert!(shown > 25, "{shown} expressions showed something");
}

#[test]
fn a_dashboard_looks_at_everything_unless_a_segment_is_chosen() {
    for dashboard in dashboards() {
        let variables = dashboard["templating"]["list"].as_array().expect("variables");
        let segment = variables.iter().find(|variable| variable["name"] == "segment").expect("a segment");
        assert_eq!(segment["allValue"], EVERYTHING);
        assert_eq!(segment["current"]["value"], "$__all");
    }
}
