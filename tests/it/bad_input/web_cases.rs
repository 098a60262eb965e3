//! The `web` section of both programs with TLS material, tokens and users that cannot be used. No case shows a secret.

use super::command_line::Case;
use super::command_line::Content::{self, Bytes, Folder, Text};

/// A receiver with this `web` section.
macro_rules! web {
    ($section:literal) => {
        (
            "receiver.yaml",
            Text(concat!(
                "storage: {url: \"sqlite:receiver.db\"}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\nweb: ",
                $section,
                "\n"
            )),
        )
    };
}

/// What stands in `tls/`.
macro_rules! fixture {
    ($name:literal) => {
        Text(include_str!(concat!("../../fixtures/tls/", $name)))
    };
}

const TLS: (&str, Content) = web!("{tls: {cert_file: server.pem, key_file: server.key}}");
const MUTUAL: (&str, Content) =
    web!("{tls: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem}}");
const CERTIFICATE: (&str, Content) = ("server.pem", fixture!("server.pem"));
const KEY: (&str, Content) = ("server.key", fixture!("server.key"));
const USERS: (&str, Content) = web!("{auth: {basic_users_file: users}}");

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case::fault("certificate_that_is_missing", &[TLS, KEY], &["web.tls.cert_file", "server.pem"]),
    Case::fault("key_that_is_missing", &[TLS, CERTIFICATE], &["web.tls.key_file", "server.key"]),
    Case::fault(
        "certificate_that_is_empty",
        &[TLS, KEY, ("server.pem", Text("\n"))],
        &["web.tls.cert_file", "server.pem", "empty"],
    ),
    Case::fault(
        "certificate_that_is_a_folder",
        &[TLS, KEY, ("server.pem", Folder)],
        &["web.tls.cert_file", "server.pem"],
    ),
    Case::fault(
        "certificate_that_is_no_pem",
        &[TLS, KEY, ("server.pem", Bytes(b"\x30\x82\xff\x00hunter2"))],
        &["web.tls.cert_file", "server.pem", "BEGIN CERTIFICATE"],
    ),
    Case::fault(
        "certificate_that_is_damaged",
        &[
            TLS,
            KEY,
            ("server.pem", Text("-----BEGIN CERTIFICATE-----\nhunter2!!\n-----END CERTIFICATE-----\n")),
        ],
        &["web.tls.cert_file", "server.pem", "BEGIN CERTIFICATE"],
    ),
    Case::fault(
        "key_in_the_place_of_the_certificate",
        &[TLS, KEY, ("server.pem", fixture!("server.key"))],
        &["web.tls.cert_file", "holds no certificate"],
    ),
    Case::fault(
        "certificate_in_the_place_of_the_key",
        &[TLS, CERTIFICATE, ("server.key", fixture!("server.pem"))],
        &["web.tls.key_file", "holds no private key"],
    ),
    Case::fault(
        "key_with_a_passphrase",
        &[TLS, CERTIFICATE, ("server.key", fixture!("locked.key"))],
        &["web.tls.key_file", "encrypted", "passphrase"],
    ),
    Case::fault(
        "key_of_another_certificate",
        &[TLS, CERTIFICATE, ("server.key", fixture!("other.key"))],
        &["web.tls.key_file"],
    ),
    Case::fault(
        "authority_that_is_missing",
        &[MUTUAL, CERTIFICATE, KEY],
        &["web.tls.client_ca_file", "ca.pem"],
    ),
    Case::fault(
        "authority_that_is_no_certificate",
        &[MUTUAL, CERTIFICATE, KEY, ("ca.pem", fixture!("other.key"))],
        &["web.tls.client_ca_file", "ca.pem"],
    ),
    Case::fault(
        "tls_without_a_key",
        &[web!("{tls: {cert_file: server.pem}}"), CERTIFICATE],
        &["web.tls", "key_file"],
    ),
    Case::fault(
        "tls_with_an_unknown_key",
        &[web!("{tls: {cert: server.pem, key_file: server.key}}")],
        &["web.tls.cert", "cert_file"],
    ),
    Case::fault("auth_without_anybody", &[web!("{auth: {tokens: []}}")], &["web.auth"]),
    Case::fault(
        "token_without_a_secret",
        &[web!("{auth: {tokens: [{name: prometheus}]}}")],
        &["web.auth.tokens[0]", "file"],
    ),
    Case::fault(
        "token_with_two_secrets",
        &[web!("{auth: {tokens: [{name: prometheus, token: hunter2, file: t}]}}"), ("t", Text("hunter2"))],
        &["web.auth.tokens[0]"],
    ),
    Case::fault(
        "tokens_with_one_secret",
        &[web!("{auth: {tokens: [{name: a, token: hunter2}, {name: b, token: hunter2}]}}")],
        &["web.auth.tokens[1]"],
    ),
    Case::fault(
        "token_that_may_nothing",
        &[web!("{auth: {tokens: [{name: a, token: hunter2, allow: []}]}}")],
        &["web.auth.tokens[0]"],
    ),
    Case::fault("users_that_are_missing", &[USERS], &["web.auth.basic_users_file", "users"]),
    Case::fault(
        "users_that_are_none",
        &[USERS, ("users", Text("# nobody\n\n"))],
        &["web.auth.basic_users_file", "users", "htpasswd -B"],
    ),
    Case::fault(
        "user_with_a_plain_password",
        &[USERS, ("users", Text("ops:hunter2\n"))],
        &["web.auth.basic_users_file", "line 1", "htpasswd -B"],
    ),
    Case::fault(
        "user_without_a_name",
        &[USERS, ("users", Text("\n:$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe\n"))],
        &["web.auth.basic_users_file", "line 2", "NAME:BCRYPT-HASH"],
    ),
    Case::fault(
        "user_twice",
        &[
            USERS,
            (
                "users",
                Text(
                    "ops:$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe\nops:$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe\n",
                ),
            ),
        ],
        &["web.auth.basic_users_file", "line 2", "twice"],
    ),
];
