//! What the answers of Slack's incoming webhooks and a broken connection mean.
//!
//! Source: Slack, "Sending messages using incoming webhooks", its list of errors; rate limits answer 429 with
//! `Retry-After`. Nothing of a request's URL, which is a secret, ever gets into an outcome.

use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::{Response, StatusCode};

use crate::notify::http::{Answer, Refusal};

/// Slack's answers are words; nobody needs more of a page that a proxy sends instead.
const MAX_ANSWER: usize = 1_024;

/// What the answer of an incoming webhook comes to.
pub(super) async fn read(response: Response, url: &Secret) -> Outcome {
    match Answer::take(response, MAX_ANSWER).await {
        Ok(answer) => outcome(&answer, &answer.text, url),
        Err(outcome) => outcome,
    }
}

/// What an answer comes to in which Slack says `word`; nothing of `secret` is in it.
pub(super) fn outcome(answer: &Answer, word: &str, secret: &Secret) -> Outcome {
    let detail = detail(answer.status, word, secret);
    let retry_after = answer.retry_after;
    let (reason, ambiguous) = match answer.status.as_u16() {
        200..300 if word == "ok" => return Outcome::Delivered { detail },
        // somebody took the message, but it was not Slack who said so
        200..300 => (Reason::Protocol, true),
        code => match Refusal::of(code) {
            Refusal::Passing { reason, ambiguous } => (reason, ambiguous),
            Refusal::Lasting(reason) => {
                return Outcome::Permanent { reason: why(word).unwrap_or(reason), detail };
            }
        },
    };
    Outcome::Retryable { reason, retry_after, ambiguous, detail }
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

#[cfg(test)]
mod tests;
