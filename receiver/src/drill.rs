//! Fire drills: a test alert through the intake, told like any other, so that its way to people is tried as it is.
//!
//! Each is an occurrence of its own in a group of its own: no copy of another, never repeated, never resolved, never
//! stale. It sends nothing itself; delivery does, and the history says what came of it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use modelwatch_common::config::ByteSize;
use modelwatch_common::http::{Problem, body};
use modelwatch_common::time::Clock;
use modelwatch_receiver_core::alert::{Alert, Labels, Sender, Snapshot, Status};
use serde::{Deserialize, Serialize};

use crate::intake::{Intake, Policy, Terms, Way, Webhook};
use crate::store::{TEST_SOURCE, new_id};

/// Where a drill is asked for.
pub const PATH: &str = "/api/v1/send-test";

/// The `alertname` of a test that is given none.
const NAME: &str = "ModelwatchTest";

/// No set of labels that anybody tries is longer.
const MAX_BODY: ByteSize = ByteSize::mebibytes(1);

/// What drills need.
#[derive(Clone)]
pub struct Drills {
    /// The way of every alert.
    pub intake: Intake,
    /// Where it leads.
    pub terms: Arc<ArcSwap<Terms>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What to try: one channel, or the routes with a test alert that has these labels.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The name of the only channel to tell, whatever the routes say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The labels of the test alert besides its `alertname`, which may be among them too.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// What was begun.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begun {
    /// The labels of the test alert as the routes see them.
    pub labels: Labels,
    /// The numbers of the routes that take it, counted from 0; none when one channel was asked for.
    pub routes: Vec<usize>,
    /// The dead man's switch that an alert with these labels feeds, if it does; then nobody is told, and the switch was
    /// not fed.
    pub heartbeat: Option<String>,
    /// Who is told.
    pub notifications: Vec<Told>,
}

/// A destination that is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    /// The notification's id in the history.
    pub id: String,
    /// The destination.
    pub channel: String,
}

/// `POST /api/v1/send-test`, to be guarded by whoever merges it.
pub fn routes(drills: Drills) -> Router {
    Router::new().route(PATH, post(begin)).with_state(drills)
}

async fn begin(State(drills): State<Drills>, body: Body) -> Result<Json<Begun>, Problem> {
    let bytes = body::read(body, MAX_BODY).await?;
    let request = read(&bytes).map_err(|what| Problem::new(StatusCode::BAD_REQUEST, what))?;
    let way = way(&drills.terms.load().policy, request)?;
    let Way { labels, heartbeat, routes, channels } = way;
    let notifications =
        if channels.is_empty() { Vec::new() } else { drills.tell(labels.clone(), channels).await? };
    Ok(Json(Begun { labels, routes, heartbeat, notifications }))
}

fn read(bytes: &[u8]) -> Result<Request, String> {
    let request: Request = serde_json::from_slice(bytes)
        .map_err(|error| format!("expected a JSON object with `channel` or `labels`: {error}"))?;
    if request.channel.is_some() && !request.labels.is_empty() {
        return Err(
            "`channel` and `labels` are both given: labels are for the routes, which a channel bypasses"
                .to_owned(),
        );
    }
    if request.labels.keys().any(String::is_empty) {
        return Err("a label has no name".to_owned());
    }
    Ok(request)
}

fn way(policy: &Policy, request: Request) -> Result<Way, Problem> {
    let Request { channel, mut labels } = request;
    labels.entry("alertname".to_owned()).or_insert_with(|| NAME.to_owned());
    let way = policy.way(labels);
    let Some(channel) = channel else { return Ok(way) };
    if policy.channels().all(|known| known != channel) {
        let known: Vec<String> = policy.channels().map(|known| format!("`{known}`")).collect();
        let what = format!("there is no channel `{channel}`, expected one of {}", known.join(", "));
        // 404 is what programs answer that know no drills
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what));
    }
    Ok(Way { heartbeat: None, routes: Vec::new(), channels: vec![channel], ..way })
}

impl Drills {
    async fn tell(&self, labels: Labels, channels: Vec<String>) -> Result<Vec<Told>, Problem> {
        let order = channels.clone();
        let webhook = webhook(labels, channels, self.clock.now());
        let queued = self.intake.accept(webhook).await.map_err(|error| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the test could not be stored, try again")
                .because(error)
        })?;
        let mut told: Vec<Told> = queued
            .into_iter()
            .map(|queued| Told { id: queued.notification, channel: queued.channel })
            .collect();
        told.sort_by_key(|told| order.iter().position(|channel| *channel == told.channel));
        Ok(told)
    }
}

fn webhook(labels: Labels, channels: Vec<String>, now: Timestamp) -> Webhook {
    let name = labels.get("alertname").cloned().unwrap_or_default();
    let alert = Alert {
        status: Status::Firing,
        annotations: annotations(),
        starts_at: now,
        ends_at: None,
        generator_url: String::new(),
        labels,
    };
    let snapshot = Snapshot {
        sender: Sender::Own,
        // of its own, so that no test takes the place of another
        group_key: format!("Test/{}", new_id()),
        truncated_alerts: 0,
        group_labels: Labels::from([("alertname".to_owned(), name)]),
        external_url: String::new(),
        is_repeat: false,
        alerts: vec![alert],
    };
    Webhook { source: TEST_SOURCE.to_owned(), snapshot, channels: Some(channels) }
}

/// What people read, whichever template puts it into words.
fn annotations() -> Labels {
    [
        ("summary", "This is a test of modelwatch, nothing is wrong"),
        ("description", "Somebody ran a fire drill (modelwatch-receiver send-test) to see whether this place is told and what a message looks like here. No alert fires."),
        ("next_action", "Nothing. Whoever runs the receiver sees whether this arrived."),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into()
}

#[cfg(test)]
mod tests;
