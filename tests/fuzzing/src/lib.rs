//! The parsers that read what strangers and operators write, each as one function of bytes: the targets in `fuzz/` call
//! them with whatever they think of, and a test with the corpus that is committed there. They must end, soon, without a
//! panic, and say in words what they refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use modelwatch_common::config::Environment;
use modelwatch_exporter_core::batch::{Batch, Format};
use modelwatch_exporter_core::event::Catalog;
use modelwatch_receiver::notify::Draft;
use modelwatch_receiver_core::alert::{Labels, Snapshot};
use modelwatch_receiver_core::message::Message;
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

/// The built-in templates, which have to put any webhook into words.
static BUILT_IN: LazyLock<Vec<(template::Format, Template)>> = LazyLock::new(|| {
    let compiled =
        |format| Template::compile(format, &BTreeMap::new()).ok().map(|template| (format, template));
    template::Format::ALL.into_iter().filter_map(compiled).collect()
});

/// Puts a webhook into the words of every channel; the sentences about those that fail.
fn told(snapshot: Snapshot) -> Vec<String> {
    let message = Message::of_webhook(snapshot, "id", "channel", jiff::Timestamp::UNIX_EPOCH);
    let mut failed = Vec::new();
    for (format, template) in &*BUILT_IN {
        match Draft::new(*format, template, &message) {
            Ok(draft) => {
                let sent = draft.html.unwrap_or_else(|| draft.json.to_string());
                let is_free = has_no_markup(*format);
                let got_out = sent.contains("<!channel") || sent.contains("<script");
                assert!(is_free || !got_out, "a value got out of its place");
                assert!(sent.len() < 1 << 20, "{} bytes", sent.len());
            }
            Err(fault) => failed.push(fault.to_string()),
        }
    }
    failed
}

/// Whether nothing in it could be taken for markup: a line of the log, and bodies whose texts are shown as they are.
fn has_no_markup(format: template::Format) -> bool {
    use template::{Body, Format};
    matches!(format, Format::Log | Format::Webhook(Body::Json | Body::Text | Body::PagerDuty))
}

/// Reads a webhook, does with its alerts what intake does first, and puts it into words.
fn webhook(bytes: &[u8]) -> Vec<String> {
    match Snapshot::parse(bytes) {
        Ok(snapshot) => {
            let ignored = BTreeSet::from(["replica".to_owned()]);
            for alert in &snapshot.alerts {
                let _ = (alert.fingerprint(&ignored), alert.report());
            }
            assert!(!format!("{snapshot:?}").contains('\0'), "a text holds what PostgreSQL cannot");
            told(snapshot)
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
