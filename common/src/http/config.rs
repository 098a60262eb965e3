//! The `web:` section.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::Uri;
use serde::Deserialize;

use super::auth::{Auth, RawAuth};
use super::tls::{RawTls, Tls};
use crate::config::{ByteSize, Faults, Source};

/// Where and for whom a program serves HTTP.
#[derive(Clone, Debug)]
pub struct WebConfig {
    listen_address: ListenAddress,
    max_body: ByteSize,
    external_url: Option<String>,
    tls: Tls,
    auth: Auth,
}

/// `HOST:PORT`; an empty host is every address of the machine, an IPv6 address stands in brackets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenAddress {
    host: String,
    port: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeb {
    listen_address: Option<String>,
    max_body: Option<ByteSize>,
    external_url: Option<String>,
    tls: Option<RawTls>,
    auth: Option<RawAuth>,
}

impl WebConfig {
    /// Takes the section `web` out of `source`. `flag` is the value of `--web.listen-address`, which wins over the
    /// file; without either it is loopback, `default_port`. What is faulty is noted and left at its default.
    pub fn load(
        source: &mut Source,
        flag: Option<&str>,
        default_port: u16,
        faults: &mut Faults,
    ) -> WebConfig {
        let raw: RawWeb = source.section("web", faults);
        WebConfig {
            listen_address: listen_address(raw.listen_address.as_deref(), flag, faults)
                .unwrap_or_else(|| ListenAddress::loopback(default_port)),
            max_body: max_body(raw.max_body, faults),
            external_url: external_url(raw.external_url.as_deref(), faults),
            tls: raw.tls.map(|raw| raw.validate(source, faults)).unwrap_or_default(),
            auth: raw.auth.map_or_else(Auth::open, |raw| raw.validate(source, faults)),
        }
    }

    /// Where to listen.
    #[must_use]
    pub fn listen_address(&self) -> &ListenAddress {
        &self.listen_address
    }

    /// The longest body that a request may have, after decompression too.
    #[must_use]
    pub fn max_body(&self) -> ByteSize {
        self.max_body
    }

    /// How others reach this program, without a slash at the end.
    #[must_use]
    pub fn external_url(&self) -> Option<&str> {
        self.external_url.as_deref()
    }

    /// Who may do what, now and after every [`take_over`](WebConfig::take_over).
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// How connections are encrypted, likewise.
    pub(super) fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Lets the server that runs with this section go on with the certificate, tokens and users of `newer`. Connections
    /// that are there stay; every request shows its credentials anew.
    pub fn take_over(&self, newer: &WebConfig) {
        self.tls.adopt(&newer.tls);
        self.auth.adopt(&newer.auth);
        self.warn_when_open();
    }

    /// Warns when anyone who reaches the address may do everything.
    pub(super) fn warn_when_open(&self) {
        let address = &self.listen_address;
        if self.auth.is_open() && !address.is_loopback() {
            tracing::warn!(%address, "anyone who reaches this address may use it: web.auth is not configured");
        }
    }

    /// The keys whose values differ in `newer` and which a server that runs does not take over.
    #[must_use]
    pub fn changed_keys(&self, newer: &WebConfig) -> Vec<&'static str> {
        let changed = [
            ("web.listen_address", self.listen_address != newer.listen_address),
            ("web.max_body", self.max_body != newer.max_body),
        ];
        changed.into_iter().filter_map(|(key, changed)| changed.then_some(key)).collect()
    }
}

/// Whether this name or address is that of this machine to itself.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl ListenAddress {
    /// Only this machine.
    #[must_use]
    pub fn loopback(port: u16) -> ListenAddress {
        ListenAddress { host: "127.0.0.1".to_owned(), port }
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// For the operating system: every address is `::`, which takes IPv4 as well.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        (if self.host.is_empty() { "::" } else { &self.host }, self.port)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<ListenAddress, String> {
        let wrong = || format!("expected HOST:PORT such as 127.0.0.1:8080, found `{text}`");
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bare.is_none() && host.contains([':', '/', ' ']) {
            return Err(wrong());
        }
        let port = port.parse().map_err(|_| wrong())?;
        Ok(ListenAddress { host: bare.unwrap_or(host).to_owned(), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn listen_address(file: Option<&str>, flag: Option<&str>, faults: &mut Faults) -> Option<ListenAddress> {
    let from_file = file
        .and_then(|text| text.parse().map_err(|what: String| faults.add("web.listen_address", what)).ok());
    let from_flag = flag.and_then(|text| {
        text.parse().map_err(|what: String| faults.add_elsewhere("--web.listen-address", what)).ok()
    });
    from_flag.or(from_file)
}

fn max_body(size: Option<ByteSize>, faults: &mut Faults) -> ByteSize {
    let size = size.unwrap_or(ByteSize::mebibytes(16));
    if !(1..=1 << 30).contains(&size.bytes()) {
        faults.add("web.max_body", format!("expected up to 1GiB, and not 0, found {size}"));
    }
    size
}

fn external_url(text: Option<&str>, faults: &mut Faults) -> Option<String> {
    let text = text?;
    let absolute = text.parse::<Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some() && url.query().is_none()
    });
    if absolute {
        return Some(text.trim_end_matches('/').to_owned());
    }
    faults.add(
        "web.external_url",
        format!("expected a URL such as https://alerts.example.com, found `{text}`"),
    );
    None
}

#[cfg(test)]
mod tests;
