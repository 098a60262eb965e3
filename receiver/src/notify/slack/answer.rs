//! What Slack's answers and a broken connection mean.
//!
//! Source: Slack, "Sending messages using incoming webhooks", its list of errors; rate limits answer 429 with
//! `Retry-After`. Nothing of a request's URL, which is a secret, ever gets into an outcome.

use std::time::Duration;

use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::{Response, StatusCode};

use crate::notify::http::{failed, retry_after};

/// Slack's answers are words; nobody needs more of a page that a proxy sends instead.
const MAX_ANSWER: usize = 1_024;

/// The outcome of an answer. A connection lost within the answer is ambiguous like one lost before it, unless the
/// status already says no.
pub(super) async fn read(mut response: Response, url: &Secret) -> Outcome {
    let status = response.status();
    let retry_after = retry_after(&response);
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) if status.is_success() => return failed(&error),
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(MAX_ANSWER);
    let answer = String::from_utf8_lossy(&body);
    classify(status, retry_after, answer.trim(), url)
}

fn classify(status: StatusCode, retry_after: Option<Duration>, answer: &str, url: &Secret) -> Outcome {
    let detail = detail(status, answer, url);
    let retryable =
        |reason, ambiguous| Outcome::Retryable { reason, retry_after, ambiguous, detail: detail.clone() };
    match status.as_u16() {
        200..300 if answer == "ok" => Outcome::Delivered { detail },
        // somebody took the message, but it was not Slack who said so
        200..300 => retryable(Reason::Protocol, true),
        429 => retryable(Reason::RateLimited, false),
        408 => retryable(Reason::Timeout, false),
        // a gateway lost the answer of the server behind it
        502 | 504 => retryable(Reason::ServerError, true),
        425 | 500.. => retryable(Reason::ServerError, false),
        code => Outcome::Permanent { reason: refusal(code, answer), detail },
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
    match answer {
        "invalid_token" | "invalid_auth" | "token_revoked" | "account_inactive" => Reason::Auth,
        "channel_not_found" | "no_service" | "channel_is_archived" | "user_not_found" => Reason::NotFound,
        "msg_too_long" | "msg_blocks_too_long" => Reason::TooLarge,
        "action_prohibited" => Reason::Rejected,
        _ => by_status,
    }
}

/// The status and Slack's own word. Any other text is left out: a proxy's page may repeat the URL.
fn detail(status: StatusCode, answer: &str, url: &Secret) -> String {
    let is_word = !answer.is_empty()
        && answer.len() <= 64
        && answer.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word && (answer == "ok" || !url.expose().contains(answer)) {
        return format!("{} {answer}", status.as_u16());
    }
    match status.as_u16() {
        200..300 => format!("{} without Slack's `ok`", status.as_u16()),
        300..400 => format!("{} redirects elsewhere, which is never followed", status.as_u16()),
        code => format!("{code} {}", status.canonical_reason().unwrap_or("without a reason")),
    }
}

#[cfg(test)]
mod tests;
