//! What a service's answer means, by the channel's rule and else by the status.
//!
//! Sources: RFC 9110, sections 15 and 10.2.3; Telegram's and Discord's bodies of 429, which say how long to wait.

use std::time::Duration;

use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::settings::Hook;
use super::success::Verdict;
use crate::notify::http::{Answer, Refusal};

/// Nobody needs more of an answer.
const MAX_ANSWER: usize = 256 * 1_024;

/// Words of an answer are shown up to this many bytes.
const MAX_WORDS: usize = 100;

/// Where services say in words what is wrong.
const WORDS: [&str; 5] = ["/description", "/message", "/error/message", "/error", "/detail"];

/// Where they say in seconds when to come again.
const WAITS: [&str; 2] = ["/parameters/retry_after", "/retry_after"];

/// The outcome of an answer to `content`.
pub(super) async fn read(response: Response, hook: &Hook, content: &str) -> Outcome {
    match Answer::take(response, MAX_ANSWER).await {
        Ok(answer) => outcome(&answer, hook, content),
        Err(outcome) => outcome,
    }
}

fn outcome(answer: &Answer, hook: &Hook, content: &str) -> Outcome {
    let json = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    let detail = detail(answer.status, &json, hook.secrets(), content);
    let retry_after = answer.retry_after.or_else(|| asked_in(&json));
    let status = answer.status.as_u16();
    let again = |reason, ambiguous, detail| Outcome::Retryable { reason, retry_after, ambiguous, detail };
    let never = |reason, detail| Outcome::Permanent { reason, detail };
    match hook.success().judge(status, &answer.text) {
        Verdict::Yes => Outcome::Delivered { detail },
        Verdict::No => never(Reason::Rejected, format!("{detail}, but the answer says no")),
        // sent again, it would be told again and answered in the same way
        Verdict::Unknown => never(Reason::Protocol, format!("{detail}, which `success` does not know")),
        Verdict::Strange => again(Reason::Protocol, true, format!("{detail}, but not as JSON")),
        Verdict::Failed => match Refusal::of(status) {
            Refusal::Passing { reason, ambiguous } => again(reason, ambiguous, detail),
            Refusal::Lasting(reason @ Reason::Protocol) => {
                never(reason, format!("{detail}: it redirects elsewhere, which is never followed"))
            }
            Refusal::Lasting(reason) => never(reason, detail),
        },
    }
}

fn asked_in(answer: &Value) -> Option<Duration> {
    let seconds = WAITS.iter().find_map(|place| answer.pointer(place)?.as_f64())?;
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

/// The status, and what the service says in words if nothing of a secret or of the message is in them.
fn detail(status: StatusCode, answer: &Value, secrets: &[Secret], content: &str) -> String {
    let status = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("without a reason"));
    let said = WORDS.iter().find_map(|place| answer.pointer(place)?.as_str());
    match said.filter(|words| is_plain(words) && is_new(words, secrets, content)) {
        Some(words) => format!("{status}: {words}"),
        None => status,
    }
}

/// A short sentence of ordinary words: no digits, no long words, nothing that a key or a token looks like.
fn is_plain(words: &str) -> bool {
    let is_usual = |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '.' | ',' | ':' | '\'' | '-');
    !words.is_empty()
        && words.len() <= MAX_WORDS
        && words.chars().all(is_usual)
        && words.split(' ').all(|word| word.len() <= 20)
}

/// Whether no word of some length stands in a secret, and no two words beside each other in the message.
fn is_new(words: &str, secrets: &[Secret], content: &str) -> bool {
    let all: Vec<&str> =
        words.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).collect();
    let content = content.to_ascii_lowercase();
    let is_told = |part: String| content.contains(&part.to_ascii_lowercase());
    let is_secret = |word: &&str| {
        let word = word.to_ascii_lowercase();
        word.len() >= 4 && secrets.iter().any(|secret| secret.expose().to_ascii_lowercase().contains(&word))
    };
    let is_said = match all.as_slice() {
        [_] => is_told(words.to_owned()),
        all => all.windows(2).any(|pair| is_told(pair.join(" "))),
    };
    !is_said && !all.iter().any(is_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &str) -> String {
        let secrets = [Secret::new("https://api/botAAhunterZZ/send"), Secret::new("tigerclaw")];
        let answer = serde_json::json!({"description": words});
        detail(StatusCode::BAD_REQUEST, &answer, &secrets, r#"{"text": "accuracy of employment fell"}"#)
    }

    #[test]
    fn a_services_own_words_are_shown() {
        assert_eq!(shown("Bad Request: chat not found"), "400 Bad Request: Bad Request: chat not found");
    }

    #[test]
    fn words_that_hold_a_secret_or_the_message_or_look_like_one_are_not_shown() {
        for words in [
            "no route for hunter",
            "bad key Tigerclaw",
            "cannot parse: Accuracy of x",
            "token 123",
            "<b>no</b>",
            "abcdefghijklmnopqrstuvwxyz",
            "",
        ] {
            assert_eq!(shown(words), "400 Bad Request", "{words}");
        }
    }

    #[test]
    fn a_limit_may_be_told_in_the_answer() {
        let telegram = serde_json::json!({"ok": false, "parameters": {"retry_after": 35}});
        assert_eq!(asked_in(&telegram), Some(Duration::from_secs(35)));
        assert_eq!(asked_in(&serde_json::json!({"retry_after": 0.35})), Some(Duration::from_secs(1)));
        assert_eq!(asked_in(&serde_json::json!({"retry_after": -1})), None);
        assert_eq!(asked_in(&Value::Null), None);
    }
}
