//! What requests to destinations have in common: how long they ask us to wait, what a status that is no success means, and
//! what a request without a complete answer means. Nothing of a request's URL, which is a secret, ever gets into an outcome.

use std::time::{Duration, SystemTime};

use modelwatch_common::causes::{causes, is_tls};
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::{Response, StatusCode, Url, header};

/// How long one attempt may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the answer is complete.
    pub answer: Duration,
}

impl Default for Limits {
    /// 5 s and 15 s: chats answer within one; a worker must not be held for minutes.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(15) }
    }
}

/// Whether this is an `http` or `https` URL.
pub(super) fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// An answer that came whole, or whose status says no.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) text: String,
}

impl Answer {
    /// At most so many bytes of an answer. A connection lost within the answer is ambiguous like one lost before it, unless
    /// the status already says no.
    pub(super) async fn take(mut response: Response, most: usize) -> Result<Answer, Outcome> {
        let status = response.status();
        let retry_after = retry_after(&response);
        let mut body = Vec::new();
        while body.len() < most {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) if status.is_success() => return Err(failed(&error)),
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(most);
        Ok(Answer { status, retry_after, text: String::from_utf8_lossy(&body).trim().to_owned() })
    }
}

/// What a status that is no success says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may be otherwise later; whether the message may have been taken all the same.
    Passing { reason: Reason, ambiguous: bool },
    /// It stays so.
    Lasting(Reason),
}

impl Refusal {
    /// Source: RFC 9110, section 15; RFC 6585 for 429; RFC 8470 for 425.
    pub(super) fn of(status: u16) -> Refusal {
        let passing = |reason, ambiguous| Refusal::Passing { reason, ambiguous };
        match status {
            429 => passing(Reason::RateLimited, false),
            408 => passing(Reason::Timeout, false),
            // a gateway lost the answer of the server behind it
            502 | 504 => passing(Reason::ServerError, true),
            425 | 500.. => passing(Reason::ServerError, false),
            300..=399 => Refusal::Lasting(Reason::Protocol),
            401 | 403 | 407 => Refusal::Lasting(Reason::Auth),
            404 | 410 => Refusal::Lasting(Reason::NotFound),
            413 => Refusal::Lasting(Reason::TooLarge),
            _ => Refusal::Lasting(Reason::Rejected),
        }
    }
}

/// How long the destination asks to be left alone, if it does.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = |name| response.headers().get(name)?.to_str().ok().map(str::trim);
    wait(text(header::RETRY_AFTER)?, text(header::DATE), SystemTime::now())
}

/// For how long `asked` asks to wait, in seconds or until a date by the clock that names `date`, else ours.
///
/// Source: RFC 9110, section 10.2.3. More seconds than there are numbers for are as many as there are.
fn wait(asked: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    if !asked.is_empty() && asked.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let there = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(there).unwrap_or_default())
}

/// The outcome of a request that got no complete answer.
pub(super) fn failed(error: &reqwest::Error) -> Outcome {
    let (reason, ambiguous) = match (error.is_connect(), error.is_timeout()) {
        _ if error.is_builder() => (Reason::Protocol, false),
        (true, true) => (Reason::Timeout, false),
        (true, false) if is_tls(error) => (Reason::Tls, false),
        (true, false) => (Reason::Connect, false),
        (false, true) => (Reason::Timeout, true),
        (false, false) => (Reason::Connect, true),
    };
    let what = if ambiguous { "no answer" } else { "no connection" };
    Outcome::Retryable { reason, retry_after: None, ambiguous, detail: format!("{what}: {}", cause(error)) }
}

/// The innermost cause, which names the system's complaint and never the URL.
pub(super) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    causes(error).last().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}
