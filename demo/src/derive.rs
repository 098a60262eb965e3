//! The demo's configuration, derived at start from what is shipped: the same files at the same relative paths, with
//! shorter times, other addresses and, on request, Slack and mail. There is no second set written by hand.

mod shorten;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use yaml_rust2::{Yaml, YamlEmitter, YamlLoader};

use crate::mail::{MAIL, Mail, PASSWORD_FILE};
use crate::processes::Addresses;
use shorten::shorten_value;

/// Where a derived file is, below the demo's own folder.
pub(crate) const PROMETHEUS: &str = "demo/prometheus.yml";
/// As [`PROMETHEUS`].
pub(crate) const ALERTMANAGER: &str = "alertmanager/alertmanager.yml";
/// As [`PROMETHEUS`].
pub(crate) const RECEIVER: &str = "demo/receiver.yaml";
const RULES: &str = "rules";
const RULES_END: &str = ".rules.yml";
/// Rules about the programs themselves: they live in the present and are not shortened. Prometheus alone needs up to
/// five seconds to find its targets, in which an `ExporterDown` of seconds would fire.
const PRESENT: &str = "modelwatch.rules.yml";
const SLACK_URL: &str = "slack-webhook-url";
/// The channel that is added for Slack.
pub(crate) const SLACK: &str = "slack";

/// Who is told besides the console.
#[derive(Default)]
pub(crate) struct Extras {
    /// A Slack incoming webhook.
    pub(crate) slack: Option<String>,
    /// A mail server.
    pub(crate) mail: Option<Mail>,
}

impl Extras {
    /// The names of their channels.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.slack.as_ref().map(|_| SLACK).into_iter().chain(self.mail.as_ref().map(|_| MAIL))
    }
}

/// Writes the derived files of `root` below `into`.
///
/// # Errors
/// When a shipped file cannot be read or is not YAML, or a derived one cannot be written.
pub(crate) fn derive(root: &Path, into: &Path, addresses: &Addresses, extras: &Extras) -> Result<()> {
    let mut files = rule_files(root)?;
    files.extend([PROMETHEUS.into(), ALERTMANAGER.into()]);
    for file in files {
        let shorten = if file.ends_with(PRESENT) { as_shipped } else { shorten_value };
        let change = |key: &str, value: &str| addresses.replace_in(&shorten(key, value));
        write(into, &file, &rewrite(read(root, &file)?, "", &change))?;
    }
    let mut receiver = read(root, RECEIVER.as_ref())?;
    let secrets = into.join("demo");
    if let Some(url) = &extras.slack {
        let channel = format!("{{name: {SLACK}, type: slack, webhook_url_file: {SLACK_URL}}}");
        add_channel(&mut receiver, SLACK, &channel)?;
        write_text(&secrets.join(SLACK_URL), url)?;
    }
    if let Some(mail) = &extras.mail {
        add_channel(&mut receiver, MAIL, &mail.channel())?;
        if let Some(password) = mail.password() {
            write_text(&secrets.join(PASSWORD_FILE), password)?;
        }
    }
    write(into, RECEIVER.as_ref(), &receiver)
}

fn as_shipped(_key: &str, value: &str) -> String {
    value.to_owned()
}

fn rule_files(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(RULES);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let files: Vec<PathBuf> =
        names.filter(|name| name.ends_with(RULES_END)).map(|name| Path::new(RULES).join(name)).collect();
    ensure!(!files.is_empty(), "no *{RULES_END} in {}", folder.display());
    Ok(files)
}

/// Every string of a tree, changed by `change(key, value)`; the items of a list have the list's key.
fn rewrite(yaml: Yaml, key: &str, change: &impl Fn(&str, &str) -> String) -> Yaml {
    match yaml {
        Yaml::String(text) => Yaml::String(change(key, &text)),
        Yaml::Array(items) => Yaml::Array(items.into_iter().map(|item| rewrite(item, key, change)).collect()),
        Yaml::Hash(entries) => {
            let changed = entries.into_iter().map(|(name, value)| {
                let value = rewrite(value, name.as_str().unwrap_or_default(), change);
                (name, value)
            });
            Yaml::Hash(changed.collect())
        }
        other => other,
    }
}

/// A channel, and its name wherever channels are told.
fn add_channel(receiver: &mut Yaml, name: &str, channel: &str) -> Result<()> {
    list(receiver, "channels")?.extend(YamlLoader::load_from_str(channel)?);
    for section in ["routes", "heartbeats"] {
        for telling in list(receiver, section)? {
            list(telling, "channels")?.push(Yaml::String(name.to_owned()));
        }
    }
    Ok(())
}

fn list<'a>(yaml: &'a mut Yaml, key: &str) -> Result<&'a mut Vec<Yaml>> {
    let Yaml::Hash(entries) = yaml else { bail!("expected `{key}` below a map in {RECEIVER}") };
    match entries.get_mut(&Yaml::String(key.to_owned())) {
        Some(Yaml::Array(items)) => Ok(items),
        _ => bail!("expected a list `{key}` in {RECEIVER}"),
    }
}

fn read(root: &Path, file: &Path) -> Result<Yaml> {
    let path = root.join(file);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let documents =
        YamlLoader::load_from_str(&text).with_context(|| format!("{} is not YAML", path.display()))?;
    documents.into_iter().next().with_context(|| format!("{} is empty", path.display()))
}

fn write(into: &Path, file: &Path, yaml: &Yaml) -> Result<()> {
    let mut text = String::new();
    YamlEmitter::new(&mut text).dump(yaml).with_context(|| format!("cannot write {}", file.display()))?;
    write_text(&into.join(file), &text)
}

/// Writes a file and the folders above it.
///
/// # Errors
/// When the disk does not take it.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
