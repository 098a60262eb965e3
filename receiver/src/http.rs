//! The receiver's routes: webhooks in, the history and the page out.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
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
pub(crate) const DEFAULT_SOURCE: &str = "default";

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
    let prepared = match read(receiving, source, body).await {
        Ok(prepared) => prepared,
        Err(refused) => return refuse(receiving, refused),
    };
    match receiving.intake.take(prepared).await {
        Ok(_) => {
            receiving.metrics.received(Received::Accepted);
            Json(serde_json::json!({ "status": "accepted" })).into_response()
        }
        Err(error) => come_again(receiving, error),
    }
}

/// A webhook that is not even tried to be stored: what its sender is told, how it is counted, and what the log says,
/// which repeats nothing that the sender wrote.
struct Refused {
    problem: Problem,
    result: Received,
    reason: &'static str,
}

impl Refused {
    fn invalid(problem: Problem, reason: &'static str) -> Refused {
        Refused { problem, result: Received::Invalid, reason }
    }

    fn too_much(problem: Problem) -> Refused {
        Refused { problem, result: Received::Overloaded, reason: "too much is being sent" }
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
    let mut room = receiving.intake.room();
    let mut is_full = false;
    let has_room = |bytes: usize| {
        is_full = !room.take(bytes);
        !is_full
    };
    let bytes = match body::read_while(body, receiving.max_body, has_room).await {
        Ok(bytes) => bytes,
        Err(problem) if is_full => {
            receiving.intake.note_refusal();
            return Err(Refused::too_much(problem));
        }
        Err(problem) => return Err(Refused::unread(problem)),
    };
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
    match problem.status {
        StatusCode::SERVICE_UNAVAILABLE => ([(RETRY_AFTER, COME_AGAIN)], problem).into_response(),
        _ => problem.into_response(),
    }
}

fn come_again(receiving: &Receiving, error: IntakeError) -> Response {
    receiving.metrics.received(match error {
        IntakeError::Full => Received::Overloaded,
        IntakeError::Store => Received::Failed,
    });
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    ([(RETRY_AFTER, COME_AGAIN)], problem).into_response()
}

#[cfg(test)]
mod tests;
