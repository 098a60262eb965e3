use super::*;
use crate::config::Environment;

struct Loaded {
    web: WebConfig,
    faults: String,
}

fn load(web: &str, flag: Option<&str>) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "from-file\n").unwrap();
    std::fs::write(dir.path().join("empty"), "\n").unwrap();
    let path = dir.path().join("x.yaml");
    std::fs::write(&path, format!("web: {web}")).unwrap();
    let mut source = Source::read(&path, "X", &Environment::default()).unwrap();
    let mut faults = source.faults();
    let web = WebConfig::load(&mut source, flag, 9740, &mut faults);
    source.finish(&mut faults);
    let directory = format!("{}/", dir.path().display());
    Loaded { web, faults: faults.to_string().replace(&directory, "") }
}

#[test]
fn without_a_section_it_is_loopback_and_open() {
    let Loaded { web, faults } = load("", None);
    assert_eq!(faults, "");
    assert_eq!(web.listen_address().to_string(), "127.0.0.1:9740");
    assert_eq!(web.max_body(), ByteSize::mebibytes(16));
    assert_eq!(web.external_url(), None);
    assert!(web.auth().is_open());
}

#[test]
fn the_flag_wins_over_the_file() {
    let file = "{listen_address: '0.0.0.0:80', max_body: 1MiB, external_url: 'https://a.example/x/'}";
    let Loaded { web, faults } = load(file, None);
    assert_eq!((faults.as_str(), web.listen_address().to_string().as_str()), ("", "0.0.0.0:80"));
    assert_eq!(web.max_body(), ByteSize::mebibytes(1));
    assert_eq!(web.external_url(), Some("https://a.example/x"));
    assert_eq!(load(file, Some(":9")).web.listen_address().to_string(), ":9");
}

#[test]
fn addresses_are_read_and_known_to_be_loopback_or_not() {
    let table = [
        ("127.0.0.1:9740", "127.0.0.1", true),
        ("127.8.8.8:9740", "127.8.8.8", true),
        ("localhost:9740", "localhost", true),
        ("[::1]:9740", "::1", true),
        (":9740", "::", false),
        ("0.0.0.0:9740", "0.0.0.0", false),
        ("[::]:9740", "::", false),
        ("mlops.example:9740", "mlops.example", false),
    ];
    for (text, host, loopback) in table {
        let address: ListenAddress = text.parse().unwrap();
        assert_eq!(address.host_and_port(), (host, 9740), "{text}");
        assert_eq!(address.is_loopback(), loopback, "{text}");
        assert_eq!(address.to_string(), text);
    }
}

#[test]
fn a_fault_names_its_key_and_what_was_expected() {
    let table = [
        (
            "{listen_address: 'localhost'}",
            "x.yaml: web.listen_address: expected HOST:PORT such as 127.0.0.1:8080, found `localhost`",
        ),
        (
            "{listen_address: '::1:9740'}",
            "x.yaml: web.listen_address: expected HOST:PORT such as 127.0.0.1:8080, found `::1:9740`",
        ),
        (
            "{listen_address: 'a:99999'}",
            "x.yaml: web.listen_address: expected HOST:PORT such as 127.0.0.1:8080, found `a:99999`",
        ),
        (
            "{external_url: 'alerts.example'}",
            "x.yaml: web.external_url: expected a URL such as https://alerts.example.com, found `alerts.example`",
        ),
        (
            "{max_body: much}",
            "x.yaml: web.max_body: `much` is not a size, expected one such as 512, 64KiB or 16MiB",
        ),
        (
            "{max_body: [1]}",
            "x.yaml: web.max_body: expected a size such as 512, 64KiB or 16MiB, found a list",
        ),
        (
            "{colour: red}",
            "x.yaml: web.colour: unknown field `colour`, expected one of `listen_address`, `max_body`, `external_url`, `tls`, `auth`",
        ),
        (
            "{tls: {ca_file: x}}",
            "x.yaml: web.tls.ca_file: unknown field `ca_file`, expected one of `cert_file`, `key_file`, `client_ca_file`",
        ),
    ];
    for (web, said) in table {
        assert_eq!(load(web, None).faults, said, "{web}");
    }
}

#[test]
fn a_flag_and_several_faults_at_once_are_named() {
    let flag = load("{}", Some("9740")).faults;
    assert_eq!(flag, "--web.listen-address: expected HOST:PORT such as 127.0.0.1:8080, found `9740`");
    let several = load("{listen_address: '1', external_url: '2'}", None).faults;
    assert_eq!(several.lines().count(), 2, "{several}");
}

#[test]
fn a_fault_in_a_token_names_which_one() {
    let table = [
        (
            "{auth: {}}",
            "x.yaml: web.auth: expected at least one of `tokens` or a `basic_users_file`, or no `auth` at all",
        ),
        (
            "{auth: {basic_users_file: gone}}",
            "x.yaml: web.auth.basic_users_file: cannot read gone: No such file or directory (os error 2)",
        ),
        (
            "{auth: {basic_users_file: token}}",
            "x.yaml: web.auth.basic_users_file: token: line 1: expected NAME:BCRYPT-HASH, as `htpasswd -B` writes it",
        ),
        (
            "{auth: {tokens: [{name: a, token: x}, {name: b, token: x}]}}",
            "x.yaml: web.auth.tokens[1]: has the same secret as `a`, expected one of its own",
        ),
        ("{auth: {tokens: [{name: a}]}}", "x.yaml: web.auth.tokens[0]: expected `file` or `token`"),
        (
            "{auth: {tokens: [{name: a, file: empty}]}}",
            "x.yaml: web.auth.tokens[0]: the secret is empty in empty",
        ),
        (
            "{auth: {tokens: [{name: a, file: token, token: hunter2}]}}",
            "x.yaml: web.auth.tokens[0]: token and its file are both given, keep one of them",
        ),
        (
            "{auth: {tokens: [{name: a, token: 1234567}]}}",
            "x.yaml: web.auth.tokens[0].token: expected text, in quotes",
        ),
        (
            "{auth: {tokens: [{name: a, token: x, allow: []}]}}",
            "x.yaml: web.auth.tokens[0]: `allow` is empty, expected some of ingest, read, write, metrics",
        ),
        (
            "{auth: {tokens: [{name: a, token: x, allow: [root]}]}}",
            "x.yaml: web.auth.tokens[0].allow[0]: unknown variant `root`, expected one of `ingest`, `read`, `write`, `metrics`",
        ),
        (
            "{auth: {tokens: [{name: a, token: x}, {name: a, token: y}]}}",
            "x.yaml: web.auth.tokens[1].name: `a` is there twice",
        ),
    ];
    for (web, said) in table {
        assert_eq!(load(web, None).faults, said, "{web}");
    }
}

#[test]
fn a_token_file_that_is_missing_is_named() {
    let said = load("{auth: {tokens: [{name: a, file: gone}]}}", None).faults;
    assert!(said.starts_with("x.yaml: web.auth.tokens[0]: cannot read the secret in gone: "), "{said}");
}

#[test]
fn a_configured_section_prints_no_secret() {
    let Loaded { web, faults } =
        load("{auth: {tokens: [{name: a, token: hunter2}, {name: b, file: token}]}}", None);
    assert_eq!(faults, "");
    let printed = format!("{web:?}");
    assert!(
        printed.contains("<secret>") && !printed.contains("hunter2") && !printed.contains("from-file"),
        "{printed}"
    );
}

#[test]
fn what_a_running_server_cannot_take_over_is_named() {
    let before = load("{auth: {tokens: [{name: a, token: one}]}}", None).web;
    let after = load("{max_body: 1MiB, auth: {tokens: [{name: a, token: two}]}}", None).web;
    assert_eq!(before.changed_keys(&after), ["web.max_body"]);
    assert!(before.changed_keys(&before.clone()).is_empty());
}

#[test]
fn whoever_holds_a_copy_of_the_credentials_takes_newer_ones_over() {
    let open = load("{}", None).web;
    let copy = open.auth().clone();
    open.take_over(&load("{auth: {tokens: [{name: a, token: one}]}}", None).web);
    assert!(!copy.is_open() && !open.auth().is_open());
    open.take_over(&load("{}", None).web);
    assert!(copy.is_open());
}
