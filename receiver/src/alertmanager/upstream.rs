//! The edge to Alertmanager's API, version 2: what is asked, within which limits, and what can go wrong.
//!
//! Nothing here decides anything, and nothing of the URL, which may hold a password, is ever repeated.

use std::collections::BTreeSet;
use std::time::Duration;

use modelwatch_common::causes::{causes, is_tls};
use modelwatch_receiver_core::alert::{Listing, Standing};
use reqwest::{Client, StatusCode, Url};

use super::Settings;
use crate::outgoing;

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the answer is complete.
    pub answer: Duration,
    /// The longest answer, in bytes.
    pub bytes: usize,
}

impl Default for Limits {
    /// 2 s, 5 s and 64 MiB: an Alertmanager of 10 000 alerts answers with about 10 MB within half a second.
    fn default() -> Limits {
        Limits { connect: Duration::from_secs(2), answer: Duration::from_secs(5), bytes: 64 << 20 }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody is there, or the connection was lost.
    #[error("no connection: {0}")]
    Connect(String),
    /// It takes too long.
    #[error("no answer in time")]
    Timeout,
    /// It is not who it should be.
    #[error("no trust: {0}")]
    Tls(String),
    /// It does not know us.
    #[error("{0}: it wants other credentials")]
    Auth(StatusCode),
    /// It does not answer such a request.
    #[error("{0} is no answer")]
    Refused(StatusCode),
    /// It fails.
    #[error("{0}: it fails")]
    ServerError(StatusCode),
    /// Its answer is of another kind.
    #[error("its answer is not that of Alertmanager's API, version 2")]
    Invalid,
    /// Its answer is longer than anyone reads.
    #[error("its answer has more than {0} bytes")]
    TooLarge(usize),
}

impl Trouble {
    /// Every [`result`](Trouble::result) that there is.
    pub(super) const RESULTS: [&'static str; 8] =
        ["connect", "timeout", "tls", "auth", "refused", "server_error", "invalid", "too_large"];

    /// The name used in metrics.
    pub(super) fn result(&self) -> &'static str {
        match self {
            Trouble::Connect(_) => "connect",
            Trouble::Timeout => "timeout",
            Trouble::Tls(_) => "tls",
            Trouble::Auth(_) => "auth",
            Trouble::Refused(_) => "refused",
            Trouble::ServerError(_) => "server_error",
            Trouble::Invalid => "invalid",
            Trouble::TooLarge(_) => "too_large",
        }
    }
}

/// The Alertmanager that can be asked.
pub struct Upstream {
    client: Client,
    alerts: Url,
    status: Url,
    limits: Limits,
}

/// An Alertmanager cannot be asked, whatever it says: TLS is broken on this machine.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the HTTP client for alertmanager.url: {0}")]
pub struct UpstreamError(String);

impl Upstream {
    /// The one of these settings.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new(settings: &Settings, limits: Limits) -> Result<Upstream, UpstreamError> {
        let client = outgoing::client(limits.connect, limits.answer)
            .map_err(|error| UpstreamError(innermost(&error)))?;
        let base = Url::parse(settings.url.expose()).map_err(|error| UpstreamError(error.to_string()))?;
        let mut alerts = below(&base, "api/v2/alerts");
        alerts.set_query(Some("active=true&silenced=true&inhibited=true&unprocessed=true"));
        Ok(Upstream { client, alerts, status: below(&base, "api/v2/status"), limits })
    }

    /// All alerts that are not over; those that differ only in labels of `ignored` are one.
    pub(super) async fn listing(&self, ignored: BTreeSet<String>) -> Result<Listing, Trouble> {
        let body = self.get(&self.alerts).await?;
        // a long one is read away from the I/O threads
        let parsed = tokio::task::spawn_blocking(move || Listing::parse(&body, &ignored));
        parsed.await.map_err(|_| Trouble::Invalid)?.map_err(|_| Trouble::Invalid)
    }

    /// How much it knows.
    pub(super) async fn standing(&self) -> Result<Standing, Trouble> {
        let body = self.get(&self.status).await?;
        Standing::parse(&body).map_err(|_| Trouble::Invalid)
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, Trouble> {
        let mut response = self.client.get(url.clone()).send().await.map_err(|error| failed(&error))?;
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => return Err(Trouble::Auth(status)),
            status if status.is_server_error() => return Err(Trouble::ServerError(status)),
            status => return Err(Trouble::Refused(status)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > self.limits.bytes {
                return Err(Trouble::TooLarge(self.limits.bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// `path` below `base`, whether or not that ends with a slash.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

fn failed(error: &reqwest::Error) -> Trouble {
    if error.is_timeout() {
        Trouble::Timeout
    } else if is_tls(error) {
        Trouble::Tls(innermost(error))
    } else {
        Trouble::Connect(innermost(error))
    }
}

/// The innermost cause, which names the system's complaint and never the URL.
fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}
