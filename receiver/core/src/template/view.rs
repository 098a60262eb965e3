//! A message as the data that templates name: `{{environment}}`, `{{alert.labels.feature}}`.
//!
//! `docs/templates.md` lists these names for operators. Long values are cut here, so that one annotation of a megabyte
//! costs neither time nor the rest of the message.

use serde_json::{Map, Value, json};

use crate::alert::{Change, Kind, Labels, Status};
use crate::message::{AlertView, Flapping, Message, Severity};

/// No label or annotation is shown with more characters than this.
const MAX_VALUE: usize = 4_000;

/// Of no more alerts is said that they flap; a message in which more do says it all the same.
const MAX_FLAPPING: usize = 10;

/// What the pieces for the whole message see.
pub fn message(message: &Message) -> Value {
    let common = Common::of(message);
    let mut data = whole(message, &common);
    let alerts: Vec<Value> =
        message.by_urgency().into_iter().map(|alert| one(alert, message, &common)).collect();
    let only = if let [only] = alerts.as_slice() { only.clone() } else { Value::Null };
    data.insert("only".to_owned(), only);
    data.insert("alerts".to_owned(), Value::Array(alerts));
    Value::Object(data)
}

/// What the pieces for one alert see: the message without its alerts, and `alert`; the most urgent first.
pub fn alerts(message: &Message) -> impl Iterator<Item = Value> {
    let common = Common::of(message);
    let shared = whole(message, &common);
    message.by_urgency().into_iter().map(move |alert| {
        let mut data = shared.clone();
        data.insert("alert".to_owned(), one(alert, message, &common));
        Value::Object(data)
    })
}

/// What the piece for one label sees, for each label of an object of labels.
pub fn labels(labels: &Value) -> Vec<Value> {
    let pairs = labels.as_object().into_iter().flatten();
    pairs.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

struct Common {
    labels: Labels,
    annotations: Labels,
}

impl Common {
    fn of(message: &Message) -> Self {
        Self { labels: message.common_labels(), annotations: message.common_annotations() }
    }
}

fn whole(message: &Message, common: &Common) -> Map<String, Value> {
    let data = json!({
        "id": message.id,
        "channel": message.channel,
        "environment": message.environment.trim(),
        "kind": message.kind,
        "late": message.late,
        "instead_of": message.instead_of,
        "unconfirmed": message.unconfirmed,
        "flaps": message.flaps(),
        "flapping": flapping(message),
        "status": message.status,
        "at": message.at,
        "title": message.title(),
        "subject": message.subject(),
        "severity": worst_severity(message),
        "level": level(message),
        "group_id": message.group_id,
        "count": message.count(message.status),
        "firing": message.count(Status::Firing),
        "resolved": message.count(Status::Resolved),
        "changes": changes(message),
        "changed": changed(message),
        "group_labels": shortened(&message.group_labels),
        "common_labels": shortened(&common.labels),
        "common_annotations": shortened(&common.annotations),
        "truncated_alerts": message.truncated_alerts,
        "alertmanager_url": message.alertmanager_url,
        "history_url": message.history_url,
        "silence_url": message.silence_url(),
    });
    if let Value::Object(data) = data { data } else { Map::new() }
}

fn one(alert: &AlertView, message: &Message, common: &Common) -> Value {
    json!({
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "change": words(alert.change),
        "severity": alert.labels.get("severity").map_or("", String::as_str),
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "seconds": alert.seconds(message.at),
        "labels": shortened(&alert.labels),
        "annotations": shortened(&alert.annotations),
        "own_labels": shortened(&without(&alert.labels, &common.labels)),
        "own_annotations": shortened(&without(&alert.annotations, &common.annotations)),
        "generator_url": alert.generator_url,
        "flapping": alert.flapping,
    })
}

/// What is said of alerts that begin and end often, the most urgent first; of the first ten.
fn flapping(message: &Message) -> Vec<Value> {
    let said = message.by_urgency().into_iter().filter_map(|alert| Some((alert.name(), alert.flapping?)));
    let one = |(name, flapping): (&str, Flapping)| {
        let Flapping { changes, since, calm } = flapping;
        json!({"name": shorten(name), "changes": changes, "since": since, "calm": calm})
    };
    said.take(MAX_FLAPPING).map(one).collect()
}

fn worst_severity(message: &Message) -> &str {
    let firing = message.alerts.iter().filter(|alert| alert.status == Status::Firing);
    let worst = firing.max_by_key(|alert| alert.severity());
    worst.and_then(|alert| alert.labels.get("severity")).map_or("", String::as_str)
}

/// How bad it is in the four words that others know: `critical`, `warning`, `info`, and `ok` when it is over. What nobody
/// defined is a warning; a fire drill frightens nobody.
fn level(message: &Message) -> &'static str {
    match message.severity() {
        None => "ok",
        Some(_) if message.kind == Kind::Test => "info",
        Some(Severity::Critical) => "critical",
        Some(Severity::Warning | Severity::Unknown) => "warning",
        Some(Severity::Info) => "info",
    }
}

/// `["2 new", "1 still firing"]`: what differs from what the channel was last told.
fn changes(message: &Message) -> Vec<String> {
    counts(message).map(|(count, words)| format!("{count} {words}")).collect()
}

/// The same for templates that put it into words themselves.
fn changed(message: &Message) -> Vec<Value> {
    counts(message).map(|(count, words)| json!({"count": count, "what": words})).collect()
}

fn counts(message: &Message) -> impl Iterator<Item = (usize, &'static str)> {
    let counts = [Change::New, Change::StillFiring, Change::Resolved]
        .map(|change| (message.changed(change), words(change)));
    counts.into_iter().filter(|(count, _)| *count > 0)
}

pub(super) fn words(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::StillFiring => "still firing",
        Change::Resolved => "resolved",
    }
}

fn without(pairs: &Labels, common: &Labels) -> Labels {
    pairs
        .iter()
        .filter(|(name, _)| !common.contains_key(*name))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

fn shortened(pairs: &Labels) -> Labels {
    pairs.iter().map(|(name, value)| (name.clone(), shorten(value))).collect()
}

fn shorten(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
