//! The section `web.auth`.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::credentials::{Credentials, Token};
use super::users::Users;
use super::{Auth, Scope};
use crate::config::{Faults, Source};
use crate::secret::Secret;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RawAuth {
    #[serde(default)]
    tokens: Vec<RawToken>,
    basic_users_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken {
    name: String,
    token: Option<Secret>,
    file: Option<PathBuf>,
    allow: Option<Vec<Scope>>,
}

impl RawAuth {
    pub(in crate::http) fn validate(self, source: &Source, faults: &mut Faults) -> Auth {
        if self.tokens.is_empty() && self.basic_users_file.is_none() {
            faults.add(
                "web.auth",
                "expected at least one of `tokens` or a `basic_users_file`, or no `auth` at all",
            );
        }
        let tokens = tokens(self.tokens, source, faults);
        let users = self.basic_users_file.and_then(|file| users(&source.resolve(&file), faults));
        Auth::of(Some(Credentials { tokens, users }))
    }
}

fn tokens(all: Vec<RawToken>, source: &Source, faults: &mut Faults) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (i, raw) in all.into_iter().enumerate() {
        match token(raw, source) {
            Ok(token) if tokens.iter().any(|other| other.name == token.name) => {
                faults.add(format!("web.auth.tokens[{i}].name"), format!("`{}` is there twice", token.name));
            }
            Ok(token) => match tokens.iter().find(|other| other.secret == token.secret) {
                Some(other) => faults.add(
                    format!("web.auth.tokens[{i}]"),
                    format!("has the same secret as `{}`, expected one of its own", other.name),
                ),
                None => tokens.push(token),
            },
            Err(what) => faults.add(format!("web.auth.tokens[{i}]"), what),
        }
    }
    tokens
}

fn token(raw: RawToken, source: &Source) -> Result<Token, String> {
    let file = raw.file.map(|file| source.resolve(&file));
    let secret = Secret::from_either("token", raw.token, file.as_deref())
        .map_err(|error| error.to_string())?
        .ok_or_else(|| "expected `file` or `token`".to_owned())?;
    let allow = raw.allow.unwrap_or_else(|| Scope::ALL.to_vec());
    if allow.is_empty() {
        return Err("`allow` is empty, expected some of ingest, read, write, metrics".to_owned());
    }
    Ok(Token { name: raw.name, secret, allow })
}

fn users(file: &std::path::Path, faults: &mut Faults) -> Option<Arc<Users>> {
    let read = std::fs::read_to_string(file)
        .map_err(|reason| format!("cannot read {}: {reason}", file.display()))
        .and_then(|text| Users::parse(&text).map_err(|error| format!("{}: {error}", file.display())));
    read.map_err(|what| faults.add("web.auth.basic_users_file", what)).ok().map(Arc::new)
}
