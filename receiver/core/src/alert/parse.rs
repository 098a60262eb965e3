//! Reading a webhook's body.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Alert, Labels, Sender, Snapshot, Status};

mod object;

use object::Object;

/// Why a body can never be accepted. The words are the answer's public reason.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    Syntax(serde_json::Error),
    /// The body is JSON of another shape; says where and what, of which it repeats little.
    #[error("the body is not an Alertmanager webhook: {path}{what}")]
    Shape {
        /// Where, as `alerts[0].status: `, or empty for the whole.
        path: String,
        /// What is there instead of what.
        what: String,
    },
    /// The version is none that is known; repeats its beginning.
    #[error("version {0:?} is not known: expected \"4\" (Alertmanager), or \"1\" with orgId (Grafana)")]
    Version(String),
    /// There is nothing to tell.
    #[error("the webhook lists no alerts")]
    Empty,
    /// An alert cannot be told from others.
    #[error("alerts[{0}] has no labels")]
    Unlabelled(usize),
}

impl SnapshotError {
    /// The same for the log, which repeats nothing that the sender wrote.
    pub fn kind(&self) -> &'static str {
        match self {
            SnapshotError::Syntax(_) => "the body is not JSON",
            SnapshotError::Shape { .. } => "the body is not an Alertmanager webhook",
            SnapshotError::Version(_) => "the version is not known",
            SnapshotError::Empty => "the webhook lists no alerts",
            SnapshotError::Unlabelled(_) => "an alert has no labels",
        }
    }
}

/// How many characters of a sender's own text are repeated, from its beginning and from its end.
const ECHO: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct RawSnapshot {
    version: Option<String>,
    org_id: Option<serde_json::Value>,
    group_key: Option<String>,
    truncated_alerts: Option<u64>,
    group_labels: Option<Labels>,
    #[serde(rename = "externalURL")]
    external_url: Option<String>,
    #[serde(rename = "notification_reason")]
    notification_reason: Option<String>,
    alerts: Option<Vec<Object<RawAlert>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an alert")]
struct RawAlert {
    status: Status,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    #[serde(deserialize_with = "moment")]
    starts_at: Timestamp,
    /// Of an alert that fires it means nothing and may be anything.
    ends_at: Option<serde_json::Value>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
}

impl Snapshot {
    /// Reads the body of a webhook; unknown fields are ignored, since new ones appear every year.
    ///
    /// # Errors
    /// Names what makes the body one that can never be accepted.
    pub fn parse(body: &[u8]) -> Result<Snapshot, SnapshotError> {
        // where a fault lies is worked out only once there is one: it costs as much as reading
        let raw = serde_json::from_slice::<Object<RawSnapshot>>(body).or_else(|_| read_to_fault(body))?;
        raw.0.try_into()
    }
}

/// Reads a body again, noting where it is.
fn read_to_fault(body: &[u8]) -> Result<Object<RawSnapshot>, SnapshotError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let raw = serde_path_to_error::deserialize(&mut reader).map_err(no_webhook)?;
    reader.end().map_err(SnapshotError::Syntax)?;
    Ok(raw)
}

fn no_webhook(error: serde_path_to_error::Error<serde_json::Error>) -> SnapshotError {
    let path = error.path().to_string();
    let cause = error.into_inner();
    if !cause.is_data() {
        return SnapshotError::Syntax(cause);
    }
    let what = cause.to_string();
    let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
    let path = if path == "." { String::new() } else { format!("{}: ", shortened(&path)) };
    SnapshotError::Shape { path, what: shortened(what) }
}

/// A sender's own text without its middle, if it is long: what was expected stands at the end.
fn shortened(text: &str) -> String {
    let characters = text.chars().count();
    if characters <= 2 * ECHO {
        return text.to_owned();
    }
    let begin = text.chars().take(ECHO);
    begin.chain(['…']).chain(text.chars().skip(characters - ECHO)).collect()
}

impl TryFrom<RawSnapshot> for Snapshot {
    type Error = SnapshotError;

    fn try_from(raw: RawSnapshot) -> Result<Snapshot, SnapshotError> {
        let sender = match (raw.version.as_deref(), &raw.org_id) {
            (Some("4"), _) => Sender::Alertmanager,
            (Some("1"), Some(_)) => Sender::Grafana,
            (version, _) => return Err(SnapshotError::Version(shortened(version.unwrap_or_default()))),
        };
        let alerts = raw.alerts.unwrap_or_default();
        if alerts.is_empty() {
            return Err(SnapshotError::Empty);
        }
        let group_labels = pairs(raw.group_labels);
        Ok(Snapshot {
            sender,
            // a sender without group keys still groups by something
            group_key: raw
                .group_key
                .map(text)
                .filter(|key| !key.is_empty())
                .unwrap_or_else(|| format!("{group_labels:?}")),
            truncated_alerts: raw.truncated_alerts.unwrap_or_default(),
            group_labels,
            external_url: raw.external_url.map(text).unwrap_or_default(),
            is_repeat: raw.notification_reason.as_deref() == Some("repeat interval elapsed"),
            alerts: alerts.into_iter().enumerate().map(alert).collect::<Result<_, _>>()?,
        })
    }
}

fn alert((index, Object(raw)): (usize, Object<RawAlert>)) -> Result<Alert, SnapshotError> {
    let labels = pairs(raw.labels);
    if labels.is_empty() {
        return Err(SnapshotError::Unlabelled(index));
    }
    let ends_at = match raw.status {
        Status::Firing => None,
        // A resolved alert always says when; a sender that does not is taken to mean its start.
        Status::Resolved => {
            Some(end(index, raw.ends_at)?.map_or(raw.starts_at, |end| end.max(raw.starts_at)))
        }
    };
    Ok(Alert {
        status: raw.status,
        labels,
        annotations: pairs(raw.annotations),
        starts_at: raw.starts_at,
        ends_at,
        generator_url: raw.generator_url.map(text).unwrap_or_default(),
    })
}

/// A text without U+0000, which PostgreSQL cannot hold and nobody can read.
fn text(given: String) -> String {
    if given.contains('\0') { given.replace('\0', "\u{FFFD}") } else { given }
}

pub(super) fn pairs(given: Option<Labels>) -> Labels {
    let given = given.unwrap_or_default();
    if given.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return given.into_iter().map(|(name, value)| (text(name), text(value))).collect();
    }
    given
}

/// A time; the parser's own message speaks of digits.
pub(super) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    let wrong = || format!("{text:?} is not a time such as 2026-01-31T09:00:00Z");
    text.parse().map_err(|_| D::Error::custom(wrong()))
}

fn end(index: usize, given: Option<serde_json::Value>) -> Result<Option<Timestamp>, SnapshotError> {
    let read = |given: serde_json::Value| moment(given).map(Some);
    given.filter(|given| !given.is_null()).map_or(Ok(None), read).map_err(|error| SnapshotError::Shape {
        path: format!("alerts[{index}].endsAt: "),
        what: shortened(&error.to_string()),
    })
}
