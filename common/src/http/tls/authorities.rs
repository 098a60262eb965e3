//! Whom to trust: the certificates of authorities.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The authorities in a PEM text; `None` if there is none, or one that cannot be used, since whoever is left out would
/// be missed only when they are needed.
#[must_use]
pub fn authorities(pem: &[u8]) -> Option<RootCertStore> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    trusting(all.ok()?)
}

/// Those whose certificates these are, as [`authorities`].
pub(super) fn trusting(certificates: Vec<CertificateDer<'static>>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}
