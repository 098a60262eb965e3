//! What requests to destinations have in common: how long they ask us to wait, and what a request without a complete answer
//! means. Nothing of a request's URL, which is a secret, ever gets into an outcome.

use std::time::{Duration, SystemTime};

use modelwatch_common::causes::{causes, is_tls};
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::{Response, header};

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

/// How long the destination asks to be left alone, if it does.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
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
