//! From webhooks to mailboxes, through the running receiver and a real mail server.

use mail_parser::{Message, MessageParser};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alerts::{Alert, webhook};
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::smtp::{MailServer, PASSWORD, USER};
use crate::support::wait::until;
use crate::support::{home, write};

/// A receiver that sends mails.
struct Mailing {
    server: MailServer,
    receiver: Program,
    _home: TempDir,
}

impl Mailing {
    /// With these channels, as `(name, smtp: {…}, to: […])`, made for the ports of the server.
    async fn start(channels: impl Fn(&MailServer) -> Vec<(&'static str, String, &'static str)>) -> Mailing {
        let (server, home) = (MailServer::start().await, home());
        write(home.path(), "ca.pem", server.authority());
        write(home.path(), "password", format!("{PASSWORD}\n"));
        let channels = channels(&server);
        let names: Vec<&str> = channels.iter().map(|(name, ..)| *name).collect();
        let mut yaml = format!(
            "environment: dev\nstorage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [{}]}}]\ndelivery: {{retry: {{initial: 100ms, max: 300ms}}}}\nchannels:\n",
            names.join(", ")
        );
        for (name, smtp, to) in channels {
            yaml += &format!(
                "  - {{name: {name}, type: email, from: \"modelwatch <alerts@mail.test>\", smtp: {{host: localhost, {smtp}}}, to: [{to}]}}\n"
            );
        }
        write(home.path(), "receiver.yaml", yaml);
        let receiver = Program::receiver(home.path()).await;
        Mailing { server, receiver, _home: home }
    }

    async fn send(&self, alert: &Alert) {
        let answer =
            post(&format!("{}/webhook", self.receiver.url), JSON, webhook("g", [alert]).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The notifications, newest first, once all are as wished.
    async fn notifications(&self, wished: impl Fn(&Value) -> bool) -> Vec<Value> {
        until("the notifications are as wished", async || {
            let found = self.receiver.get("/api/v1/notifications").await.json()["notifications"].clone();
            let found = found.as_array().unwrap();
            let are = !found.is_empty() && found.iter().all(&wished);
            if are { Ok(found.clone()) } else { Err(json!(found).to_string()) }
        })
        .await
    }

    /// Looks for the password wherever it could come out.
    async fn shows_no_password(&self) {
        let history = self.receiver.get("/api/v1/notifications").await.body;
        let page = self.receiver.get("/").await.body;
        for seen in [history, page, self.receiver.metrics().await, self.receiver.output()] {
            assert!(!seen.contains(PASSWORD), "the password got out: {seen}");
        }
    }
}

fn login() -> String {
    format!("username: {USER}, password_file: password")
}

fn parsed(mail: &str) -> Message<'_> {
    MessageParser::default().parse(mail).unwrap()
}

fn last_attempt(notification: &Value) -> &Value {
    notification["attempts"].as_array().unwrap().last().unwrap()
}

#[tokio::test]
async fn a_mail_arrives_with_both_bodies_however_the_way_there_is_protected() {
    let mailing = Mailing::start(|server| {
        let starttls = format!("port: {}, ca_file: ca.pem, {}", server.starttls, login());
        let implicit = format!("port: {}, tls: implicit, ca_file: ca.pem, {}", server.implicit, login());
        let plain = format!("port: {}, tls: none, {}", server.plain, login());
        vec![
            ("by-starttls", starttls, "alice@mail.test"),
            ("by-implicit", implicit, "\"Bob <bob@mail.test>\""),
            ("by-plain", plain, "carol@mail.test"),
        ]
    })
    .await;
    let alert = Alert::firing("Drift", START).with("owner", "<b>데이터</b>\r\nBcc: evil@mail.test");
    mailing.send(&alert.saying("드리프트 & more")).await;
    mailing.notifications(|one| one["status"] == "delivered").await;
    for (person, protocol) in [("alice", "esmtpsa"), ("bob", "esmtpsa"), ("carol", "esmtpa")] {
        let mails = mailing.server.wait_for(person, 1).await;
        let mail = parsed(&mails[0]);
        assert!(mails[0].contains(&format!("with {protocol} ")), "{person}: {}", mails[0]);
        assert_eq!(mail.subject(), Some("[FIRING:1][DEV] Drift"));
        assert_eq!(mail.from().unwrap().first().unwrap().name(), Some("modelwatch"));
        assert!(mail.bcc().is_none());
        let (text, html) = (mail.body_text(0).unwrap(), mail.body_html(0).unwrap());
        assert!(text.contains("드리프트 & more") && text.contains("NEXT: look"), "{text}");
        assert!(text.contains("<b>데이터</b>"), "{text}");
        assert!(html.contains("드리프트 &amp; more") && html.contains("&lt;b&gt;데이터&lt;/b&gt;"), "{html}");
        assert_eq!(mail.header_raw("X-Alert-Status").map(str::trim), Some("firing"));
        assert_eq!(mail.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    }
    mailing.shows_no_password().await;
}

#[tokio::test]
async fn one_bad_mailbox_keeps_nobody_from_being_told_once_whatever_is_killed() {
    let mut mailing = Mailing::start(|server| {
        let smtp = format!("port: {}, ca_file: ca.pem, {}", server.starttls, login());
        vec![("team", smtp, "alice@mail.test, nobody@mail.test, busy@mail.test, bob@mail.test")]
    })
    .await;
    mailing.server.refuse_busy(true);
    mailing.send(&Alert::firing("Drift", START)).await;
    let tried = |one: &Value| one["attempts"].as_array().unwrap().len() > 2;
    mailing.notifications(tried).await;
    mailing.receiver.crash();
    mailing.receiver.ready().await;
    mailing.server.refuse_busy(false);
    let found = mailing.notifications(|one| one["status"] == "dead").await;
    let last = last_attempt(&found[0]);
    assert_eq!((&last["result"], &last["reason"]), (&json!("permanent"), &json!("not_found")));
    let detail = last["detail"].as_str().unwrap();
    assert!(detail.starts_with("nobody@mail.test: 550 5.1.1 no such user; "), "{detail}");
    for person in ["alice", "busy", "bob"] {
        assert!(detail.contains(&format!("{person}@mail.test")), "{detail}");
        mailing.server.wait_for(person, 1).await;
    }
    mailing.send(&Alert::firing("Drift", START).resolved(START + 60)).await;
    let both = mailing.notifications(|one| one["status"] == "dead").await;
    let id = both.last().unwrap()["id"].as_str().unwrap();
    for person in ["alice", "busy", "bob"] {
        let mails = mailing.server.wait_for(person, 2).await;
        let (first, second) = (parsed(&mails[0]), parsed(&mails[1]));
        assert_eq!(first.message_id(), Some(format!("{id}@mail.test").as_str()));
        assert_eq!(second.in_reply_to().as_text(), first.message_id(), "they are shown together");
        assert_eq!(second.subject(), Some("[RESOLVED:1][DEV] Drift"));
    }
    let output = mailing.receiver.output();
    assert!(output.contains("<address>") && !output.contains("@mail.test"), "{output}");
    mailing
        .receiver
        .wait_for_line("modelwatch_receiver_notifications_total{channel=\"team\",result=\"dead\"} 2")
        .await;
    mailing.shows_no_password().await;
}

#[tokio::test]
async fn news_that_come_while_a_mailbox_is_busy_say_nothing_twice_as_new_and_reach_everybody() {
    let mailing = Mailing::start(|server| {
        let smtp = format!("port: {}, ca_file: ca.pem, {}", server.starttls, login());
        vec![("team", smtp, "alice@mail.test, busy@mail.test")]
    })
    .await;
    mailing.server.refuse_busy(true);
    let first = Alert::firing("Drift", START).with("x", "1");
    mailing.send(&first).await;
    mailing.server.wait_for("alice", 1).await;
    let tried = |one: &Value| one["attempts"].as_array().unwrap().iter().any(|a| !a["result"].is_null());
    mailing.notifications(tried).await;
    mailing.send(&Alert::firing("Drift", START).with("x", "2")).await;
    mailing.server.wait_for("alice", 2).await;
    mailing.server.refuse_busy(false);
    let found = mailing.notifications(|one| one["status"] == "delivered").await;
    assert_eq!(found.len(), 2, "the first is told, not superseded");
    for (person, count) in [("alice", 2), ("busy", 1)] {
        let mails = mailing.server.wait_for(person, count).await;
        assert_eq!(mails.len(), count, "{person}");
        let news = parsed(&mails[count - 1]);
        let text = news.body_text(0).unwrap();
        assert!(text.contains("still firing"), "{person}: {text}");
        assert_eq!(news.header_raw("X-Alert-Count").map(str::trim), Some("2"), "{person}");
        assert_eq!(news.header_raw("X-Alert-Kind").map(str::trim), Some("changed"), "{person}");
    }
}

#[tokio::test]
async fn what_a_real_server_refuses_has_its_reason() {
    let mailing = Mailing::start(|server| {
        let wrong = format!("username: {USER}, password: wrong");
        vec![
            (
                "wrong-password",
                format!("port: {}, ca_file: ca.pem, {wrong}", server.starttls),
                "alice@mail.test",
            ),
            (
                "no-login",
                format!("port: {}, ca_file: ca.pem", server.implicit) + ", tls: implicit",
                "alice@mail.test",
            ),
            ("unknown-authority", format!("port: {}, {}", server.starttls, login()), "alice@mail.test"),
            (
                "no-starttls",
                format!("port: {}, ca_file: ca.pem, {}", server.plain, login()),
                "alice@mail.test",
            ),
        ]
    })
    .await;
    mailing.send(&Alert::firing("Drift", START)).await;
    let answered = |one: &Value| one["attempts"].as_array().unwrap().iter().any(|a| !a["result"].is_null());
    let found = mailing.notifications(answered).await;
    let table = [
        ("wrong-password", "permanent", "auth"),
        ("no-login", "permanent", "rejected"),
        ("unknown-authority", "retryable", "tls"),
        ("no-starttls", "retryable", "tls"),
    ];
    for (channel, result, reason) in table {
        let one = found.iter().find(|one| one["channel"] == channel).unwrap();
        let first = &one["attempts"][0];
        assert_eq!(
            (first["result"].as_str(), first["reason"].as_str()),
            (Some(result), Some(reason)),
            "{one}"
        );
    }
    assert!(mailing.server.mails("alice").is_empty());
    mailing.shows_no_password().await;
}
