use mail_parser::{MessageParser, MimeHeaders as _};
use modelwatch_receiver_core::template::{Format, Template, samples};
use proptest::prelude::*;

use super::*;
use crate::notify::email::{RawMailing, RawSmtp, pieces};

fn mailing() -> Mailing {
    let smtp: RawSmtp = serde_json::from_value(serde_json::json!({"host": "mail"})).unwrap();
    let raw = RawMailing {
        smtp: Some(smtp),
        from: Some("modelwatch <alerts@example.com>".to_owned()),
        to: Some(vec!["On call <a@x.org>".to_owned(), "b@x.org".to_owned()]),
    };
    raw.validate(std::path::Path::new(".")).unwrap()
}

fn template() -> &'static Template {
    static TEMPLATE: std::sync::LazyLock<Template> =
        std::sync::LazyLock::new(|| Template::compile(Format::Email, &Default::default()).unwrap());
    &TEMPLATE
}

fn mail(message: &Message) -> String {
    let pieces = pieces::from_template(template(), message).unwrap();
    String::from_utf8(Content::new(pieces, message).mail(&mailing()).unwrap()).unwrap()
}

/// The names of a mail's headers, one a line that does not go on the one before.
fn names(mail: &str) -> Vec<String> {
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split_once(':').unwrap().0.to_owned()).collect()
}

#[test]
fn every_sample_is_a_mail_with_both_bodies() {
    for (name, message) in samples::all() {
        let mail = mail(&message);
        assert!(mail.is_ascii() && mail.split("\r\n").all(|line| line.len() <= 998), "{name}");
        let parsed = MessageParser::default().parse(&mail).unwrap();
        assert_eq!(parsed.content_type().unwrap().subtype(), Some("alternative"), "{name}");
        assert_eq!((parsed.text_body_count(), parsed.html_body_count()), (1, 1), "{name}");
        let html = parsed.body_html(0).unwrap();
        assert!(html.contains("</html>") && !html.contains("<script"), "{name}");
        assert!(parsed.body_text(0).unwrap().contains("modelwatch 019ab3f0"), "{name}");
    }
}

#[test]
fn headers_say_what_it_is_and_never_change_between_attempts() {
    let message = samples::mixed();
    let mail = mail(&message);
    let parsed = MessageParser::default().parse(&mail).unwrap();
    let raw = |name: &str| parsed.header_raw(name).map(|value| value.trim().to_owned());
    assert_eq!(parsed.subject(), Some("[FIRING:2][DEV] FeatureDriftSevere"));
    assert_eq!(parsed.message_id(), Some("019ab3f0-7c1e-7a41-9b6a-3d2f5c8e1a70@example.com"));
    let first = "<019ab3e8-11aa-7b02-8c55-9e0d71f24b33@example.com>".to_owned();
    assert_eq!((raw("In-Reply-To"), raw("References")), (Some(first.clone()), Some(first)));
    assert_eq!(raw("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(raw("List-Id").as_deref(), Some("sample <sample.modelwatch.example.com>"));
    assert_eq!(raw("X-Alert-Status").as_deref(), Some("firing"));
    assert_eq!(raw("X-Alert-Name").as_deref(), Some("FeatureDriftSevere"));
    assert_eq!(raw("X-Alert-Severity").as_deref(), Some("critical"));
    assert_eq!(raw("X-Alert-Environment").as_deref(), Some("dev"));
    assert!(raw("Date").unwrap().starts_with("Fri, 02 Jan 2026 03:04:05"));
    assert_eq!(parsed.to().unwrap().as_list().unwrap().len(), 2);
}

#[test]
fn the_first_mail_answers_to_nothing() {
    assert!(!names(&mail(&samples::firing())).iter().any(|name| name == "References"));
}

#[test]
fn a_value_that_looks_like_an_encoded_word_is_shown_as_it_is() {
    let mut message = samples::firing();
    message.alerts[0].labels.insert("alertname".to_owned(), "=?utf-8?q?All=20well?=".to_owned());
    let mail = mail(&message);
    let parsed = MessageParser::default().parse(&mail).unwrap();
    assert!(!parsed.subject().unwrap().contains("All well"), "{:?}", parsed.subject());
}

#[test]
fn what_is_kept_in_the_history_makes_the_same_mail() {
    let content =
        Content::new(pieces::from_template(template(), &samples::mixed()).unwrap(), &samples::mixed());
    let kept: Content = serde_json::from_str(&serde_json::to_string(&content).unwrap()).unwrap();
    let head = |content: &Content| {
        let mail = String::from_utf8(content.mail(&mailing()).unwrap()).unwrap();
        // parts are told apart by a random word
        mail.split("Content-Type").next().unwrap().to_owned()
    };
    assert_eq!(head(&content), head(&kept));
}

proptest! {
    #[test]
    fn no_value_can_add_a_header(value in "(\\PC|[\\r\\n\\t\0]|\r\nBcc: evil@x\\.org\r\n){0,300}") {
        let usual = names(&mail(&samples::firing()));
        let mut message = samples::firing();
        message.environment.clone_from(&value);
        message.channel.clone_from(&value);
        for label in ["alertname", "severity"] {
            message.alerts[0].labels.insert(label.to_owned(), value.clone());
        }
        let mail = mail(&message);
        let found = names(&mail);
        prop_assert!(found.iter().all(|name| usual.contains(name)), "{:?}", found);
        prop_assert!(mail.is_ascii() && mail.split("\r\n").all(|line| line.len() <= 998));
        let head = mail.split("\r\n\r\n").next().unwrap();
        prop_assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']));
    }
}
