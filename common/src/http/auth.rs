//! Who may do what: bearer tokens (RFC 6750) with scopes, compared in constant time.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::Problem;
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
    /// Every scope, which is what a token without `allow` has.
    pub const ALL: [Scope; 4] = [Scope::Ingest, Scope::Read, Scope::Write, Scope::Metrics];

    /// The name used in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Ingest => "ingest",
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Metrics => "metrics",
        }
    }
}

/// The name of the token that a request came with; an extension of every request that had to show one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenName(pub String);

/// The tokens of a program. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth(Option<Arc<[Token]>>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) secret: Secret,
    pub(super) allow: Vec<Scope>,
}

impl Auth {
    /// Everyone may do everything.
    #[must_use]
    pub const fn open() -> Auth {
        Auth(None)
    }

    pub(super) fn with_tokens(tokens: Vec<Token>) -> Auth {
        Auth(Some(tokens.into()))
    }

    /// Whether everyone may do everything.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// `routes`, for those only who may `scope`: 401 without a known token, 403 with one that lacks the scope.
    /// A fallback of `routes` is not guarded.
    pub fn guard<S: Clone + Send + Sync + 'static>(&self, scope: Scope, routes: Router<S>) -> Router<S> {
        match &self.0 {
            None => routes,
            Some(tokens) => routes.route_layer(from_fn_with_state((Arc::clone(tokens), scope), check)),
        }
    }
}

impl Auth {
    /// A token that may `scope`, for a command line that calls its own running program.
    #[must_use]
    pub fn token_for(&self, scope: Scope) -> Option<&Secret> {
        let mut tokens = self.0.iter().flat_map(|tokens| tokens.iter());
        tokens.find(|token| token.allow.contains(&scope)).map(|token| &token.secret)
    }
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Refused {
    NoToken,
    UnknownToken,
    ScopeMissing,
}

type Guard = (Arc<[Token]>, Scope);

async fn check(State((tokens, scope)): State<Guard>, mut request: Request, next: Next) -> Response {
    match admit(&tokens, scope, request.headers()) {
        Ok(name) => {
            request.extensions_mut().insert(name);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

fn admit(tokens: &[Token], scope: Scope, headers: &HeaderMap) -> Result<TokenName, Refused> {
    let given = bearer(headers).ok_or(Refused::NoToken)?;
    // never stops at a match: how long it takes must not say which token it was
    let known = tokens.iter().fold(None, |found, token| {
        let same = token.secret.expose().as_bytes().ct_eq(given);
        if bool::from(same) { Some(token) } else { found }
    });
    let token = known.ok_or(Refused::UnknownToken)?;
    if !token.allow.contains(&scope) {
        return Err(Refused::ScopeMissing);
    }
    Ok(TokenName(token.name.clone()))
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

impl Refused {
    fn into_response(self) -> Response {
        let (status, said, challenge) = match self {
            Refused::NoToken => {
                (StatusCode::UNAUTHORIZED, "a bearer token is needed", "Bearer realm=\"modelwatch\"")
            }
            Refused::UnknownToken => (
                StatusCode::UNAUTHORIZED,
                "the bearer token is not known",
                "Bearer realm=\"modelwatch\", error=\"invalid_token\"",
            ),
            Refused::ScopeMissing => (
                StatusCode::FORBIDDEN,
                "the bearer token may not do this",
                "Bearer realm=\"modelwatch\", error=\"insufficient_scope\"",
            ),
        };
        let mut response = Problem::new(status, said).into_response();
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        response
    }
}

#[cfg(test)]
mod tests;
