//! TLS by rustls: the section `web.tls`, and the certificate as it is now, which a reload changes for connections that
//! come after it.

mod authorities;
mod material;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{Faults, Source};

pub use authorities::authorities;

/// How long a client may take until the connection is encrypted.
pub(super) const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// What a connection begins with in TLS: a record of the handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 0x16;
/// For those who speak HTTP where TLS is spoken; Go's server says the same.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    client_ca_file: Option<PathBuf>,
}

/// How connections are encrypted, as it is now. Cheap to clone; all copies say the same, also after
/// [`adopt`](Tls::adopt).
#[derive(Clone, Debug, Default)]
pub(super) struct Tls(Arc<ArcSwapOption<Served>>);

/// What connections that begin now are served with.
#[derive(Debug)]
struct Served {
    config: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
    /// Whether clients have to show one as well.
    mutual: bool,
}

impl RawTls {
    /// TLS with the files that are named; `None`, with faults, when they cannot be used.
    pub(super) fn validate(self, source: &Source, faults: &mut Faults) -> Tls {
        let mut named = |key: &'static str, file: Option<PathBuf>, expected: &str| {
            let Some(file) = file else {
                faults.add(format!("web.tls.{key}"), format!("is missing, expected {expected}"));
                return None;
            };
            Some(material::File { key, path: source.resolve(&file) })
        };
        let certificate = named("cert_file", self.cert_file, "a PEM file with the certificate and its chain");
        let key = named("key_file", self.key_file, "a PEM file with the private key of the certificate");
        let authority = self
            .client_ca_file
            .map(|file| material::File { key: "client_ca_file", path: source.resolve(&file) });
        let (Some(certificate), Some(key)) = (certificate, key) else { return Tls::default() };
        let mutual = authority.is_some();
        match material::load(&certificate, &key, authority.as_ref()) {
            Ok(loaded) => Tls(Arc::new(ArcSwapOption::from_pointee(Served {
                config: Arc::new(loaded.config),
                certificate: loaded.certificate,
                mutual,
            }))),
            Err(all) => {
                all.into_iter().for_each(|fault| faults.add(format!("web.tls.{}", fault.key), fault.what));
                Tls::default()
            }
        }
    }
}

impl Tls {
    /// Whether connections that begin now are encrypted.
    pub(super) fn is_on(&self) -> bool {
        self.0.load().is_some()
    }

    /// Encrypts connections from now on as `newer` does; those that are there already stay as they are.
    pub(super) fn adopt(&self, newer: &Tls) {
        self.0.store(newer.0.load_full());
    }

    /// The certificate that is shown now.
    pub(super) fn certificate(&self) -> Option<CertificateDer<'static>> {
        self.0.load().as_ref().map(|served| served.certificate.clone())
    }

    /// Whether clients have to show a certificate now.
    pub(super) fn is_mutual(&self) -> bool {
        self.0.load().as_ref().is_some_and(|served| served.mutual)
    }

    /// What encrypts a connection that begins now; `None` for none.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.0.load().as_ref().map(|served| TlsAcceptor::from(Arc::clone(&served.config)))
    }
}

/// The encrypted connection, if it is one within [`HANDSHAKE_WITHIN`]. Whoever speaks plain HTTP is told so.
pub(super) async fn accept(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    tokio::time::timeout(HANDSHAKE_WITHIN, shake_hands(acceptor, stream))
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no handshake in time")))
}

async fn shake_hands(acceptor: TlsAcceptor, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
        tell_plain(&mut stream).await?;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "this is not TLS"));
    }
    acceptor.accept(stream).await
}

/// Answers in plain HTTP. What was sent is read as well: to close with something unread would take the answer away.
async fn tell_plain(stream: &mut TcpStream) -> io::Result<()> {
    const LONGEST: u64 = 64 << 10;
    stream.write_all(NOT_TLS).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(LONGEST), &mut tokio::io::sink()).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
