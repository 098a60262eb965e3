use serde_json::{Value, json};

use super::*;
use crate::notify::{Channel, ChannelType, RawChannel};

fn read(more: &Value, directory: &Path) -> Result<Channel, Vec<String>> {
    let mut json = json!({"type": "email", "name": "ops", "from": "alerts@example.com", "to": ["a@x.org"]});
    for (key, value) in more.as_object().unwrap() {
        json[key] = value.clone();
    }
    let raw: RawChannel = serde_json::from_value(json).map_err(|error| vec![error.to_string()])?;
    raw.validate(directory).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn faults(more: &Value) -> Vec<String> {
    read(more, Path::new("/nowhere")).unwrap_err()
}

fn mailing(smtp: &Value) -> Mailing {
    let channel = read(&json!({ "smtp": smtp }), Path::new("/nowhere")).unwrap();
    let ChannelType::Email(mailing) = channel.r#type() else { panic!("{channel:?}") };
    (**mailing).clone()
}

#[test]
fn starttls_is_the_default_and_each_protection_has_its_usual_port() {
    let found = |smtp: &Value| {
        let server = mailing(smtp).server;
        (server.protection, server.port)
    };
    assert_eq!(found(&json!({"host": "mail"})), (Protection::Starttls, 587));
    assert_eq!(found(&json!({"host": "mail", "tls": "implicit"})), (Protection::Implicit, 465));
    assert_eq!(found(&json!({"host": "::1", "tls": "none"})), (Protection::None, 25));
    assert_eq!(found(&json!({"host": "mail", "port": 2525})), (Protection::Starttls, 2525));
}

#[test]
fn addresses_may_have_names_in_any_script() {
    let more = json!({"smtp": {"host": "mail"}, "from": "드리프트 <a@x.org>", "to": ["\"On, call\" <b@x.org>", "c@x.org"]});
    let channel = read(&more, Path::new(".")).unwrap();
    let ChannelType::Email(mailing) = channel.r#type() else { panic!("{channel:?}") };
    assert_eq!(mailing.from.name.as_deref(), Some("드리프트"));
    assert_eq!(mailing.to[0].name.as_deref(), Some("On, call"));
    assert_eq!(mailing.to[1].email.to_string(), "c@x.org");
}

#[test]
fn every_fault_is_named_with_its_key_at_once() {
    let found = faults(&json!({
        "smtp": {"host": "mail:587", "port": 0, "tls": "none", "username": "ops", "ca_file": "ca.pem"},
        "from": "nobody", "to": ["a@x.org", "b", "A@x.org"], "rate": "often",
    }));
    let begin = [
        "smtp.port is 0",
        "smtp.ca_file is of no use",
        "smtp.ca_file: cannot read",
        "smtp.username is given without",
    ];
    for wanted in begin.into_iter().chain([
        "smtp.host `mail:587`",
        "from `nobody`",
        "to[1] `b`",
        "to[2] `A@x.org`",
        "rate:",
    ]) {
        assert!(found.iter().any(|fault| fault.starts_with(wanted)), "{wanted} is missing in {found:#?}");
    }
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn what_is_missing_is_asked_for() {
    let found = faults(&json!({"from": "", "to": []}));
    assert!(found[0].starts_with("smtp.host is missing"), "{found:?}");
    assert!(found[1].starts_with("from is missing"), "{found:?}");
    assert!(found[2].starts_with("to is missing or empty"), "{found:?}");
}

#[test]
fn a_password_never_goes_in_the_clear_to_another_machine() {
    let smtp =
        |host: &str| json!({"smtp": {"host": host, "tls": "none", "username": "ops", "password": "hunter2"}});
    let found = faults(&smtp("mail.example.com"));
    assert!(
        found[0].starts_with("smtp.tls is none, which would send the password in the clear"),
        "{found:?}"
    );
    for host in ["localhost", "127.0.0.1", "::1"] {
        let channel = read(&smtp(host), Path::new(".")).unwrap();
        assert!(!format!("{channel:?}").contains("hunter2"));
    }
}

#[test]
fn a_password_is_given_once_and_with_its_user() {
    let both = json!({"host": "mail", "username": "ops", "password": "hunter2", "password_file": "p"});
    assert_eq!(
        faults(&json!({ "smtp": both })),
        ["smtp.password: password and its file are both given, keep one of them"]
    );
    let nobody = json!({"host": "mail", "password": "hunter2"});
    assert_eq!(faults(&json!({ "smtp": nobody })), ["smtp.password is given without smtp.username"]);
    let gone = json!({"host": "mail", "username": "ops", "password_file": "p"});
    assert!(
        faults(&json!({ "smtp": gone }))[0]
            .starts_with("smtp.password_file: cannot read the secret in /nowhere/p")
    );
}

#[test]
fn files_are_beside_the_configuration_and_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "hunter2\n").unwrap();
    std::fs::write(folder.path().join("ca.pem"), "no certificate").unwrap();
    let smtp = json!({"host": "mail", "username": "ops", "password_file": "password"});
    let channel = read(&json!({ "smtp": smtp }), folder.path()).unwrap();
    let ChannelType::Email(mailing) = channel.r#type() else { panic!("{channel:?}") };
    assert_eq!(mailing.server.login.as_ref().unwrap().password.expose(), "hunter2");
    let found = read(&json!({"smtp": {"host": "mail", "ca_file": "ca.pem"}}), folder.path()).unwrap_err();
    assert!(found[0].contains("holds no certificate"), "{found:?}");
}

#[test]
fn a_url_in_place_of_a_name_is_not_repeated_and_an_address_cannot_hold_another_header() {
    let found = faults(&json!({"smtp": {"host": "smtp://ops:hunter2@mail"}}));
    assert!(found[0].contains("smtp.host") && !found[0].contains("hunter2"), "{found:?}");
    for address in ["a@x.org\r\nBcc: b@x.org", "x\r\ny <a@x.org>", "ü@x.org", "a@x.org, b@x.org", "a@"] {
        let found = faults(&json!({"smtp": {"host": "mail"}, "to": [address]}));
        assert!(found[0].starts_with("to[0]"), "{address}: {found:?}");
    }
}

#[test]
fn an_unknown_key_or_protection_is_refused() {
    assert!(faults(&json!({"smtp": {"host": "mail", "user": "ops"}}))[0].contains("user"));
    assert_eq!(
        faults(&json!({"smtp": {"host": "mail", "tls": "ssl", "port": 99_999}})),
        [
            "smtp.tls `ssl` is unknown, expected starttls, implicit or none",
            "smtp.port is 99999, expected 1 to 65535"
        ]
    );
    let many: Vec<String> = (0..101).map(|number| format!("a{number}@x.org")).collect();
    assert!(faults(&json!({"smtp": {"host": "mail"}, "to": many}))[0].contains("mailing list"));
}
