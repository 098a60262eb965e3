//! Who may do what: bearer tokens with scopes (RFC 6750) and users with passwords (RFC 7617), changed while the program
//! runs. A user may do everything; a token what its `allow` says.

mod config;
mod credentials;
mod passwords;
mod refused;
mod users;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use prometheus::Registry;
use serde::Deserialize;

pub(super) use config::RawAuth;
use credentials::{Credentials, Given};
use passwords::Passwords;
use refused::{Refusals, Refused};

use crate::secret::Secret;

/// What a token may be allowed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To send events or alerts.
    Ingest,
    /// To see pages and the API.
    Read,
    /// To change something: reload, silence, replay.
    Write,
    /// To scrape `/metrics`.
    Metrics,
}

impl Scope {
    /// Every scope, which is what a user has, and a token without `allow`.
    pub const ALL: [Scope; 4] = [Scope::Ingest, Scope::Read, Scope::Write, Scope::Metrics];
}

/// The name of the token or user that a request came with; an extension of every request that had to show one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenName(pub String);

/// The credentials of a program, as they are now. Cheap to clone; all copies say the same, also after
/// [`adopt`](Auth::adopt).
#[derive(Clone, Debug)]
pub struct Auth(Arc<Live>);

#[derive(Debug)]
struct Live {
    /// `None`: everyone may do everything.
    credentials: ArcSwapOption<Credentials>,
    passwords: Passwords,
    refusals: Refusals,
}

impl Auth {
    /// Everyone may do everything.
    #[must_use]
    pub fn open() -> Auth {
        Auth::of(None)
    }

    fn of(credentials: Option<Credentials>) -> Auth {
        Auth(Arc::new(Live {
            credentials: ArcSwapOption::from_pointee(credentials),
            passwords: Passwords::default(),
            refusals: Refusals::default(),
        }))
    }

    /// Nobody may do anything.
    #[cfg(test)]
    pub(super) fn closed() -> Auth {
        Auth::of(Some(Credentials { tokens: Vec::new(), users: None }))
    }

    /// Whether everyone may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.credentials.load().is_none()
    }

    /// Takes over the credentials of `newer`; requests that were let in already go on.
    pub(super) fn adopt(&self, newer: &Auth) {
        self.0.credentials.store(newer.0.credentials.load_full());
    }

    /// The secret of the first token that may `scope`, for a client of the program itself.
    pub(super) fn token_for(&self, scope: Scope) -> Option<Secret> {
        self.0.credentials.load().as_ref()?.token_for(scope)
    }

    /// The name of the one who may `scope`, if that is a token and nobody else may.
    #[must_use]
    pub fn only_token(&self, scope: Scope) -> Option<TokenName> {
        self.0.credentials.load().as_ref()?.only_token(scope)
    }

    /// Counts who is refused in `<prefix>_http_refused_total{reason}`, every reason from the start.
    ///
    /// # Errors
    /// When `registry` has such a counter already, or `prefix` is no metric name.
    pub fn count_in(&self, registry: &Registry, prefix: &str) -> prometheus::Result<()> {
        self.0.refusals.register(registry, prefix)
    }

    /// `routes`, for those only who may `scope`: 401 without known credentials, 403 with a token that lacks the scope.
    /// A fallback of `routes` is not guarded.
    pub fn guard<S: Clone + Send + Sync + 'static>(&self, scope: Scope, routes: Router<S>) -> Router<S> {
        routes.route_layer(from_fn_with_state((self.clone(), scope), check))
    }

    async fn admit(
        &self,
        credentials: &Credentials,
        scope: Scope,
        headers: &HeaderMap,
    ) -> Result<TokenName, Refused> {
        match Given::of(headers)? {
            Given::Token(token) => credentials.admit_token(token, scope),
            Given::Password { user, password } => {
                let users = credentials.users.as_ref().ok_or(Refused::NoCredentials)?;
                self.0.passwords.check(users, &user, password).await.map(|()| TokenName(user))
            }
        }
    }
}

type Guard = (Auth, Scope);

async fn check(State((auth, scope)): State<Guard>, mut request: Request, next: Next) -> Response {
    let Some(credentials) = auth.0.credentials.load_full() else { return next.run(request).await };
    match auth.admit(&credentials, scope, request.headers()).await {
        Ok(name) => {
            request.extensions_mut().insert(name);
            next.run(request).await
        }
        Err(refused) => {
            auth.0.refusals.note(refused);
            refused.answer(&credentials).into_response()
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scope::Ingest => "ingest",
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Metrics => "metrics",
        })
    }
}

#[cfg(test)]
mod tests;
