//! What mails have to keep, against a server that does what no real one can be made to.

use std::sync::{LazyLock, Mutex};

use modelwatch_receiver_core::outcome::Receipt;

use super::smtp::{ALWAYS, Act, Rule, Smtp};
use super::*;
use crate::notify::email::{Email, Limits};

/// The password; it may be seen nowhere, in no form.
const PASSWORD: &str = "hunter2SECRET";

/// The forms in which it is told to a server.
const FORMS: [&str; 3] = [PASSWORD, "aHVudGVyMlNFQ1JFVA==", "AG9wcwBodW50ZXIyU0VDUkVU"];

/// Keeps receipts in memory.
#[derive(Default)]
struct Kept(Mutex<Vec<Receipt>>);

impl Ledger for Kept {
    fn stopped(&self) -> Option<&'static str> {
        None
    }

    fn keep<'a>(&'a self, receipt: &'a Receipt) -> BoxFuture<'a, ()> {
        let mut kept = self.0.lock().unwrap();
        kept.retain(|known| known.recipient != receipt.recipient);
        kept.push(receipt.clone());
        Box::pin(std::future::ready(()))
    }

    fn keep_post<'a>(&'a self, _post: &'a Post) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The built-in ones, tried on all samples once.
fn built_in() -> Arc<Templates> {
    static TEMPLATES: LazyLock<Arc<Templates>> = LazyLock::new(|| {
        Arc::new(Templates::load(TemplateSource::new(Settings::default(), []), &Registry::new()).unwrap())
    });
    Arc::clone(&TEMPLATES)
}

fn email(port: u16, tls: &str, to: &[&str]) -> Email {
    within(Limits::default(), port, tls, to)
}

fn within(limits: Limits, port: u16, tls: &str, to: &[&str]) -> Email {
    let raw = serde_json::json!({
        "type": "email", "name": "ops", "from": "modelwatch <alerts@example.com>", "to": to,
        "smtp": {"host": "127.0.0.1", "port": port, "tls": tls, "username": "ops", "password": PASSWORD},
    });
    let raw: RawChannel = serde_json::from_value(raw).unwrap();
    let channel = raw.validate(std::path::Path::new(".")).unwrap();
    let ChannelType::Email(mailing) = channel.r#type() else { panic!("an email channel") };
    Email::new(&channel, mailing, built_in(), limits).unwrap()
}

/// Sends a sample and looks for the password wherever it could come out.
async fn send(email: &Email, kept: &Kept) -> Outcome {
    let (logs, _guard) = Logs::record();
    let earlier = kept.0.lock().unwrap().clone();
    let rendered = email.render(&samples::firing());
    let outcome = email.send(Parcel { earlier: &earlier, ledger: kept, ..alone(&rendered) }).await;
    let receipts = format!("{:?}", kept.0.lock().unwrap());
    for seen in [format!("{outcome:?}"), logs.text(), receipts, rendered.content] {
        assert!(FORMS.iter().all(|form| !seen.contains(form)), "a secret got out: {seen}");
    }
    outcome
}

/// What one recipient comes to at a server with these rules.
async fn one(rules: &[Rule]) -> Outcome {
    let server = Smtp::start(rules).await;
    // no server that answers is held to so little
    let soon = Duration::from_millis(400);
    let short = Limits { answer: soon, content: soon, ..Limits::default() };
    let is_silent = rules.iter().any(|(_, act, _)| matches!(act, Act::Silence));
    let limits = if is_silent { short } else { Limits::default() };
    send(&within(limits, server.port, "none", &["a@example.com"]), &Kept::default()).await
}

/// Of a program that is to stop once the first recipient has answered.
#[derive(Default)]
struct Stopping(Kept);

impl Ledger for Stopping {
    fn stopped(&self) -> Option<&'static str> {
        (!self.0.0.lock().unwrap().is_empty()).then_some("not asked, the receiver stopped")
    }

    fn keep<'a>(&'a self, receipt: &'a Receipt) -> BoxFuture<'a, ()> {
        self.0.keep(receipt)
    }

    fn keep_post<'a>(&'a self, _post: &'a Post) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn a_program_that_stops_leaves_those_not_asked_for_later_without_doubt() {
    let server = Smtp::start(&[]).await;
    let to = ["a@x.org", "b@x.org", "c@x.org"];
    let (email, stopping) = (email(server.port, "none", &to), Stopping::default());
    let rendered = email.render(&samples::firing());
    let outcome = email.send(Parcel { ledger: &stopping, ..alone(&rendered) }).await;
    assert_eq!(retryable(&outcome), (Reason::Timeout, false));
    let detail = "b@x.org, c@x.org: not asked, the receiver stopped; a@x.org: 250 2.0.0 queued";
    assert_eq!(outcome.detail(), detail);
    assert_eq!(server.recipients(), ["a@x.org"]);
    assert_eq!(send(&email, &stopping.0).await.as_str(), "delivered");
    assert_eq!(server.recipients(), to);
}

#[tokio::test]
async fn a_mail_is_delivered_to_each_recipient_in_a_transaction_of_its_own() {
    let server = Smtp::start(&[]).await;
    let outcome =
        send(&email(server.port, "none", &["a@example.com", "b@example.com"]), &Kept::default()).await;
    let detail = "a@example.com, b@example.com: 250 2.0.0 queued".to_owned();
    assert_eq!(outcome, Outcome::Delivered { detail });
    assert_eq!(server.recipients(), ["a@example.com", "b@example.com"]);
    let mails = server.taken();
    assert_eq!(mails[0].1, mails[1].1, "all copies are the same mail");
}

#[tokio::test]
async fn a_mailbox_that_hangs_is_waited_for_less_while_others_wait_behind_it() {
    let server = Smtp::start(&[("RCPT TO:<a@", Act::Silence, 1)]).await;
    let hurry = Duration::from_millis(300);
    let limits = Limits { hurry, answer: Duration::from_secs(600), ..Limits::default() };
    let (email, kept) = (within(limits, server.port, "none", &["a@x.org", "b@x.org"]), Kept::default());
    let first = send(&email, &kept).await;
    assert_eq!(retryable(&first), (Reason::Timeout, false));
    assert_eq!(server.recipients(), ["b@x.org"]);
    assert_eq!(send(&email, &kept).await.as_str(), "delivered");
    assert_eq!(server.recipients(), ["b@x.org", "a@x.org"]);
}

#[tokio::test]
async fn one_bad_mailbox_keeps_nobody_from_being_told() {
    let refusals = [
        ("RCPT TO:<b@", Act::Say("550 5.1.1 no such user"), ALWAYS),
        ("RCPT TO:<c@", Act::Say("451 4.3.0 later"), 1),
    ];
    let server = Smtp::start(&refusals).await;
    let to = ["a@x.org", "b@x.org", "c@x.org", "d@x.org"];
    let (email, kept) = (email(server.port, "none", &to), Kept::default());
    let first = send(&email, &kept).await;
    assert_eq!(retryable(&first), (Reason::ServerError, false));
    assert_eq!(server.recipients(), ["a@x.org", "d@x.org"]);
    let second = send(&email, &kept).await;
    assert_eq!(permanent(&second), Reason::NotFound);
    assert_eq!(
        second.detail(),
        "b@x.org: 550 5.1.1 no such user; a@x.org, c@x.org, d@x.org: 250 2.0.0 queued"
    );
    assert_eq!(server.recipients(), ["a@x.org", "d@x.org", "c@x.org"], "nobody is told twice");
}

#[tokio::test]
async fn a_connection_lost_after_the_final_dot_is_ambiguous_for_that_recipient_alone() {
    let server = Smtp::start(&[(".", Act::Drop, 1)]).await;
    let (email, kept) = (email(server.port, "none", &["a@x.org", "b@x.org"]), Kept::default());
    assert_eq!(retryable(&send(&email, &kept).await), (Reason::Connect, true));
    assert_eq!(send(&email, &kept).await.as_str(), "delivered");
    let mails = server.taken();
    assert_eq!(server.recipients(), ["a@x.org", "b@x.org", "a@x.org"]);
    let id = |mail: &str| mail.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_owned);
    assert!(id(&mails[0].1).is_some());
    assert_eq!(id(&mails[0].1), id(&mails[2].1), "the copy can be told as one");
}

#[tokio::test]
async fn whatever_a_server_does_has_its_reason() {
    let retried = [
        (("GREETING", Act::Drop, ALWAYS), Reason::Connect, false),
        (("GREETING", Act::Silence, ALWAYS), Reason::Timeout, false),
        (("GREETING", Act::Say("SSH-2.0-OpenSSH_9.2"), ALWAYS), Reason::Protocol, false),
        (("GREETING", Act::Say("421 busy"), ALWAYS), Reason::ServerError, false),
        (("AUTH", Act::Say("454 4.7.0 later"), ALWAYS), Reason::Auth, false),
        (("MAIL", Act::Say("451 later"), ALWAYS), Reason::ServerError, false),
        (("RCPT", Act::Say("450 greylisted"), ALWAYS), Reason::RateLimited, false),
        (("RCPT", Act::Say("552 too many recipients"), ALWAYS), Reason::RateLimited, false),
        (("RCPT", Act::Say("354 what"), ALWAYS), Reason::Protocol, false),
        (("RCPT", Act::Drop, ALWAYS), Reason::Connect, false),
        (("RCPT", Act::Silence, ALWAYS), Reason::Timeout, false),
        (("DATA", Act::Drop, ALWAYS), Reason::Connect, false),
        ((".", Act::Drop, ALWAYS), Reason::Connect, true),
        ((".", Act::Silence, ALWAYS), Reason::Timeout, true),
        ((".", Act::Say("<html>hello</html>"), ALWAYS), Reason::Protocol, true),
        ((".", Act::Say("354 more"), ALWAYS), Reason::Protocol, true),
        ((".", Act::Say("452 disk full"), ALWAYS), Reason::RateLimited, false),
        ((".", Act::Say("421 closing"), ALWAYS), Reason::ServerError, false),
    ];
    for (rule, reason, ambiguous) in retried {
        assert_eq!(retryable(&one(&[rule]).await), (reason, ambiguous), "{rule:?}");
    }
    let refused = [
        (("GREETING", Act::Say("554 no service"), ALWAYS), Reason::Rejected),
        (("AUTH", Act::Say("535 5.7.8 wrong"), ALWAYS), Reason::Auth),
        (("EHLO", Act::Say("250 no-login-here"), ALWAYS), Reason::Auth),
        (("MAIL", Act::Say("530 5.7.0 log in"), ALWAYS), Reason::Auth),
        (("MAIL", Act::Say("550 not you"), ALWAYS), Reason::Rejected),
        (("RCPT", Act::Say("550 5.1.1 nobody"), ALWAYS), Reason::NotFound),
        ((".", Act::Say("552 too large"), ALWAYS), Reason::TooLarge),
        ((".", Act::Say("554 5.7.1 spam"), ALWAYS), Reason::Rejected),
    ];
    for (rule, reason) in refused {
        assert_eq!(permanent(&one(&[rule]).await), reason, "{rule:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_has_no_tls_is_not_told_anything() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome = send(&email(closed, "none", &["a@x.org"]), &Kept::default()).await;
    assert_eq!(retryable(&outcome), (Reason::Connect, false));
    let plain = Smtp::start(&[]).await;
    for tls in ["starttls", "implicit"] {
        let outcome = send(&email(plain.port, tls, &["a@x.org"]), &Kept::default()).await;
        assert_eq!(retryable(&outcome), (Reason::Tls, false), "{tls}");
    }
    let rules = [
        ("EHLO", Act::Say("250-stand-in\r\n250 STARTTLS"), ALWAYS),
        ("STARTTLS", Act::Say("220 go\r\nbut not with TLS"), ALWAYS),
    ];
    let broken = Smtp::start(&rules).await;
    let outcome = send(&email(broken.port, "starttls", &["a@x.org"]), &Kept::default()).await;
    assert!(matches!(retryable(&outcome).0, Reason::Tls | Reason::Timeout), "{outcome:?}");
    for server in [plain, broken] {
        let told = server.commands();
        assert!(told.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{told:?}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_password_lets_nothing_out() {
    let echoes = [
        ("AUTH", Act::Say("500 unknown command AUTH PLAIN AG9wcwBodW50ZXIyU0VDUkVU"), ALWAYS),
        ("MAIL", Act::Say("550 hunter2SECRET is a bad password"), ALWAYS),
        ("RCPT", Act::Say("451 aHVudGVyMlNFQ1JFVA=="), ALWAYS),
        (".", Act::Say("hunter2SECRET"), ALWAYS),
    ];
    for rule in echoes {
        // `send` looks for it
        assert_ne!(one(&[rule]).await.as_str(), "delivered", "{rule:?}");
    }
}

#[tokio::test]
async fn a_server_that_breaks_every_connection_is_left_alone_soon_and_goes_on_with_those_not_asked() {
    let server = Smtp::start(&[("RCPT", Act::Drop, 3)]).await;
    let to = ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"];
    let (email, kept) = (email(server.port, "none", &to), Kept::default());
    let first = send(&email, &kept).await;
    assert_eq!(retryable(&first), (Reason::Connect, false));
    let asked = |command: &&String| command.starts_with("RCPT");
    assert_eq!(server.commands().iter().filter(asked).count(), 3);
    assert_eq!(send(&email, &kept).await.as_str(), "delivered");
    assert_eq!(server.recipients(), ["d@x.org", "e@x.org", "a@x.org", "b@x.org", "c@x.org"]);
}
