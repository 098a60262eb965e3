//! What a destination answered, read from the history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::drill::Told;

/// A destination of the test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Destination {
    /// Its name.
    pub(super) channel: String,
    /// The notification's id in the history.
    #[serde(rename = "notification")]
    pub(super) id: String,
    /// What it answered; `None` when nothing came back in time.
    #[serde(flatten)]
    pub(super) answer: Option<Answer>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// Yes.
    Delivered {
        /// In its words.
        detail: String,
    },
    /// No, and it is not tried again.
    Refused {
        /// One of the closed set.
        reason: String,
        /// In its words.
        detail: String,
    },
    /// Not now; it is tried again.
    Retrying {
        /// One of the closed set.
        reason: String,
        /// In its words.
        detail: String,
        /// When.
        next_attempt_at: Option<Timestamp>,
    },
    /// It is not sent after all.
    Suppressed {
        /// One of the closed set.
        reason: String,
    },
}

/// A notification as far as the answer goes.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Seen {
    status: String,
    suppressed: Option<String>,
    problem: Option<String>,
    next_attempt_at: Option<Timestamp>,
    attempts: Vec<Attempt>,
}

#[derive(Debug, Clone, Deserialize)]
struct Attempt {
    result: Option<String>,
    reason: Option<String>,
    detail: String,
}

impl Destination {
    /// One that has not answered.
    pub(super) fn waiting(told: &Told) -> Destination {
        Destination { channel: told.channel.clone(), id: told.id.clone(), answer: None }
    }
}

impl Answer {
    /// The answer in a notification; `None` while nothing came back.
    pub(super) fn of(seen: Seen) -> Option<Answer> {
        let last = seen.attempts.into_iter().rev().find(|attempt| attempt.result.is_some());
        match (seen.status.as_str(), last) {
            ("suppressed", _) => Some(Answer::Suppressed { reason: seen.suppressed.unwrap_or_default() }),
            ("delivered", last) => {
                Some(Answer::Delivered { detail: last.map(|last| last.detail).unwrap_or_default() })
            }
            ("dead", None) => {
                Some(Answer::Refused { reason: String::new(), detail: seen.problem.unwrap_or_default() })
            }
            ("dead", Some(last)) => {
                Some(Answer::Refused { reason: last.reason.unwrap_or_default(), detail: last.detail })
            }
            (_, Some(last)) => Some(Answer::Retrying {
                reason: last.reason.unwrap_or_default(),
                detail: last.detail,
                next_attempt_at: seen.next_attempt_at,
            }),
            (_, None) => None,
        }
    }
}
