//! `POST /v1/events`: read, unpack, parse away from the I/O threads, hand to the engine, answer when it is counted.

use std::sync::Arc;
use std::sync::mpsc::TrySendError;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use modelwatch_common::http::{Problem, TokenName, body};
use modelwatch_exporter_core::batch::{Batch, Format, TooManyEvents};
use modelwatch_exporter_core::idempotency::{Answer, Fingerprint, Key, Once};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::encoding::{self, Encoding};
use super::key::key;
use super::{ROOM_KIBIBYTES, Web};
use crate::engine::{Delivery, Refusal, Request};

/// How long a body waits for room to be parsed and counted in.
const ROOM_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn post_events(
    State(web): State<Web>,
    token: Option<Extension<TokenName>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let _timer = web.metrics.ingest_seconds.start_timer();
    let token = token.map(|Extension(name)| name);
    let response = match ingest(&web, &headers, token.as_ref(), body).await {
        Ok(told) => answer(told),
        Err(problem) => refuse(problem),
    };
    web.metrics.ingest_requests_total.with_label_values(&[response.status().as_str()]).inc();
    response
}

async fn ingest(
    web: &Web,
    headers: &HeaderMap,
    token: Option<&TokenName>,
    body: Body,
) -> Result<Answer, Problem> {
    let kind = Kind { format: format(headers)?, encoding: Encoding::of(headers)?, key: key(headers, token)? };
    let body = body::read(body, web.max_body).await?;
    let room = room(web, kind.encoding, &body).await?;
    let (reply, answered) = oneshot::channel();
    let (delivery, _room) = parse_aside(web, kind, body, room, reply).await?;
    let request = Request::Count(Box::new(delivery));
    web.requests.try_send(request).map_err(|error| match error {
        TrySendError::Full(_) => unavailable("too many batches wait, send this one again"),
        TrySendError::Disconnected(_) => unavailable("the exporter is stopping"),
    })?;
    let _waiting = Waiting::new(web);
    match answered.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Refusal::Unavailable(error))) => {
            Err(unavailable("the events cannot be stored now, send them again").because(error))
        }
        Ok(Err(Refusal::OtherBody(error))) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
        }
        Err(_) => Err(unavailable("the exporter is stopping")),
    }
}

/// What the headers say of a body.
struct Kind {
    format: Format,
    encoding: Encoding,
    key: Option<Key>,
}

/// Room for the body as it may be when unpacked, so that many large ones at once do not take more memory than there is.
async fn room(web: &Web, encoding: Encoding, body: &Bytes) -> Result<OwnedSemaphorePermit, Problem> {
    let kibibytes = kibibytes(encoding.unpacked_at_most(body.len() as u64, web.max_body));
    let waiting =
        tokio::time::timeout(ROOM_WITHIN, Arc::clone(&web.room).acquire_many_owned(kibibytes)).await;
    let full = || unavailable("too much is being counted, send this body again");
    // the semaphore is never closed
    waiting.map_err(|_| full())?.map_err(|_| full())
}

fn kibibytes(bytes: u64) -> u32 {
    u32::try_from(bytes >> 10).unwrap_or(ROOM_KIBIBYTES).clamp(1, ROOM_KIBIBYTES)
}

/// Unpacking and parsing cost time, so they keep off the I/O threads. Gives back the room that the body, once unpacked,
/// turned out not to need.
async fn parse_aside(
    web: &Web,
    kind: Kind,
    packed: Bytes,
    mut room: OwnedSemaphorePermit,
    reply: oneshot::Sender<Result<Answer, Refusal>>,
) -> Result<(Delivery, OwnedSemaphorePermit), Problem> {
    let setup = Arc::clone(&web.setup.borrow());
    let max = web.max_body;
    let parsed = tokio::task::spawn_blocking(move || {
        let Kind { format, encoding, key } = kind;
        let body = encoding.unpack(packed, max)?;
        let needed = kibibytes(body.len() as u64) as usize;
        drop(room.split(room.num_permits().saturating_sub(needed)));
        let too_many = |error: TooManyEvents| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string());
        let batch = Batch::parse(format, &body, &setup.catalog).map_err(too_many)?;
        if batch.lines.is_empty() {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "the body holds no event"));
        }
        let once = key.map(|key| Once { key, fingerprint: Fingerprint::of(format, &body) });
        Ok((Delivery { format, body, batch, setup, once, reply }, room))
    });
    let broken =
        |error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the events cannot be parsed").because(error);
    parsed.await.map_err(broken)?
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let given = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let media_type = given.as_deref().map(|text| text.split(';').next().unwrap_or_default().trim());
    match media_type.map(str::to_ascii_lowercase).as_deref() {
        Some("application/x-ndjson") => Ok(Format::Ndjson),
        Some("application/json") => Ok(Format::Json),
        Some(other) => Err(unknown_format(&format!("content type `{other}`"))),
        None => Err(unknown_format("the content-type header is missing")),
    }
}

fn unknown_format(given: &str) -> Problem {
    let expected = "expected application/x-ndjson (one event a line) or application/json";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("{given}, {expected}"))
}

fn answer(answer: Answer) -> Response {
    let status = if answer.accepted == 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    (status, Json(answer)).into_response()
}

fn refuse(problem: Problem) -> Response {
    let hint = match problem.status {
        StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, "1")),
        // RFC 9110, 15.5.16: what would be read instead
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some((ACCEPT_ENCODING, encoding::ACCEPTED)),
        _ => None,
    };
    let mut response = problem.into_response();
    if let Some((name, value)) = hint {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn unavailable(message: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Counts a batch as waiting for as long as its sender waits.
struct Waiting<'a>(&'a Web);

impl<'a> Waiting<'a> {
    fn new(web: &'a Web) -> Waiting<'a> {
        web.metrics.queue_length.inc();
        Waiting(web)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.metrics.queue_length.dec();
    }
}
