//! How a command of a program calls the one that runs with the same configuration: its address, a token of its own, and
//! trust in the certificate that it shows.
//!
//! The certificate is compared with the one in `web.tls.cert_file` instead of being followed to an authority: whoever has
//! its key is the program, whatever name the certificate was made for and whoever signed it.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::{Scope, WebConfig};
use crate::secret::Secret;

/// What a client needs.
#[derive(Debug)]
pub struct Reach {
    /// The address of the program, without a slash at the end.
    pub url: String,
    /// What its requests show as a bearer token, if it asks for one.
    pub token: Option<Secret>,
    /// How its certificate is checked, if it shows one. Without ALPN, which is the HTTP client's own matter.
    pub tls: Option<ClientConfig>,
}

/// The running program cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// Nobody but the operating system knows where it listens.
    #[error("web.listen_address has port 0, expected the port on which the running program listens")]
    NoPort,
    /// There are tokens or users, but none that a command could use.
    #[error("web.auth has no token that may {0}, and a user's password is not in the configuration")]
    NoToken(Scope),
    /// Clients have to show a certificate, and the configuration holds none for them.
    #[error("web.tls.client_ca_file asks for a certificate, and commands of this program have none to show")]
    Mutual,
    /// TLS cannot be had on this machine.
    #[error("cannot speak TLS: {0}")]
    Tls(rustls::Error),
}

impl WebConfig {
    /// How to call the program that runs with this section, to do what `scope` allows.
    ///
    /// # Errors
    /// When the section does not say enough.
    pub fn reach(&self, scope: Scope) -> Result<Reach, Unreachable> {
        let (host, port) = self.listen_address().host_and_port();
        if port == 0 {
            return Err(Unreachable::NoPort);
        }
        // whoever listens everywhere listens on loopback
        let host = match host {
            "0.0.0.0" => "127.0.0.1".to_owned(),
            "::" => "[::1]".to_owned(),
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        };
        if self.tls().is_mutual() {
            return Err(Unreachable::Mutual);
        }
        let token = self.auth().token_for(scope);
        if token.is_none() && !self.auth().is_open() {
            return Err(Unreachable::NoToken(scope));
        }
        let tls = self.tls().certificate().map(trusting_only).transpose().map_err(Unreachable::Tls)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        Ok(Reach { url: format!("{scheme}://{host}:{port}"), token, tls })
    }
}

pub(super) fn trusting_only(certificate: CertificateDer<'static>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Same { certificate, provider: Arc::clone(&provider) });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Lets a server pass that shows this certificate and proves that it has its key.
#[derive(Debug)]
struct Same {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

/// The running program shows another certificate.
struct Another;

/// rustls shows such an error by its `Debug` only.
impl fmt::Debug for Another {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Another {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "it shows another certificate than the one in web.tls.cert_file, reload it if that is newer",
        )
    }
}

impl std::error::Error for Another {}

impl ServerCertVerifier for Same {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *shown == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Another)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::server::tests::web_at;

    #[test]
    fn the_address_is_one_that_a_client_can_call() {
        for (listen, url) in [
            ("127.0.0.1:9741", "http://127.0.0.1:9741"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            (":9741", "http://[::1]:9741"),
            ("[::1]:9741", "http://[::1]:9741"),
            ("localhost:1", "http://localhost:1"),
        ] {
            let reach = web_at(listen, "{}").reach(Scope::Write).unwrap();
            assert_eq!(reach.url, url);
            assert!(reach.token.is_none() && reach.tls.is_none());
        }
        let error = web_at("127.0.0.1:0", "{}").reach(Scope::Write).unwrap_err();
        assert!(error.to_string().contains("web.listen_address"), "{error}");
    }

    #[test]
    fn with_tls_its_own_certificate_is_trusted_unless_it_asks_for_one() {
        let web =
            |more: &str| web_at(":1", &format!("{{tls: {{cert_file: cert.pem, key_file: key.pem{more}}}}}"));
        let reach = web("").reach(Scope::Read).unwrap();
        assert!(reach.url == "https://[::1]:1" && reach.tls.is_some(), "{}", reach.url);
        let error = web(", client_ca_file: cert.pem").reach(Scope::Read).unwrap_err().to_string();
        assert!(error.starts_with("web.tls.client_ca_file "), "{error}");
    }

    #[test]
    fn a_token_that_may_is_shown_and_without_one_it_is_said() {
        let web = web_at(
            ":1",
            "{auth: {tokens: [{name: a, token: one, allow: [read]}, {name: b, token: two, allow: [read, write]}]}}",
        );
        let token = |scope| web.reach(scope).map(|reach| reach.token.unwrap().expose().to_owned());
        assert_eq!(token(Scope::Read).unwrap(), "one");
        assert_eq!(token(Scope::Write).unwrap(), "two");
        let error = token(Scope::Ingest).unwrap_err().to_string();
        assert_eq!(
            error,
            "web.auth has no token that may ingest, and a user's password is not in the configuration"
        );
    }
}
