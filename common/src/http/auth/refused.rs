//! Why a request is not let through: what its sender is told, how it is counted, and what the log says, which never
//! repeats what was sent.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use prometheus::{IntCounterVec, Opts, Registry};
use tokio::time::Instant;

use super::credentials::Credentials;
use crate::http::Problem;

const BEARER: &str = "Bearer realm=\"modelwatch\"";
const BASIC: &str = "Basic realm=\"modelwatch\", charset=\"UTF-8\"";
/// Of many refusals only one in such a time is a line in the log: whoever guesses could fill it.
const ONE_LINE_IN: Duration = Duration::from_secs(10);

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    NoCredentials,
    UnknownToken,
    WrongPassword,
    ScopeMissing,
    Malformed,
    Busy,
}

impl Refused {
    const ALL: [Refused; 6] = [
        Refused::NoCredentials,
        Refused::UnknownToken,
        Refused::WrongPassword,
        Refused::ScopeMissing,
        Refused::Malformed,
        Refused::Busy,
    ];

    /// The answer. Browsers ask for a password when they are told of users, so whoever shows nothing is.
    pub(super) fn answer(self, known: &Credentials) -> Response {
        let (status, said) = self.said(known);
        let mut response = Problem::new(status, said).into_response();
        let (header, value) = match (self, &known.users) {
            (Refused::Busy, _) => (RETRY_AFTER, "1"),
            (Refused::Malformed, _) => return response,
            (Refused::NoCredentials | Refused::WrongPassword, Some(_)) => (WWW_AUTHENTICATE, BASIC),
            (Refused::NoCredentials | Refused::WrongPassword, None) => (WWW_AUTHENTICATE, BEARER),
            (Refused::UnknownToken, _) => {
                (WWW_AUTHENTICATE, "Bearer realm=\"modelwatch\", error=\"invalid_token\"")
            }
            (Refused::ScopeMissing, _) => {
                (WWW_AUTHENTICATE, "Bearer realm=\"modelwatch\", error=\"insufficient_scope\"")
            }
        };
        response.headers_mut().insert(header, HeaderValue::from_static(value));
        response
    }

    fn said(self, known: &Credentials) -> (StatusCode, &'static str) {
        match self {
            Refused::NoCredentials => (StatusCode::UNAUTHORIZED, needed(known)),
            Refused::UnknownToken => (StatusCode::UNAUTHORIZED, "the bearer token is not known"),
            Refused::WrongPassword => (StatusCode::UNAUTHORIZED, "the user or the password is wrong"),
            Refused::ScopeMissing => (StatusCode::FORBIDDEN, "the bearer token may not do this"),
            Refused::Malformed => (
                StatusCode::BAD_REQUEST,
                "expected one header Authorization: Bearer with a token, or Basic with user:password in Base64",
            ),
            Refused::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "too many passwords are being checked, try again")
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Refused::NoCredentials => "no_credentials",
            Refused::UnknownToken => "unknown_token",
            Refused::WrongPassword => "wrong_password",
            Refused::ScopeMissing => "scope_missing",
            Refused::Malformed => "malformed",
            Refused::Busy => "busy",
        }
    }
}

fn needed(known: &Credentials) -> &'static str {
    match (known.tokens.is_empty(), &known.users) {
        (_, None) => "a bearer token is needed",
        (true, Some(_)) => "a user and a password are needed",
        (false, Some(_)) => "a bearer token, or a user and a password, are needed",
    }
}

/// What was refused so far.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    counter: OnceLock<IntCounterVec>,
    quiet: Mutex<Quiet>,
}

#[derive(Debug, Default)]
struct Quiet {
    until: Option<Instant>,
    unsaid: u64,
}

impl Refusals {
    pub(super) fn register(&self, registry: &Registry, prefix: &str) -> prometheus::Result<()> {
        let opts = Opts::new(
            format!("{prefix}_http_refused_total"),
            "Requests that were not let through for the credentials that they showed or did not show.",
        );
        let counter = IntCounterVec::new(opts, &["reason"])?;
        for refused in Refused::ALL {
            counter.with_label_values(&[refused.name()]).reset();
        }
        registry.register(Box::new(counter.clone()))?;
        self.counter.get_or_init(|| counter);
        Ok(())
    }

    pub(super) fn note(&self, refused: Refused) {
        let reason = refused.name();
        if let Some(counter) = self.counter.get() {
            counter.with_label_values(&[reason]).inc();
        }
        let now = Instant::now();
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet.until.is_some_and(|until| now < until) {
            quiet.unsaid += 1;
            return;
        }
        let others = std::mem::take(&mut quiet.unsaid);
        quiet.until = Some(now + ONE_LINE_IN);
        tracing::warn!(reason, others, "a request was refused for its credentials, as others were before");
    }
}
