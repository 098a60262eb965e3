//! What a webhook channel is configured with: where requests go, what is in them, and what a yes is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::template::{Body, values};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use super::fault::HookFault;
use super::recipe::{Recipe, recipe};
use super::signature;
use super::success::{RawSuccess, Success};
use crate::notify::http::is_url;

/// Headers that the program or its HTTP client writes.
const OWN_HEADERS: [&str; 8] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "host",
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// A webhook channel as written in the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHook {
    /// What routes call it.
    pub(crate) name: String,
    /// A recipe, or the folder of its templates.
    pub(crate) template: Option<String>,
    /// Whether the end of an alert is told, true by default.
    pub(crate) send_resolved: Option<bool>,
    /// The channel that gets what this one did not.
    pub(crate) fallback: Option<String>,
    /// How often it may be sent to, as often as there is something to say by default.
    pub(crate) rate: Option<String>,
    /// The method, POST by default.
    method: Option<String>,
    /// Where requests go; a secret.
    url: Option<Secret>,
    /// A file with that URL.
    url_file: Option<PathBuf>,
    /// Headers by name; of `NAME_file` the value stands in a file.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    /// What templates write as `{{secret "NAME"}}`; of `NAME_file` it stands in a file.
    #[serde(default)]
    values: BTreeMap<String, Secret>,
    /// `json` or `text`, for templates of the operator's own.
    body: Option<String>,
    /// What a yes is.
    success: Option<RawSuccess>,
    /// How requests are signed, if they are.
    signature: Option<RawSignature>,
}

/// The signature as written in the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    /// What only we and the service know.
    secret: Option<Secret>,
    /// A file with it.
    secret_file: Option<PathBuf>,
}

/// How requests are made.
#[derive(Debug, Clone)]
pub struct Hook {
    body: Body,
    method: Method,
    url: Secret,
    headers: HeaderMap,
    values: BTreeMap<String, Secret>,
    success: Success,
    signature: Option<Secret>,
    /// All of the above that nobody may see.
    secrets: Vec<Secret>,
}

impl RawHook {
    /// The validated settings, or everything that is wrong with them. Relative files are relative to `directory`.
    pub(crate) fn validate(self, directory: &Path) -> Result<Hook, Vec<HookFault>> {
        let mut faults = Vec::new();
        let body = body(self.template.as_deref(), self.body.as_deref(), &mut faults);
        let needs = recipe(body);
        let url = address((self.url, self.url_file), needs.url, directory, &mut faults);
        let method = method(self.method.as_deref(), &mut faults);
        let given = secrets("headers", self.headers, directory, &mut faults);
        let values = secrets("values", self.values, directory, &mut faults);
        let headers = headers(&given, &mut faults);
        check_needs(body, &needs, &headers, &values, &mut faults);
        let success = self.success.unwrap_or_default().validate(needs.success, &mut faults);
        let signature = self.signature.and_then(|raw| raw.validate(directory, &mut faults));
        match url {
            Some(url) if faults.is_empty() => {
                let hidden =
                    [&url].into_iter().chain(given.values()).chain(values.values()).chain(&signature);
                let secrets = hidden.cloned().collect();
                Ok(Hook { body, method, url, headers, values, success, signature, secrets })
            }
            _ => Err(faults),
        }
    }
}

impl RawSignature {
    fn validate(self, directory: &Path, faults: &mut Vec<HookFault>) -> Option<Secret> {
        let secret = one_of("signature.secret", (self.secret, self.secret_file), directory, faults)?;
        match &secret {
            None => faults.push(HookFault::NoSecret),
            Some(secret) if signature::key(secret).is_none() => faults.push(HookFault::NotBase64),
            Some(_) => {}
        }
        secret
    }
}

impl Hook {
    /// What is sent.
    pub fn body(&self) -> Body {
        self.body
    }

    /// Whether the body is JSON.
    pub(super) fn is_json(&self) -> bool {
        self.body != Body::Text
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn url(&self) -> &Secret {
        &self.url
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn value(&self, name: &str) -> Option<&Secret> {
        self.values.get(name)
    }

    pub(super) fn success(&self) -> &Success {
        &self.success
    }

    pub(super) fn signature(&self) -> Option<&Secret> {
        self.signature.as_ref()
    }

    /// Everything that may be seen nowhere.
    pub(super) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }
}

fn body(template: Option<&str>, given: Option<&str>, faults: &mut Vec<HookFault>) -> Body {
    if let Some(recipe) = template.and_then(Body::recipe) {
        if given.is_some() {
            faults.push(HookFault::BodyOfRecipe(recipe.name()));
        }
        return recipe;
    }
    match given {
        None | Some("json") => Body::Json,
        Some("text") => Body::Text,
        Some(other) => {
            faults.push(HookFault::Body(other.to_owned()));
            Body::Json
        }
    }
}

fn address(
    given: (Option<Secret>, Option<PathBuf>),
    usual: Option<&str>,
    directory: &Path,
    faults: &mut Vec<HookFault>,
) -> Option<Secret> {
    let url = one_of("url", given, directory, faults)?.or_else(|| usual.map(Secret::new));
    match url {
        None => faults.push(HookFault::NoUrl),
        Some(url) if is_url(url.expose()) => return Some(url),
        Some(_) => faults.push(HookFault::NotAUrl),
    }
    None
}

/// The secret under `key` or in its file; the outer `None` after a fault, which is noted.
fn one_of(
    key: &str,
    (value, file): (Option<Secret>, Option<PathBuf>),
    directory: &Path,
    faults: &mut Vec<HookFault>,
) -> Option<Option<Secret>> {
    let file = file.map(|file| directory.join(file));
    let from = if value.is_none() && file.is_some() { format!("{key}_file") } else { key.to_owned() };
    Secret::from_either(key, value, file.as_deref())
        .map_err(|error| faults.push(HookFault::Secret { key: from, error }))
        .ok()
}

fn method(given: Option<&str>, faults: &mut Vec<HookFault>) -> Method {
    let Some(word) = given else { return Method::POST };
    let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase());
    match Method::from_bytes(word.as_bytes()) {
        Ok(method) if is_word && method != Method::CONNECT => method,
        _ => {
            faults.push(HookFault::Method);
            Method::POST
        }
    }
}

/// The secrets of a section by their names; what is under `NAME_file` is read from there.
fn secrets(
    section: &str,
    given: BTreeMap<String, Secret>,
    directory: &Path,
    faults: &mut Vec<HookFault>,
) -> BTreeMap<String, Secret> {
    let mut found: BTreeMap<String, (Option<Secret>, Option<PathBuf>)> = BTreeMap::new();
    for (key, secret) in given {
        match key.strip_suffix("_file") {
            Some(name) => found.entry(name.to_owned()).or_default().1 = Some(secret.expose().into()),
            None => found.entry(key).or_default().0 = Some(secret),
        }
    }
    found
        .into_iter()
        .filter_map(|(name, either)| {
            let secret = one_of(&format!("{section}.{name}"), either, directory, faults)??;
            Some((name, secret))
        })
        .collect()
}

fn headers(given: &BTreeMap<String, Secret>, faults: &mut Vec<HookFault>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            faults.push(HookFault::HeaderName(name.clone()));
            continue;
        };
        let Ok(mut value) = HeaderValue::from_str(value.expose()) else {
            faults.push(HookFault::HeaderValue(name.clone()));
            continue;
        };
        if OWN_HEADERS.contains(&header.as_str()) {
            faults.push(HookFault::OwnHeader(name.clone()));
        }
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    headers
}

fn check_needs(
    body: Body,
    needs: &Recipe,
    headers: &HeaderMap,
    given: &BTreeMap<String, Secret>,
    faults: &mut Vec<HookFault>,
) {
    let strange = given.keys().filter(|name| !values::is_name(name));
    faults.extend(strange.map(|name| HookFault::ValueName(name.clone())));
    let recipe = body.name();
    let missing = needs.values.iter().filter(|name| !given.contains_key(**name));
    faults.extend(missing.map(|name| HookFault::NoValue { recipe, name }));
    let header = needs.header.filter(|name| !headers.contains_key(*name));
    faults.extend(header.map(|name| HookFault::NoHeader { recipe, name }));
}

#[cfg(test)]
mod tests;
