//! One batch to the exporter: sent until it is counted or refused for good.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use modelwatch_common::backoff::Backoff;
use modelwatch_common::causes::causes;
use modelwatch_common::http::authorities;
use modelwatch_common::secret::Secret;
use reqwest::{Certificate, Client, StatusCode, Url, header};
use serde::Deserialize;

use super::args::ReplayArgs;
use super::batch::Batch;

const BACKOFF: Backoff =
    Backoff { initial: Duration::from_millis(200), max: Duration::from_secs(5), jitter: 0.0 };

/// For how long one batch is sent again to an exporter that is not there or cannot keep up: longer than it takes to restart.
const PATIENCE: Duration = Duration::from_secs(120);

/// An exporter that has a request for longer than this is taken to be gone.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why a replay cannot go on. Each names the address and what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("{url}: not reached for {} seconds: {reason}", .patience.as_secs())]
    Unreachable { url: Url, patience: Duration, reason: String },
    #[error("{url}: its certificate is not trusted: {reason}, name who signed it with --ca-file")]
    Untrusted { url: Url, reason: String },
    #[error("{url} wants another bearer token ({status}), give one that may ingest with --token-file")]
    Forbidden { url: Url, status: StatusCode },
    #[error(
        "{url} takes no bodies of this size ({status}), give a smaller --batch or raise its web.max_body"
    )]
    TooLarge { url: Url, status: StatusCode },
    #[error("{url} refused the events ({status}): {reason}")]
    Refused { url: Url, status: StatusCode, reason: String },
    #[error("{url} did not answer as a modelwatch-exporter does ({status}): {reason}")]
    NoExporter { url: Url, status: StatusCode, reason: String },
}

/// What the exporter did with the events of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Outcome {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    /// The first of those that were rejected.
    #[serde(default)]
    pub(super) errors: Vec<LineError>,
}

/// Why one event was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct LineError {
    /// The event's place in the batch, counted from 1.
    pub(super) line: u64,
    pub(super) error: String,
}

/// Sends batches to one exporter.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    url: Url,
    token: Option<Secret>,
    run: String,
    patience: Duration,
}

/// What an answer means for the batch.
#[derive(Debug)]
enum Answer {
    Counted(Outcome),
    Later(String),
    Never(SendError),
}

impl Sender {
    pub(super) fn new(args: &ReplayArgs) -> anyhow::Result<Sender> {
        let mut url = args.url.clone();
        if !url.path().ends_with("/v1/events") {
            let path = format!("{}/v1/events", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        let token = args.token_file.as_deref().map(Secret::read).transpose();
        let token = token.map_err(|error| anyhow!("--token-file: {error}"))?;
        let client = client(args.ca_file.as_deref())?;
        // Names a batch that is sent again because its answer was lost: the exporter answers it as before and counts
        // nothing, whether or not its predictions have ids.
        let run = format!("replay-{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond());
        Ok(Sender { client, url, token, run, patience: PATIENCE })
    }

    /// Sends a batch, again and again while the exporter is away or cannot keep up; `waiting` hears why, once.
    pub(super) async fn send(
        &self,
        batch: &Batch,
        number: u64,
        waiting: impl Fn(&str),
    ) -> Result<Outcome, SendError> {
        let start = Instant::now();
        let mut attempt = 0;
        loop {
            let reason = match self.attempt(batch, number).await {
                Answer::Counted(outcome) => return Ok(outcome),
                Answer::Never(error) => return Err(error),
                Answer::Later(reason) => reason,
            };
            let delay = BACKOFF.delay(attempt, 0.5);
            if start.elapsed() + delay > self.patience {
                return Err(SendError::Unreachable {
                    url: self.url.clone(),
                    patience: self.patience,
                    reason,
                });
            }
            if attempt == 0 {
                waiting(&reason);
            }
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, batch: &Batch, number: u64) -> Answer {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .header(header::CONTENT_ENCODING, "gzip")
            .header("idempotency-key", format!("{}-{number}", self.run))
            .body(batch.body.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let answer = async {
            let response = request.send().await?;
            Ok((response.status(), response.text().await?))
        };
        match answer.await {
            Ok((status, body)) => judge(&self.url, status, &body),
            Err(error) => match distrust(&error) {
                Some(reason) => Answer::Never(SendError::Untrusted { url: self.url.clone(), reason }),
                None => Answer::Later(innermost(&error)),
            },
        }
    }
}

/// Trusts the authorities in a file, or those that this machine trusts.
fn client(ca_file: Option<&Path>) -> anyhow::Result<Client> {
    let mut builder = Client::builder().timeout(TIMEOUT);
    if let Some(file) = ca_file {
        let name = file.display();
        let text = std::fs::read(file).map_err(|error| anyhow!("--ca-file: cannot read {name}: {error}"))?;
        if authorities(&text).is_none() {
            bail!("--ca-file: {name} holds no certificate, expected PEM, with -----BEGIN CERTIFICATE-----");
        }
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(&text)?);
    }
    builder.build().context("no HTTP client can be made")
}

/// Why the exporter's certificate is not trusted, if that is what went wrong. Asking again changes nothing.
fn distrust(error: &reqwest::Error) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(reason)) => Some(reason.to_string()),
        _ => None,
    })
}

fn judge(url: &Url, status: StatusCode, body: &str) -> Answer {
    let url = url.clone();
    match (status.as_u16(), serde_json::from_str::<Outcome>(body)) {
        // 400 with an outcome: nothing in the batch was acceptable, which may be so for every batch or just for this one.
        (200 | 400, Ok(outcome)) => Answer::Counted(outcome),
        (400, Err(_)) | (422, _) => Answer::Never(SendError::Refused { url, status, reason: reason(body) }),
        (401 | 403, _) => Answer::Never(SendError::Forbidden { url, status }),
        (413, _) => Answer::Never(SendError::TooLarge { url, status }),
        (429 | 502..=504, _) => Answer::Later(format!("it answered {status}: {}", reason(body))),
        _ => Answer::Never(SendError::NoExporter { url, status, reason: reason(body) }),
    }
}

/// What an answer says is wrong: the exporter's own words, or the beginning of whatever came.
fn reason(body: &str) -> String {
    #[derive(Deserialize)]
    struct Problem {
        error: String,
    }
    match serde_json::from_str::<Problem>(body) {
        Ok(problem) => problem.error,
        Err(_) if body.trim().is_empty() => "without a word".to_owned(),
        Err(_) => body.chars().filter(|c| !c.is_control()).take(200).collect(),
    }
}

/// The cause that says what happened ("Connection refused"), without the layers that only pass it on.
fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let url = Url::parse("http://127.0.0.1:9740/v1/events").unwrap();
        judge(&url, StatusCode::from_u16(status).unwrap(), body)
    }

    #[test]
    fn an_outcome_is_counted_even_when_nothing_was_acceptable() {
        let body = r#"{"accepted":0,"rejected":1,"errors":[{"line":1,"error":"no"}]}"#;
        for status in [200, 400] {
            let Answer::Counted(outcome) = answer(status, body) else { panic!("{status} is an outcome") };
            assert_eq!(outcome.errors, [LineError { line: 1, error: "no".to_owned() }]);
        }
    }

    #[test]
    fn overload_is_waited_for_and_refusal_is_not() {
        for status in [429, 502, 503, 504] {
            assert!(
                matches!(answer(status, r#"{"error":"full"}"#), Answer::Later(why) if why.ends_with("full"))
            );
        }
        for (status, expected) in [
            (400, "refused the events (400 Bad Request): not gzip"),
            (422, "refused the events (422 Unprocessable Entity): not gzip"),
            (401, "--token-file"),
            (403, "--token-file"),
            (413, "smaller --batch"),
            (404, "did not answer as a modelwatch-exporter does"),
            (500, "did not answer as a modelwatch-exporter does"),
        ] {
            let Answer::Never(error) = answer(status, r#"{"error":"not gzip"}"#) else {
                panic!("{status} is final")
            };
            let message = error.to_string();
            assert!(message.starts_with("http://127.0.0.1:9740/v1/events "), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn another_server_is_not_taken_for_an_exporter() {
        let Answer::Never(error) = answer(200, "<html>\nwelcome") else { panic!("no outcome") };
        assert!(error.to_string().ends_with("(200 OK): <html>welcome"), "{error}");
    }

    #[tokio::test]
    async fn an_exporter_that_stays_away_is_given_up_with_the_cause() {
        // Another test may have been the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let patience = Duration::from_millis(300);
        let sender = Sender { client: Client::new(), url, token: None, run: "replay".to_owned(), patience };
        let time = modelwatch_exporter_core::time::Time(0);
        let batch = Batch { first: time, last: time, events: 1, predictions: 1, body: bytes::Bytes::new() };
        let waits = std::cell::Cell::new(0);
        let error = sender.send(&batch, 0, |_| waits.set(waits.get() + 1)).await.unwrap_err();
        assert!(error.to_string().contains("Connection refused"), "{error}");
        assert_eq!(waits.get(), 1);
    }
}
