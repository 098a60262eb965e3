//! The parsers that read what strangers and operators write, each as one function of bytes: the targets in `fuzz/` call
//! them with whatever they think of, and a test with the corpus that is committed there. They must end, soon, without a
//! panic, and say in words what they refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use modelwatch_common::config::Environment;
use modelwatch_exporter_core::batch::{Batch, Format};
use modelwatch_exporter_core::event::Catalog;
use modelwatch_receiver_core::alert::{Labels, Snapshot};
use modelwatch_receiver_core::route::Matchers;
use modelwatch_receiver_core::template::{self, Template};

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The body of a webhook.
    Webhook,
    /// A body of events, as lines and as JSON.
    Events,
    /// The configuration of both programs.
    Configuration,
    /// A piece of each kind of template.
    Template,
    /// The matchers of a route.
    Matchers,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 5] =
        [Target::Webhook, Target::Events, Target::Configuration, Target::Template, Target::Matchers];

    /// What it is called in `fuzz/`.
    pub fn name(self) -> &'static str {
        match self {
            Target::Webhook => "webhook",
            Target::Events => "events",
            Target::Configuration => "configuration",
            Target::Template => "template",
            Target::Matchers => "matchers",
        }
    }

    /// Reads `bytes`; returns the sentences about what was refused, none when all of it was taken.
    pub fn read(self, bytes: &[u8]) -> Vec<String> {
        match self {
            Target::Webhook => webhook(bytes),
            Target::Events => events(bytes),
            Target::Configuration => configuration(bytes),
            Target::Template => templates(bytes),
            Target::Matchers => matchers(bytes),
        }
    }
}

/// Reads a webhook, and does with its alerts what intake does first.
fn webhook(bytes: &[u8]) -> Vec<String> {
    match Snapshot::parse(bytes) {
        Ok(snapshot) => {
            let ignored = BTreeSet::from(["replica".to_owned()]);
            for alert in &snapshot.alerts {
                let _ = (alert.fingerprint(&ignored), alert.report());
            }
            assert!(!format!("{snapshot:?}").contains('\0'), "a text holds what PostgreSQL cannot");
            Vec::new()
        }
        Err(refused) => vec![refused.to_string()],
    }
}

fn events(bytes: &[u8]) -> Vec<String> {
    let catalog = Catalog::default();
    let mut refused = Vec::new();
    for format in [Format::Ndjson, Format::Json] {
        match Batch::parse(format, bytes, &catalog) {
            Ok(batch) => {
                let events = batch.lines.into_iter().filter_map(|(_, event)| event.err());
                refused.extend(events.map(|rejection| rejection.message));
            }
            Err(too_many) => refused.push(too_many.to_string()),
        }
    }
    refused
}

fn configuration(bytes: &[u8]) -> Vec<String> {
    let Ok(folder) = tempfile::tempdir() else { return Vec::new() };
    let file = folder.path().join("it.yaml");
    if std::fs::write(&file, bytes).is_err() {
        return Vec::new();
    }
    let environment = Environment::default();
    let receiver = modelwatch_receiver::config::Config::load(&file, None, &environment).err();
    let exporter = modelwatch_exporter::config::Config::load(&file, None, &environment).err();
    let said = |error: modelwatch_common::config::ConfigError| error.to_string();
    let refused: Vec<String> = receiver.into_iter().chain(exporter).map(said).collect();
    refused.into_iter().map(|text| without_folder(&text, folder.path())).collect()
}

/// Where the file is has a length of its own.
fn without_folder(text: &str, folder: &Path) -> String {
    text.replace(&folder.display().to_string(), "")
}

fn templates(bytes: &[u8]) -> Vec<String> {
    let source = String::from_utf8_lossy(bytes).into_owned();
    let mut refused = Vec::new();
    for format in template::Format::ALL {
        let Some(piece) = format.pieces().first() else { continue };
        let given = BTreeMap::from([(piece.name.to_owned(), source.clone())]);
        let faults = Template::compile(format, &given).err().unwrap_or_default();
        refused.extend(faults.iter().map(ToString::to_string));
    }
    refused
}

fn matchers(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    match Matchers::parse([text.as_ref()]) {
        Ok(matchers) => {
            let labels = Labels::from([("alertname".to_owned(), text.chars().take(64).collect())]);
            let _ = matchers.matches(&labels);
            Vec::new()
        }
        Err(refused) => vec![refused.to_string()],
    }
}
