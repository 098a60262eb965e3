//! Sending dead letters again, when somebody asks for it. It queues and never sends; delivery does, and the history says what
//! came of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use modelwatch_common::config::ByteSize;
use modelwatch_common::http::{Problem, body};
use modelwatch_common::time::Clock;
use serde::{Deserialize, Serialize};

use crate::delivery::Delivery;
use crate::history;
use crate::store::{Dead, Replayed, Store};

/// Where dead letters are asked for again.
pub const PATH: &str = "/api/v1/notifications/replay";

/// Thousands of ids are less.
const MAX_BODY: ByteSize = ByteSize::mebibytes(1);

/// How many are sent again at once.
const MOST: usize = 5_000;

/// What replays need.
#[derive(Clone)]
pub struct Replays {
    /// Where the dead letters are.
    pub store: Store,
    /// Who sends them.
    pub delivery: Delivery,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What to send again: these, or all dead letters of a channel or of all channels.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Ids of notifications.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// All dead letters.
    pub dead: bool,
    /// Of those only the ones of this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Of those only the ones accepted since then: a time, or a duration before now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replay {
    /// For each notification, in the order asked for, else the newest first.
    pub notifications: Vec<Outcome>,
    /// There are more dead letters than are sent again at once; ask again.
    pub more: bool,
}

/// What came of one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The notification.
    pub id: String,
    /// What became of it.
    pub answer: Answer,
    /// The same in words, with what there is to know.
    pub detail: String,
}

/// What became of a notification that was to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It waits to be sent, or a newer one about its group does that tells its news too.
    Queued,
    /// It has nothing left to tell, and is no dead letter any more.
    Suppressed,
    /// It is no dead letter.
    NotDead,
    /// The configuration has no such channel; it stays a dead letter.
    NoChannel,
    /// There is no such notification.
    Unknown,
}

impl Answer {
    /// The name used in JSON, with spaces.
    pub fn words(self) -> &'static str {
        match self {
            Answer::Queued => "queued",
            Answer::Suppressed => "suppressed",
            Answer::NotDead => "not dead",
            Answer::NoChannel => "no channel",
            Answer::Unknown => "unknown",
        }
    }
}

/// `POST /api/v1/notifications/replay`, to be guarded by whoever merges it.
pub fn routes(replays: Replays) -> Router {
    Router::new().route(PATH, post(replay)).with_state(replays)
}

async fn replay(State(replays): State<Replays>, body: Body) -> Result<Json<Replay>, Problem> {
    let bytes = body::read(body, MAX_BODY).await?;
    let wanted =
        read(&bytes, replays.clock.now()).map_err(|what| Problem::new(StatusCode::BAD_REQUEST, what))?;
    let (ids, more) = match wanted {
        Wanted::These(ids) => (ids, false),
        Wanted::Dead { channel, since } => replays.dead(channel.as_deref(), since).await?,
    };
    let replayed = replays.store.replay(&ids, &replays.delivery.channels()).await;
    let replayed = replayed.map_err(|error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not all could be queued, try again").because(error)
    })?;
    replays.delivery.ring();
    let notifications = ids.into_iter().zip(replayed).map(|(id, replayed)| outcome(id, replayed));
    Ok(Json(Replay { notifications: notifications.collect(), more }))
}

impl Replays {
    /// The dead letters of a channel or of all, and whether there are more than are sent again at once.
    async fn dead(&self, channel: Option<&str>, since: Timestamp) -> Result<(Vec<String>, bool), Problem> {
        let known = self.delivery.channels();
        if let Some(channel) = channel.filter(|channel| !known.contains(*channel)) {
            let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            let what = format!("there is no channel `{channel}`, expected one of {}", known.join(", "));
            // 404 is what programs answer that know no replays
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what));
        }
        let dead = Dead { channel: channel.unwrap_or_default(), since, limit: MOST + 1 };
        let mut ids = self.store.dead_letters(dead).await.map_err(|error| history::unreadable(&error))?;
        let more = ids.len() > MOST;
        ids.truncate(MOST);
        Ok((ids, more))
    }
}

enum Wanted {
    These(Vec<String>),
    Dead { channel: Option<String>, since: Timestamp },
}

fn read(bytes: &[u8], now: Timestamp) -> Result<Wanted, String> {
    let request: Request = serde_json::from_slice(bytes)
        .map_err(|error| format!("expected a JSON object with `ids` or `\"dead\": true`: {error}"))?;
    let Request { mut ids, dead, channel, since } = request;
    match (dead, ids.is_empty()) {
        (true, false) => Err("`ids` and `dead` are both given: ids are of single notifications".to_owned()),
        (false, true) => Err("expected `ids` that are not empty, or `\"dead\": true`".to_owned()),
        (false, false) if channel.is_some() || since.is_some() => {
            Err("`channel` and `since` go with `dead`, not with `ids`".to_owned())
        }
        (false, false) if ids.len() > MOST => Err(format!("expected at most {MOST} ids")),
        (false, false) => {
            let mut seen = std::collections::BTreeSet::new();
            ids.retain(|id| seen.insert(id.clone()));
            Ok(Wanted::These(ids))
        }
        (true, true) => {
            let since = since.map(|since| history::moment("since", since, now)).transpose();
            let since = since.map_err(|error| error.to_string())?;
            Ok(Wanted::Dead { channel, since: since.unwrap_or(Timestamp::MIN) })
        }
    }
}

fn outcome(id: String, replayed: Replayed) -> Outcome {
    let (answer, detail) = match replayed {
        Replayed::Queued => (Answer::Queued, "it is sent in its newest state, marked late".to_owned()),
        Replayed::Joined(other) => {
            (Answer::Queued, format!("{other} about the same group is sent and tells its news too"))
        }
        Replayed::Suppressed(reason) => (Answer::Suppressed, reason.words().to_owned()),
        Replayed::NotDead(status) => (Answer::NotDead, format!("it is {status}")),
        Replayed::NoChannel(channel) => {
            (Answer::NoChannel, format!("the configuration has no channel `{channel}`"))
        }
        Replayed::Unknown => (Answer::Unknown, "there is no such notification".to_owned()),
    };
    Outcome { id, answer, detail }
}

#[cfg(test)]
mod tests;
