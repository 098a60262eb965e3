//! What the answers of Slack's incoming webhooks and a broken connection mean.
//!
//! Source: Slack, "Sending messages using incoming webhooks", its list of errors; rate limits answer 429 with
//! `Retry-After`. Nothing of a request's URL, which is a secret, ever gets into an outcome.

use std::time::{Duration, SystemTime};

use modelwatch_common::causes::{causes, is_tls};
use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::{Response, StatusCode, header};

/// Slack's answers are words; nobody needs more of a page that a proxy sends instead.
const MAX_ANSWER: usize = 1_024;

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

    /// What an answer comes to in which Slack says `word`; nothing of `secret` is in it.
    pub(super) fn outcome(&self, word: &str, secret: &Secret) -> Outcome {
        let detail = detail(self.status, word, secret);
        let retry_after = self.retry_after;
        let retryable =
            |reason, ambiguous| Outcome::Retryable { reason, retry_after, ambiguous, detail: detail.clone() };
        match self.status.as_u16() {
            200..300 if word == "ok" => Outcome::Delivered { detail },
            // somebody took the message, but it was not Slack who said so
            200..300 => retryable(Reason::Protocol, true),
            429 => retryable(Reason::RateLimited, false),
            408 => retryable(Reason::Timeout, false),
            // a gateway lost the answer of the server behind it
            502 | 504 => retryable(Reason::ServerError, true),
            425 | 500.. => retryable(Reason::ServerError, false),
            code => Outcome::Permanent { reason: refusal(code, word), detail },
        }
    }
}

/// What the answer of an incoming webhook comes to.
pub(super) async fn read(response: Response, url: &Secret) -> Outcome {
    match Answer::take(response, MAX_ANSWER).await {
        Ok(answer) => answer.outcome(&answer.text, url),
        Err(outcome) => outcome,
    }
}

/// Why a request was refused for good, by Slack's word for it, else by the status.
fn refusal(status: u16, answer: &str) -> Reason {
    let by_status = match status {
        300..=399 => Reason::Protocol,
        401 | 403 | 407 => Reason::Auth,
        404 | 410 => Reason::NotFound,
        413 => Reason::TooLarge,
        _ => Reason::Rejected,
    };
    why(answer).unwrap_or(by_status)
}

/// Why Slack refuses for good when it says this word, where it says more than that the content is refused.
pub(super) fn why(word: &str) -> Option<Reason> {
    Some(match word {
        "invalid_token"
        | "invalid_auth"
        | "not_authed"
        | "token_revoked"
        | "token_expired"
        | "account_inactive"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "access_denied"
        | "ekm_access_denied"
        | "org_login_required"
        | "team_access_not_granted" => Reason::Auth,
        "channel_not_found"
        | "no_service"
        | "channel_is_archived"
        | "is_archived"
        | "not_in_channel"
        | "user_not_found"
        | "message_not_found"
        | "thread_not_found" => Reason::NotFound,
        "msg_too_long"
        | "msg_blocks_too_long"
        | "attachment_payload_limit_exceeded"
        | "too_many_attachments" => Reason::TooLarge,
        "action_prohibited" | "restricted_action" => Reason::Rejected,
        _ => return None,
    })
}

/// The status and Slack's own word. Any other text is left out: a proxy's page may repeat the URL.
fn detail(status: StatusCode, answer: &str, secret: &Secret) -> String {
    if answer == "ok" || is_word(answer, secret) {
        return format!("{} {answer}", status.as_u16());
    }
    match status.as_u16() {
        200..300 => format!("{} without Slack's `ok`", status.as_u16()),
        300..400 => format!("{} redirects elsewhere, which is never followed", status.as_u16()),
        code => format!("{code} {}", status.canonical_reason().unwrap_or("without a reason")),
    }
}

/// Whether this is a word as Slack says them, and no part of the secret.
pub(super) fn is_word(answer: &str, secret: &Secret) -> bool {
    !answer.is_empty()
        && answer.len() <= 64
        && answer.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        && !secret.expose().contains(answer)
}

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

#[cfg(test)]
mod tests;
