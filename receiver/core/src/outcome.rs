//! What became of one attempt to deliver: never a boolean, always one of a closed set.

use std::time::Duration;

mod receipts;

pub use receipts::{Receipt, together};

/// Why an attempt did not deliver. The set is closed because it is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// No connection could be made.
    Connect,
    /// The destination did not answer in time.
    Timeout,
    /// The TLS handshake failed.
    Tls,
    /// The destination refused our credentials.
    Auth,
    /// The destination asked us to slow down.
    RateLimited,
    /// The destination refused the content.
    Rejected,
    /// The content was too large for the destination.
    TooLarge,
    /// The channel, mailbox or URL does not exist.
    NotFound,
    /// The destination failed.
    ServerError,
    /// The answer was not one the destination's protocol knows.
    Protocol,
    /// The content could not be rendered.
    Template,
}

impl Reason {
    /// Every reason, in the order of the documentation; metrics touch each at start.
    pub const ALL: [Reason; 11] = [
        Reason::Connect,
        Reason::Timeout,
        Reason::Tls,
        Reason::Auth,
        Reason::RateLimited,
        Reason::Rejected,
        Reason::TooLarge,
        Reason::NotFound,
        Reason::ServerError,
        Reason::Protocol,
        Reason::Template,
    ];

    /// The reason of that name.
    pub fn of(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// What it means, for people.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Connect => "no connection could be made or kept",
            Reason::Timeout => "the destination did not answer in time",
            Reason::Tls => "no secure connection could be made",
            Reason::Auth => "the destination refused our credentials",
            Reason::RateLimited => "the destination asked us to slow down",
            Reason::Rejected => "the destination refused the content",
            Reason::TooLarge => "the destination found the content too large",
            Reason::NotFound => "the channel, mailbox or address does not exist",
            Reason::ServerError => "the destination failed",
            Reason::Protocol => "the answer was not one the destination's protocol knows",
            Reason::Template => "the content could not be rendered",
        }
    }

    /// The name used in metrics, history and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Connect => "connect",
            Reason::Timeout => "timeout",
            Reason::Tls => "tls",
            Reason::Auth => "auth",
            Reason::RateLimited => "rate_limited",
            Reason::Rejected => "rejected",
            Reason::TooLarge => "too_large",
            Reason::NotFound => "not_found",
            Reason::ServerError => "server_error",
            Reason::Protocol => "protocol",
            Reason::Template => "template",
        }
    }
}

/// What one attempt came to. `detail` is for people and never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination said yes.
    Delivered {
        /// What the destination answered.
        detail: String,
    },
    /// The destination may say yes later.
    Retryable {
        /// What went wrong.
        reason: Reason,
        /// How long the destination asked us to wait.
        retry_after: Option<Duration>,
        /// The request may have arrived although no answer did.
        ambiguous: bool,
        /// What the destination answered, or what failed on the way.
        detail: String,
    },
    /// Trying again can never help.
    Permanent {
        /// What went wrong.
        reason: Reason,
        /// What the destination answered.
        detail: String,
    },
}

impl Outcome {
    /// The name used in history: `delivered`, `retryable` or `permanent`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Delivered { .. } => "delivered",
            Outcome::Retryable { .. } => "retryable",
            Outcome::Permanent { .. } => "permanent",
        }
    }

    /// What went wrong, if anything did.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Outcome::Delivered { .. } => None,
            Outcome::Retryable { reason, .. } | Outcome::Permanent { reason, .. } => Some(*reason),
        }
    }

    /// Whether the request may have arrived although no answer did.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Outcome::Retryable { ambiguous: true, .. })
    }

    /// The words for history.
    pub fn detail(&self) -> &str {
        match self {
            Outcome::Delivered { detail }
            | Outcome::Retryable { detail, .. }
            | Outcome::Permanent { detail, .. } => detail,
        }
    }
}
