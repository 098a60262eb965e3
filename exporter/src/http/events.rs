//! `POST /v1/events`: read, unpack, parse away from the I/O threads, hand to the engine, answer when it is counted.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::mpsc::TrySendError;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use modelwatch_common::config::ByteSize;
use modelwatch_common::http::{Problem, body};
use modelwatch_exporter_core::batch::{Batch, Format, TooManyEvents};
use modelwatch_exporter_core::state::Outcome;
use serde::Serialize;
use tokio::sync::{SemaphorePermit, oneshot};

use super::{ROOM_KIBIBYTES, Web};
use crate::engine::{Delivery, Request};

/// Errors that an answer names at most.
const ERRORS: usize = 20;
/// How long a body waits for room to be parsed and counted in.
const ROOM_WITHIN: Duration = Duration::from_secs(5);
/// How much longer than its packed form a gzip body can be at most.
const GZIP_RATIO: u64 = 1032;

/// What became of the events of a body.
#[derive(Debug, Serialize)]
struct Answer {
    accepted: u64,
    rejected: usize,
    /// Among the accepted: those that had been counted before.
    duplicates: u64,
    errors: Vec<LineError>,
}

#[derive(Debug, Serialize)]
struct LineError {
    line: usize,
    error: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Gzip,
}

pub(super) async fn post_events(State(web): State<Web>, headers: HeaderMap, body: Body) -> Response {
    let _timer = web.metrics.ingest_seconds.start_timer();
    let response = match ingest(&web, &headers, body).await {
        Ok(outcome) => answer(outcome),
        Err(problem) => refuse(problem),
    };
    web.metrics.ingest_requests_total.with_label_values(&[response.status().as_str()]).inc();
    response
}

async fn ingest(web: &Web, headers: &HeaderMap, body: Body) -> Result<Outcome, Problem> {
    let format = format(headers)?;
    let encoding = encoding(headers)?;
    let body = body::read(body, web.max_body).await?;
    let _room = room(web, encoding, &body).await?;
    let (reply, answered) = oneshot::channel();
    let delivery = parse_aside(web, format, encoding, body, reply).await?;
    let request = Request::Count(Box::new(delivery));
    web.requests.try_send(request).map_err(|error| match error {
        TrySendError::Full(_) => unavailable("too many batches wait, send this one again"),
        TrySendError::Disconnected(_) => unavailable("the exporter is stopping"),
    })?;
    let _waiting = Waiting::new(web);
    match answered.await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(error)) => Err(unavailable("the events cannot be stored now, send them again").because(error)),
        Err(_) => Err(unavailable("the exporter is stopping")),
    }
}

/// Room for the body as it may be when unpacked, so that many large ones at once do not take more memory than there is.
async fn room<'w>(web: &'w Web, encoding: Encoding, body: &Bytes) -> Result<SemaphorePermit<'w>, Problem> {
    let length = body.len() as u64;
    let unpacked = match encoding {
        Encoding::Plain => length,
        Encoding::Gzip => length.saturating_mul(GZIP_RATIO).min(web.max_body.bytes()),
    };
    let kibibytes = u32::try_from(unpacked >> 10).unwrap_or(ROOM_KIBIBYTES).clamp(1, ROOM_KIBIBYTES);
    let waiting = tokio::time::timeout(ROOM_WITHIN, web.room.acquire_many(kibibytes)).await;
    let full = || unavailable("too much is being counted, send this body again");
    // the semaphore is never closed
    waiting.map_err(|_| full())?.map_err(|_| full())
}

/// Unpacking and parsing cost time, so they keep off the I/O threads.
async fn parse_aside(
    web: &Web,
    format: Format,
    encoding: Encoding,
    body: Bytes,
    reply: oneshot::Sender<Result<Outcome, crate::engine::Unavailable>>,
) -> Result<Delivery, Problem> {
    let setup = Arc::clone(&web.setup.borrow());
    let max = web.max_body;
    let parsed = tokio::task::spawn_blocking(move || {
        let body = unpack(encoding, body, max)?;
        let too_many = |error: TooManyEvents| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string());
        let batch = Batch::parse(format, &body, &setup.catalog).map_err(too_many)?;
        if batch.lines.is_empty() {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "the body holds no event"));
        }
        Ok(Delivery { format, body, batch, setup, reply })
    });
    let broken =
        |error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the events cannot be parsed").because(error);
    parsed.await.map_err(broken)?
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/x-ndjson" => Ok(Format::Ndjson),
        "application/json" => Ok(Format::Json),
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "content type `{other}`, expected application/x-ndjson (one event a line) or application/json"
            ),
        )),
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let text = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    match text.to_ascii_lowercase().as_str() {
        "identity" | "" => Ok(Encoding::Plain),
        "gzip" => Ok(Encoding::Gzip),
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("content encoding `{other}`, expected gzip or none"),
        )),
    }
}

fn unpack(encoding: Encoding, body: Bytes, max: ByteSize) -> Result<Bytes, Problem> {
    if encoding == Encoding::Plain {
        return Ok(body);
    }
    let mut unpacked = Vec::new();
    let mut reader = MultiGzDecoder::new(&body[..]).take(max.bytes() + 1);
    let invalid = |error| Problem::new(StatusCode::BAD_REQUEST, "the body is not valid gzip").because(error);
    reader.read_to_end(&mut unpacked).map_err(invalid)?;
    if unpacked.len() as u64 > max.bytes() {
        let message = format!("the body is longer than {max} when unpacked");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(unpacked.into())
}

fn answer(outcome: Outcome) -> Response {
    let status = if outcome.accepted == 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let rejected = outcome.rejected.len();
    let first = outcome.rejected.into_iter().take(ERRORS);
    let errors = first.map(|(line, rejection)| LineError { line, error: rejection.message }).collect();
    let answer = Answer { accepted: outcome.accepted, rejected, duplicates: outcome.duplicates, errors };
    (status, Json(answer)).into_response()
}

fn refuse(problem: Problem) -> Response {
    let again = problem.status == StatusCode::SERVICE_UNAVAILABLE;
    let mut response = problem.into_response();
    if again {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
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
