//! The section `alertmanager` of the configuration.

use std::collections::BTreeSet;
use std::path::PathBuf;

use modelwatch_common::config::{Faults, Source};
use modelwatch_common::secret::{Secret, SecretError};
use reqwest::Url;
use serde::Deserialize;

/// Which Alertmanager can be asked, and about which alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where it is, and who we are to it: a URL to which paths can be added. It may hold a password.
    pub(super) url: Secret,
    /// The sources whose alerts come from it, if the configuration says so.
    pub sources: Option<BTreeSet<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAlertmanager {
    url: Option<Secret>,
    url_file: Option<PathBuf>,
    sources: Option<BTreeSet<String>>,
}

/// Why a URL cannot be used. It may be a secret and is not repeated.
#[derive(Debug, thiserror::Error)]
enum UrlError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("expected an http or https URL such as http://localhost:9093")]
    NotAUrl,
    #[error("expected a URL without `?` and `#`, to which /api/v2/alerts can be added")]
    NotABase,
}

impl Settings {
    /// Takes the section `alertmanager` out of `source`; `None` if nobody can be asked.
    pub fn load(source: &mut Source, faults: &mut Faults) -> Option<Settings> {
        let raw: RawAlertmanager = source.section("alertmanager", faults);
        let key = if raw.url_file.is_some() { "alertmanager.url_file" } else { "alertmanager.url" };
        if raw.sources.as_ref().is_some_and(BTreeSet::is_empty) {
            faults.add("alertmanager.sources", "expected at least one source of webhooks");
        }
        let file = raw.url_file.map(|file| source.resolve(&file));
        let url = Secret::from_either("url", raw.url, file.as_deref());
        match url.map_err(UrlError::from).and_then(|url| url.map(checked).transpose()) {
            Ok(Some(url)) => Some(Settings { url, sources: raw.sources }),
            Ok(None) => {
                if raw.sources.is_some() {
                    faults.add("alertmanager.url", "is missing, and without it nobody can be asked");
                }
                None
            }
            Err(fault) => {
                faults.add(key, fault);
                None
            }
        }
    }
}

fn checked(url: Secret) -> Result<Secret, UrlError> {
    let parsed = Url::parse(url.expose()).map_err(|_| UrlError::NotAUrl)?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(UrlError::NotAUrl);
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(UrlError::NotABase);
    }
    Ok(url)
}
