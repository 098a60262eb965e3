//! Certificates and keys from PEM files. No message repeats anything of their contents.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, ServerConfig};
use webpki::{EndEntityCert, KeyUsage};

use super::authorities::trusting;

/// A file, and the key of `web.tls` that names it.
pub(super) struct File {
    pub(super) key: &'static str,
    pub(super) path: PathBuf,
}

/// What is wrong, and under which key of `web.tls`.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) key: &'static str,
    pub(super) what: String,
}

/// Files that fit together.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: ServerConfig,
    pub(super) certificate: CertificateDer<'static>,
}

impl File {
    fn fault(&self, what: impl std::fmt::Display) -> Fault {
        Fault { key: self.key, what: format!("{}: {what}", self.path.display()) }
    }

    fn read(&self) -> Result<Vec<u8>, Fault> {
        let text = std::fs::read(&self.path)
            .map_err(|reason| Fault { key: self.key, what: cannot_read(&self.path, &reason) })?;
        if text.trim_ascii().is_empty() { Err(self.fault("is empty")) } else { Ok(text) }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Fault> {
        let expected = "expected PEM, with -----BEGIN CERTIFICATE-----";
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.read()?).collect();
        // what the parser says repeats what it found
        let all = all.map_err(|_| self.fault(format!("is damaged, {expected}")))?;
        if all.is_empty() { Err(self.fault(format!("holds no certificate, {expected}"))) } else { Ok(all) }
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, Fault> {
        const EXPECTED: &str = "expected PEM, with -----BEGIN PRIVATE KEY-----";
        let text = self.read()?;
        let holds = |mark: &[u8]| text.windows(mark.len()).any(|part| part == mark);
        if holds(b"BEGIN ENCRYPTED PRIVATE KEY") || holds(b"Proc-Type: 4,ENCRYPTED") {
            return Err(self.fault("the key is encrypted, expected one without a passphrase"));
        }
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => {
                self.fault(format!("holds no private key, {EXPECTED}"))
            }
            _ => self.fault(format!("is damaged, {EXPECTED}")),
        })
    }
}

/// A server's configuration from these files: TLS 1.2 and 1.3. HTTP/1.1 is all it offers: over HTTP/2 a refusal that comes
/// before the whole body would reset the stream, and many clients would see that instead of the answer. A certificate that
/// is over is warned of, and used: clients that do not mind go on.
///
/// # Errors
/// Everything that is wrong with the files.
pub(super) fn load(certificate: &File, key: &File, authority: Option<&File>) -> Result<Loaded, Vec<Fault>> {
    let mut faults = Vec::new();
    let chain = certificate.certificates().map_err(|fault| faults.push(fault)).ok();
    let private = key.private_key().map_err(|fault| faults.push(fault)).ok();
    let provider = Arc::new(ring::default_provider());
    let verifier = authority.map(|file| verifier(file, &provider)).transpose();
    let verifier = verifier.map_err(|fault| faults.push(fault)).ok();
    let (Some(chain), Some(private), Some(verifier)) = (chain, private, verifier) else { return Err(faults) };
    warn_when_over(certificate, &chain[0]);
    let shown = chain[0].clone();
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| vec![certificate.fault(error)])?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, private);
    let mut config = config.map_err(|error| vec![misfit(&error, certificate, key)])?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded { config, certificate: shown })
}

/// Lets only those in who show a certificate of this authority.
fn verifier(file: &File, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, Fault> {
    let roots = trusting(file.certificates()?);
    let roots = roots.ok_or_else(|| file.fault("expected certificates of an authority"))?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| file.fault(error))
}

fn misfit(error: &rustls::Error, certificate: &File, key: &File) -> Fault {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            key.fault(format!("is not the key of the certificate in {}", certificate.path.display()))
        }
        rustls::Error::InvalidCertificate(_) => certificate.fault("its first certificate cannot be used"),
        _ => key.fault("the key cannot be used, expected one of RSA, ECDSA (P-256, P-384) or Ed25519"),
    }
}

fn warn_when_over(file: &File, certificate: &CertificateDer<'_>) {
    let file = file.path.display();
    let date = |at: UnixTime| {
        let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    };
    match period(certificate) {
        Err(webpki::Error::CertExpired { not_after, .. }) => {
            tracing::warn!(%file, expired = %date(not_after), "the certificate has expired, clients will refuse it");
        }
        Err(webpki::Error::CertNotValidYet { not_before, .. }) => {
            tracing::warn!(%file, begins = %date(not_before), "the certificate is not valid yet, clients will refuse it");
        }
        _ => {}
    }
}

/// Whether the certificate is over or not yet valid. webpki looks at that first, so that with no authority to trust any
/// other answer means that the time is right.
pub(super) fn period(certificate: &CertificateDer<'_>) -> Result<(), webpki::Error> {
    let certificate = EndEntityCert::try_from(certificate)?;
    let usage = KeyUsage::server_auth();
    certificate.verify_for_usage(&[], &[], &[], UnixTime::now(), usage, None, None).map(|_| ())
}

/// With what the operating system said, as it said it.
fn cannot_read(path: &Path, reason: &std::io::Error) -> String {
    format!("cannot read {}: {reason}", path.display())
}
