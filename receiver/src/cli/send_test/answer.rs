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
    ///
    /// Attempts are read after the notification, so the newest may tell of an end that the notification does not show yet.
    pub(super) fn of(seen: Seen) -> Option<Answer> {
        let under_way = seen.attempts.last().is_some_and(|attempt| attempt.result.is_none());
        let last = seen.attempts.into_iter().rev().find(|attempt| attempt.result.is_some());
        if seen.status == "suppressed" {
            return Some(Answer::Suppressed { reason: seen.suppressed.unwrap_or_default() });
        }
        let Some(Attempt { result, reason, detail }) = last else {
            let detail = seen.problem.unwrap_or_default();
            return (seen.status == "dead").then_some(Answer::Refused { reason: String::new(), detail });
        };
        let reason = reason.unwrap_or_default();
        match (seen.status.as_str(), result.as_deref(), seen.next_attempt_at) {
            (_, Some("delivered"), _) => Some(Answer::Delivered { detail }),
            ("dead", ..) | (_, Some("permanent"), _) => Some(Answer::Refused { reason, detail }),
            // whether it is tried again is not known yet
            (_, _, None) if !under_way => None,
            (_, _, next_attempt_at) => Some(Answer::Retrying { reason, detail, next_attempt_at }),
        }
    }
}
