//! What the Web API's answers mean: status 200 says nothing, `ok` and `error` do.
//!
//! Source: Slack's reference of `chat.postMessage` and `chat.update`, their lists of errors.

use std::time::Duration;

use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::Response;
use serde::Deserialize;

use crate::notify::http::Answer;
use crate::notify::slack::answer;

/// Slack repeats the whole message in its answer; nothing that is longer comes from it.
const MAX_ANSWER: usize = 1024 * 1024;

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) channel: String,
    pub(super) ts: String,
}

#[derive(Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: String,
    channel: Option<String>,
    ts: Option<String>,
}

/// What a call of `method` came to; nothing of `token` is in it.
pub(super) async fn read(response: Response, method: &str, token: &Secret) -> Result<Option<Place>, Outcome> {
    let answer = Answer::take(response, MAX_ANSWER).await?;
    let said = serde_json::from_str::<Said>(&answer.text).ok();
    match said {
        Some(said) if !answer.status.is_success() => Err(answer::outcome(&answer, &said.error, token)),
        None => Err(answer::outcome(&answer, "", token)),
        Some(Said { ok: true, channel: Some(channel), ts: Some(ts), .. }) => Ok(Some(Place { channel, ts })),
        Some(Said { ok: true, .. }) => Ok(None),
        Some(said) => Err(refused(&said.error, answer.retry_after, method, token)),
    }
}

fn refused(word: &str, retry_after: Option<Duration>, method: &str, token: &Secret) -> Outcome {
    let shown = if answer::is_word(word, token) { word } else { "refused without a reason" };
    let detail = format!("{method}: {shown}");
    let retryable =
        |reason, ambiguous| Outcome::Retryable { reason, retry_after, ambiguous, detail: detail.clone() };
    match word {
        // the only failure of which Slack says that some of it may have happened
        "fatal_error" => retryable(Reason::ServerError, true),
        "internal_error" | "service_unavailable" | "team_added_to_org" => {
            retryable(Reason::ServerError, false)
        }
        "request_timeout" => retryable(Reason::Timeout, false),
        "ratelimited" | "rate_limited" => retryable(Reason::RateLimited, false),
        _ => Outcome::Permanent { reason: answer::why(word).unwrap_or(Reason::Rejected), detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_word_is_shown_unless_it_is_part_of_the_token() {
        let token = Secret::new("xoxb-hunter");
        assert_eq!(refused("no_text", None, "chat.update", &token).detail(), "chat.update: no_text");
        for odd in ["hunter", "", "Two Words", &"a".repeat(65)] {
            assert_eq!(refused(odd, None, "m", &token).detail(), "m: refused without a reason");
        }
    }
}
