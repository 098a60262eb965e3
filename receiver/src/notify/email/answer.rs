//! What a mail server's refusals and a broken connection mean.
//!
//! Sources: RFC 5321 (section 4.2, and 4.5.3.1.10 for 552 at RCPT), RFC 4954 for logins, RFC 3463 for enhanced codes.

use std::error::Error as _;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::transport::smtp::Error;
use modelwatch_common::causes::{causes, is_tls};
use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::template::one_line;

use super::settings::Login;

/// Of a server's words so many characters are kept.
const MAX_WORDS: usize = 200;

/// Where in the conversation something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Connecting, the server's greeting, and ours.
    Greeting,
    /// Changing to TLS.
    StartTls,
    /// Logging in.
    Login,
    /// Who the mail is from.
    Sender,
    /// Who gets it.
    Recipient,
    /// Whether it may come.
    Data,
    /// The mail itself, up to the server's final answer.
    Content,
}

/// Why a step did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server said no, or not now.
    Refused {
        /// Its code.
        code: u16,
        /// Its words.
        words: String,
    },
    /// No answer came, or none that SMTP knows.
    Lost {
        /// Which of the reasons it is.
        reason: Reason,
        /// What happened.
        cause: String,
    },
}

impl Failure {
    /// Nothing came within the time for it.
    pub(super) fn timed_out() -> Failure {
        Failure::Lost { reason: Reason::Timeout, cause: "timed out".to_owned() }
    }

    /// An answer that does not belong to the question.
    pub(super) fn out_of_step(code: u16) -> Failure {
        Failure::Lost { reason: Reason::Protocol, cause: format!("the server answered {code} out of turn") }
    }

    /// Whether nothing more can be said on this connection.
    pub(super) fn ends_session(&self) -> bool {
        match self {
            Failure::Lost { .. } | Failure::Refused { code: 421, .. } => true,
            Failure::Refused { .. } => false,
        }
    }

    /// What it means at `step`.
    pub(super) fn outcome(&self, step: Step, hidden: &Hidden) -> Outcome {
        match self {
            Failure::Refused { code, words } => refusal(step, *code, words, hidden),
            Failure::Lost { reason, cause } => lost(step, *reason, cause),
        }
    }
}

impl From<Error> for Failure {
    /// What lettre says went wrong.
    fn from(error: Error) -> Failure {
        let error = &error;
        let innermost = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        if let Some(code) = error.status() {
            return Failure::Refused { code: code.into(), words: innermost };
        }
        let (reason, cause) = match innermost.as_str() {
            _ if error.is_timeout() => (Reason::Timeout, "timed out".to_owned()),
            _ if is_tls(error) || error.is_tls() => (Reason::Tls, innermost),
            // lettre's words for the end of the stream
            "incomplete response" => (Reason::Connect, "the server closed the connection".to_owned()),
            // whatever the server said instead may repeat anything, so it is not repeated
            _ if error.is_response() || is_not_text(error) => {
                (Reason::Protocol, "the server does not speak SMTP".to_owned())
            }
            _ => (Reason::Connect, innermost),
        };
        Failure::Lost { reason, cause }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::TimedOut => Failure::timed_out(),
            _ => Failure::Lost { reason: Reason::Connect, cause: error.to_string() },
        }
    }
}

fn is_not_text(error: &Error) -> bool {
    let io = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData)
}

/// From the first byte of the mail on, nobody knows whether it arrived.
fn lost(step: Step, reason: Reason, cause: &str) -> Outcome {
    let (reason, what) = match step {
        Step::StartTls if reason != Reason::Timeout => (Reason::Tls, "no TLS"),
        Step::Greeting | Step::StartTls => (reason, "no connection"),
        _ => (reason, "no answer"),
    };
    let ambiguous = step == Step::Content;
    Outcome::Retryable { reason, retry_after: None, ambiguous, detail: format!("{what}: {cause}") }
}

fn refusal(step: Step, code: u16, words: &str, hidden: &Hidden) -> Outcome {
    let detail = match step {
        // a server may repeat what it was told, and it was told the password
        Step::Login => format!("{code} at the login"),
        _ => hidden.said(code, words),
    };
    match reason(step, code, words) {
        (reason, true) => Outcome::Retryable { reason, retry_after: None, ambiguous: false, detail },
        (reason, false) => Outcome::Permanent { reason, detail },
    }
}

/// Which reason a code is at a step, and whether another try may help.
fn reason(step: Step, code: u16, words: &str) -> (Reason, bool) {
    let is_policy = words.starts_with("5.7.");
    match (step, code) {
        (_, 421) => (Reason::ServerError, true),
        (Step::StartTls, _) => (Reason::Tls, true),
        (Step::Login, 400..500) => (Reason::Auth, true),
        (Step::Login, _) | (_, 530 | 534 | 535 | 538) => (Reason::Auth, false),
        // 450 is also greylisting, 452 also "too many recipients", for which old servers say 552
        (_, 450 | 452) | (Step::Recipient, 552) => (Reason::RateLimited, true),
        (_, 400..500) => (Reason::ServerError, true),
        (_, 552 | 523) => (Reason::TooLarge, false),
        (Step::Data | Step::Content, _) if words.starts_with("5.3.4") => (Reason::TooLarge, false),
        (Step::Recipient, 550 | 551 | 553 | 556) if !is_policy => (Reason::NotFound, false),
        (_, 500..=504) => (Reason::Protocol, false),
        _ => (Reason::Rejected, false),
    }
}

/// What no answer may show, whoever repeats it.
#[derive(Default)]
pub(super) struct Hidden(Vec<Secret>);

impl Hidden {
    /// The password, and the forms in which it is told.
    pub(super) fn of(login: &Login) -> Hidden {
        let (user, password) = (&login.username, login.password.expose());
        let encoded = [BASE64.encode(password), BASE64.encode(format!("\0{user}\0{password}"))];
        Hidden(encoded.into_iter().map(Secret::new).chain([login.password.clone()]).collect())
    }

    /// An answer as it may be shown.
    pub(super) fn said(&self, code: u16, words: &str) -> String {
        format!("{code} {}", self.shown(words)).trim_end().to_owned()
    }

    /// A server's words on one line, cut, or nothing if they repeat what may not be shown.
    fn shown(&self, words: &str) -> String {
        if self.0.iter().any(|secret| words.contains(secret.expose())) {
            return "(its words are not shown, they repeat a secret)".to_owned();
        }
        let line = one_line(words);
        let printable = line.chars().filter(|character| !character.is_control());
        printable.take(MAX_WORDS).collect()
    }
}

#[cfg(test)]
mod tests;
