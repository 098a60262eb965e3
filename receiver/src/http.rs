//! The receiver's routes: webhooks in, the history and the page out.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Json};
use modelwatch_common::config::ByteSize;
use modelwatch_common::http::{Auth, Problem, Scope, TokenName, body};
use modelwatch_receiver_core::alert::Snapshot;
use serde::Deserialize;
use tracing::Instrument as _;

use crate::intake::{Intake, IntakeError, Prepared, Room, Webhook};
use crate::metrics::{Metrics, Received};
use crate::store::{HEARTBEAT_SOURCE, TEST_SOURCE};

/// Who sent a webhook that names no source and came without a token.
const DEFAULT_SOURCE: &str = "default";

/// No source is longer, in bytes: its name stands in every row about its alerts.
const MAX_SOURCE: usize = 200;

/// A body of so many bytes is read in less time than it takes to hand it to another thread and back.
const SHORT: usize = 32 * 1024;

/// How many seconds a sender is asked to wait; short, since what it waits for passes quickly.
const COME_AGAIN: &str = "1";

/// What receiving webhooks needs.
#[derive(Clone)]
pub struct Receiving {
    /// The way in.
    pub intake: Intake,
    /// Where they are counted.
    pub metrics: Arc<Metrics>,
    /// The longest body.
    pub max_body: ByteSize,
}

#[derive(Debug, Deserialize)]
struct WebhookQuery {
    source: Option<String>,
}

/// `POST /webhook`, for those who may send.
pub fn routes(receiving: Receiving, auth: &Auth) -> Router {
    let route = Router::new().route("/webhook", post(webhook)).with_state(receiving);
    auth.guard(Scope::Ingest, route)
}

async fn webhook(
    State(receiving): State<Receiving>,
    query: Result<Query<WebhookQuery>, QueryRejection>,
    token: Option<Extension<TokenName>>,
    body: Body,
) -> Response {
    let source = match source(query, token.map(|Extension(token)| token)) {
        Ok(source) => source,
        Err(problem) => return refuse(&receiving, Refused::invalid(problem, "its source cannot be used")),
    };
    let span = tracing::info_span!("webhook", source);
    receive(&receiving, source, body).instrument(span).await
}

async fn receive(receiving: &Receiving, source: String, body: Body) -> Response {
    let taken = match read(receiving, source, body).await {
        Ok(prepared) => receiving.intake.take(prepared).await.map_err(Refused::from),
        Err(refused) => Err(refused),
    };
    match taken {
        Ok(_) => {
            receiving.metrics.received(Received::Accepted);
            Json(serde_json::json!({ "status": "accepted" })).into_response()
        }
        Err(refused) => refuse(receiving, refused),
    }
}

/// A webhook that is not stored: what its sender is told, how it is counted, and what the log says, which repeats nothing
/// that the sender wrote.
struct Refused {
    problem: Problem,
    result: Received,
    reason: &'static str,
}

impl Refused {
    fn invalid(problem: Problem, reason: &'static str) -> Refused {
        Refused { problem, result: Received::Invalid, reason }
    }

    fn unread(problem: Problem) -> Refused {
        match problem.status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Refused { problem, result: Received::TooLarge, reason: "its body is too long" }
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                Refused { problem, result: Received::Failed, reason: "its body did not come in time" }
            }
            _ => Refused::invalid(problem, "its body did not come whole"),
        }
    }
}

impl From<IntakeError> for Refused {
    fn from(error: IntakeError) -> Refused {
        let (result, reason) = match error {
            IntakeError::Full => (Received::Overloaded, "too many wait"),
            IntakeError::Store => (Received::Failed, "it could not be stored"),
        };
        Refused { problem: Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()), result, reason }
    }
}

/// The source named by the sender, else the token it used; never the receiver's own.
fn source(
    query: Result<Query<WebhookQuery>, QueryRejection>,
    token: Option<TokenName>,
) -> Result<String, Problem> {
    let bad = |what: String| Problem::new(StatusCode::BAD_REQUEST, what);
    let Query(query) = query.map_err(|error| bad(error.body_text()))?;
    let named = query.source.filter(|source| !source.is_empty());
    let source = named.or(token.map(|TokenName(name)| name)).unwrap_or_else(|| DEFAULT_SOURCE.to_owned());
    if [HEARTBEAT_SOURCE, TEST_SOURCE].contains(&source.as_str()) {
        return Err(bad(format!("the source {source} is the receiver's own, name another")));
    }
    if source.len() > MAX_SOURCE {
        return Err(bad(format!("the source is longer than {MAX_SOURCE} bytes, name a shorter one")));
    }
    if source.contains('\0') {
        return Err(bad("the source holds U+0000, which is in no name".to_owned()));
    }
    Ok(source)
}

/// Reads and parses a body; a long one away from the I/O threads.
async fn read(receiving: &Receiving, source: String, body: Body) -> Result<Prepared, Refused> {
    let mut room = receiving.intake.room()?;
    let bytes = read_into(&mut room, body, receiving.max_body).await?;
    if bytes.len() <= SHORT {
        return prepare(&receiving.intake, source, &bytes, room);
    }
    let intake = receiving.intake.clone();
    let prepared = tokio::task::spawn_blocking(move || prepare(&intake, source, &bytes, room));
    prepared.await.unwrap_or_else(|error| {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the webhook could not be read");
        Err(Refused {
            problem: problem.because(error),
            result: Received::Failed,
            reason: "reading it failed",
        })
    })
}

/// The body, as long as there is room for it: what many send at once must not fill the memory.
async fn read_into(room: &mut Room, body: Body, max: ByteSize) -> Result<Bytes, Refused> {
    let mut full = None;
    let admit = |bytes| {
        room.take(bytes).map_err(|error| {
            full = Some(error);
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
        })
    };
    let read = body::read_into(body, max, admit).await;
    read.map_err(|problem| full.map_or_else(|| Refused::unread(problem), Refused::from))
}

fn prepare(intake: &Intake, source: String, bytes: &[u8], room: Room) -> Result<Prepared, Refused> {
    let snapshot = Snapshot::parse(bytes).map_err(|error| {
        Refused::invalid(Problem::new(StatusCode::BAD_REQUEST, error.to_string()), error.kind())
    })?;
    Ok(intake.prepare(Webhook { source, snapshot, channels: None }, room))
}

fn refuse(receiving: &Receiving, refused: Refused) -> Response {
    let Refused { problem, result, reason } = refused;
    receiving.metrics.received(result);
    tracing::warn!(status = problem.status.as_u16(), reason, "a webhook was refused");
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        return ([(RETRY_AFTER, COME_AGAIN)], problem).into_response();
    }
    problem.into_response()
}

#[cfg(test)]
mod tests;
