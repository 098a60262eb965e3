//! What a request shows, and what the program knows.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use super::refused::Refused;
use super::users::Users;
use super::{Scope, TokenName};
use crate::secret::Secret;

/// Everyone who may do something.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) tokens: Vec<Token>,
    pub(super) users: Option<Arc<Users>>,
}

/// A program that may do something.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) secret: Secret,
    pub(super) allow: Vec<Scope>,
}

/// What a request shows.
pub(super) enum Given<'a> {
    /// As it came: it may be anything but the right one.
    Token(&'a [u8]),
    /// A name, and what is said to be its password.
    Password { user: String, password: Secret },
}

impl Credentials {
    pub(super) fn admit_token(&self, given: &[u8], scope: Scope) -> Result<TokenName, Refused> {
        // never stops at a match: how long it takes must not say which token it was
        let known = self.tokens.iter().fold(None, |found, token| {
            let same = token.secret.expose().as_bytes().ct_eq(given);
            if bool::from(same) { Some(token) } else { found }
        });
        let token = known.ok_or(Refused::UnknownToken)?;
        if token.allow.contains(&scope) {
            Ok(TokenName(token.name.clone()))
        } else {
            Err(Refused::ScopeMissing)
        }
    }

    pub(super) fn token_for(&self, scope: Scope) -> Option<Secret> {
        self.tokens.iter().find(|token| token.allow.contains(&scope)).map(|token| token.secret.clone())
    }

    pub(super) fn only_token(&self, scope: Scope) -> Option<TokenName> {
        let mut may = self.tokens.iter().filter(|token| token.allow.contains(&scope));
        match (may.next(), may.next(), &self.users) {
            (Some(token), None, None) => Some(TokenName(token.name.clone())),
            _ => None,
        }
    }
}

impl Given<'_> {
    /// What the header `Authorization` says. Of several, none can be the one that is meant.
    pub(super) fn of(headers: &HeaderMap) -> Result<Given<'_>, Refused> {
        let mut all = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        let (given, None) = (all.next().ok_or(Refused::NoCredentials)?, all.next()) else {
            return Err(Refused::Malformed);
        };
        let end = given.iter().position(|byte| *byte == b' ').ok_or(Refused::NoCredentials)?;
        let (scheme, rest) = (&given[..end], given[end..].trim_ascii());
        if scheme.eq_ignore_ascii_case(b"bearer") {
            Ok(Given::Token(rest))
        } else if scheme.eq_ignore_ascii_case(b"basic") {
            password(rest).ok_or(Refused::Malformed)
        } else {
            Err(Refused::NoCredentials)
        }
    }
}

/// RFC 7617: a name without a colon, a colon and a password in UTF-8, all that in Base64.
fn password(encoded: &[u8]) -> Option<Given<'static>> {
    let plain = Secret::new(String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?);
    let (user, password) = plain.expose().split_once(':')?;
    Some(Given::Password { user: user.to_owned(), password: Secret::new(password) })
}
