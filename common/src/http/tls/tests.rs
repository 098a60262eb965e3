use std::path::Path;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;
use crate::config::Environment;

/// A folder with a certificate, its key, the key of another, and files that are something else.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let mut over = params;
    (over.not_before, over.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    for (name, text) in [
        ("cert.pem", pem.clone()),
        ("key.pem", key.serialize_pem()),
        ("other.pem", other.serialize_pem()),
        ("over.pem", over.self_signed(&key).unwrap().pem()),
        ("empty.pem", "\n".to_owned()),
        ("words.pem", "hunter2".to_owned()),
        ("cut.pem", pem[..pem.len() / 2].to_owned()),
        ("cut-key.pem", key.serialize_pem()[..60].to_owned()),
        ("odd.pem", "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n".to_owned()),
        ("odd-key.pem", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n".to_owned()),
        ("sealed.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVudGVyMg==\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned()),
        ("sealed-rsa.pem", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn load(folder: &Path, tls: &str) -> (Tls, String) {
    let path = folder.join("x.yaml");
    std::fs::write(&path, format!("tls: {{{tls}}}")).unwrap();
    let mut source = Source::read(&path, "X", &Environment::default()).unwrap();
    let mut faults = source.faults();
    let raw: Option<RawTls> = source.section("tls", &mut faults);
    let tls = raw.unwrap().validate(&source, &mut faults);
    (tls, faults.to_string().replace(&format!("{}/", folder.display()), ""))
}

#[test]
fn every_file_that_cannot_be_used_is_named_with_its_key_and_what_was_expected() {
    let folder = folder();
    let table = [
        (
            "",
            "x.yaml: web.tls.cert_file: is missing, expected a PEM file with the certificate and its chain\nx.yaml: web.tls.key_file: is missing, expected a PEM file with the private key of the certificate",
        ),
        (
            "cert_file: gone.pem, key_file: key.pem",
            "x.yaml: web.tls.cert_file: cannot read gone.pem: No such file or directory (os error 2)",
        ),
        (
            "cert_file: empty.pem, key_file: empty.pem",
            "x.yaml: web.tls.cert_file: empty.pem: is empty\nx.yaml: web.tls.key_file: empty.pem: is empty",
        ),
        (
            "cert_file: words.pem, key_file: key.pem",
            "x.yaml: web.tls.cert_file: words.pem: holds no certificate, expected PEM, with -----BEGIN CERTIFICATE-----",
        ),
        (
            "cert_file: key.pem, key_file: cert.pem",
            "x.yaml: web.tls.cert_file: key.pem: holds no certificate, expected PEM, with -----BEGIN CERTIFICATE-----\nx.yaml: web.tls.key_file: cert.pem: holds no private key, expected PEM, with -----BEGIN PRIVATE KEY-----",
        ),
        (
            "cert_file: cut.pem, key_file: cut-key.pem",
            "x.yaml: web.tls.cert_file: cut.pem: is damaged, expected PEM, with -----BEGIN CERTIFICATE-----\nx.yaml: web.tls.key_file: cut-key.pem: is damaged, expected PEM, with -----BEGIN PRIVATE KEY-----",
        ),
        (
            "cert_file: odd.pem, key_file: key.pem",
            "x.yaml: web.tls.cert_file: odd.pem: its first certificate cannot be used",
        ),
        (
            "cert_file: cert.pem, key_file: odd-key.pem",
            "x.yaml: web.tls.key_file: odd-key.pem: the key cannot be used, expected one of RSA, ECDSA (P-256, P-384) or Ed25519",
        ),
        (
            "cert_file: cert.pem, key_file: sealed.pem",
            "x.yaml: web.tls.key_file: sealed.pem: the key is encrypted, expected one without a passphrase",
        ),
        (
            "cert_file: cert.pem, key_file: sealed-rsa.pem",
            "x.yaml: web.tls.key_file: sealed-rsa.pem: the key is encrypted, expected one without a passphrase",
        ),
        (
            "cert_file: cert.pem, key_file: other.pem",
            "x.yaml: web.tls.key_file: other.pem: is not the key of the certificate in cert.pem",
        ),
        (
            "cert_file: cert.pem, key_file: key.pem, client_ca_file: key.pem",
            "x.yaml: web.tls.client_ca_file: key.pem: holds no certificate, expected PEM, with -----BEGIN CERTIFICATE-----",
        ),
        (
            "cert_file: cert.pem, key_file: key.pem, client_ca_file: odd.pem",
            "x.yaml: web.tls.client_ca_file: odd.pem: expected certificates of an authority",
        ),
    ];
    for (files, said) in table {
        let (tls, faults) = load(folder.path(), files);
        assert_eq!(faults, said, "{files}");
        assert!(!tls.is_on(), "{files}");
    }
}

#[test]
fn a_certificate_that_is_over_is_used_and_told_apart_from_one_that_is_not() {
    let folder = folder();
    for (file, over) in [("over.pem", true), ("cert.pem", false)] {
        let (tls, faults) = load(folder.path(), &format!("cert_file: {file}, key_file: key.pem"));
        assert_eq!((faults.as_str(), tls.is_on()), ("", true), "{file}");
        let said = material::period(&tls.certificate().unwrap());
        assert_eq!(matches!(said, Err(webpki::Error::CertExpired { .. })), over, "{said:?}");
    }
}

#[test]
fn nothing_of_a_key_is_printed() {
    let folder = folder();
    let (tls, faults) = load(folder.path(), "cert_file: cert.pem, key_file: key.pem");
    assert_eq!(faults, "");
    let key = std::fs::read_to_string(folder.path().join("key.pem")).unwrap();
    assert!(!format!("{tls:?}").contains(key.lines().nth(1).unwrap()));
}

#[test]
fn all_copies_take_a_newer_certificate_over() {
    let folder = folder();
    let (tls, _) = load(folder.path(), "cert_file: cert.pem, key_file: key.pem");
    let (newer, _) = load(folder.path(), "cert_file: over.pem, key_file: key.pem");
    let copy = tls.clone();
    tls.adopt(&newer);
    assert_eq!(copy.certificate(), newer.certificate());
    copy.adopt(&Tls::default());
    assert!(!tls.is_on() && tls.acceptor().is_none());
}
