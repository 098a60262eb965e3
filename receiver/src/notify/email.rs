//! Mails through an SMTP server: text and HTML, one transaction for each recipient, so that one bad mailbox never keeps
//! the others from being told.
//!
//! What a recipient answered is kept before the next one is asked. All copies of a
//! mail that may have arrived are the same mail under the same `Message-ID`, so that a second one can be told as such.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::outcome::{Outcome, Reason, Receipt, together};
use modelwatch_receiver_core::template::{Fault, Format, Template};

use super::{BoxFuture, Channel, ChannelError, Draft, Notifier, Parcel, Rendered};
use crate::templates::Templates;

mod answer;
mod fault;
mod line_by_line;
mod mail;
mod pieces;
mod session;
mod settings;

use answer::Hidden;
pub use fault::EmailFault;
use mail::Content;
use session::{Dial, Letter, Session};
pub(super) use settings::RawMailing;
pub use settings::{Mailing, RawSmtp};
use settings::{Protection, Server};

/// How long an attempt and its parts may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until a command is answered; servers let strangers wait at the greeting.
    pub answer: Duration,
    /// The same for a recipient's own commands while others wait behind it; the mail itself is never hurried, since an
    /// answer to it that is not awaited is lost.
    pub hurry: Duration,
    /// Until a mail is taken, which is when servers look through it.
    pub content: Duration,
    /// After which no further recipient is begun with; those are first at the next attempt.
    pub attempt: Duration,
}

impl Default for Limits {
    /// 10 s, 30 s, 10 s, 60 s and 2 min: below what RFC 5321 (4.5.3.2) grants, since a worker must not be held for long.
    fn default() -> Self {
        let [connect, answer, hurry, content, attempt] = [10, 30, 10, 60, 120].map(Duration::from_secs);
        Self { connect, answer, hurry, content, attempt }
    }
}

/// So many connections may break in one attempt; what is left waits for the next one.
const MAX_BROKEN: usize = 3;

/// Sends messages as mails.
pub struct Email {
    template: String,
    templates: Arc<Templates>,
    mailing: Mailing,
    dial: Dial,
}

impl Email {
    /// For a channel that sends by `mailing`.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new(
        channel: &Channel,
        mailing: &Mailing,
        templates: Arc<Templates>,
        limits: Limits,
    ) -> Result<Self, ChannelError> {
        let server = mailing.server.clone();
        let hidden = server.login.as_ref().map(Hidden::of).unwrap_or_default();
        let dial = Dial { tls: tls(&server)?, server, hidden, limits };
        Ok(Self { template: channel.template().to_owned(), templates, mailing: mailing.clone(), dial })
    }

    async fn deliver(&self, parcel: Parcel<'_>) -> Outcome {
        let content: Result<Content, _> = serde_json::from_str(&parcel.rendered.content);
        let mail = content.ok().and_then(|content| content.mail(&self.mailing).ok());
        let Some(mail) = mail else {
            let detail = "the mail could not be put together".to_owned();
            return Outcome::Permanent { reason: Reason::Protocol, detail };
        };
        let mut receipts = self.receipts(parcel.earlier);
        let stopped = self.tell_all(&mut receipts, &mail, parcel).await;
        if let Some((outcome, untold)) = stopped {
            for index in untold {
                receipts[index].outcome = outcome.clone();
            }
        }
        together(&receipts)
    }

    /// Where every recipient of the channel stands before this attempt.
    fn receipts(&self, earlier: &[Receipt]) -> Vec<Receipt> {
        let of = |recipient: String| {
            let known = earlier.iter().find(|receipt| receipt.recipient == recipient).cloned();
            known.unwrap_or_else(|| {
                let detail = "not asked yet".to_owned();
                let (reason, retry_after, ambiguous) = (Reason::Timeout, None, false);
                let outcome = Outcome::Retryable { reason, retry_after, ambiguous, detail };
                Receipt { recipient, outcome, tries: 0 }
            })
        };
        self.mailing.to.iter().map(|to| of(to.email.to_string())).collect()
    }

    /// Tells those that are not settled, the least tried first, and keeps what each said. Returns what kept it from
    /// telling the rest, and who that is.
    async fn tell_all(
        &self,
        receipts: &mut [Receipt],
        mail: &[u8],
        parcel: Parcel<'_>,
    ) -> Option<(Outcome, Vec<usize>)> {
        let mut open: Vec<usize> = (0..receipts.len()).filter(|&i| !receipts[i].is_settled()).collect();
        open.sort_by_key(|&i| receipts[i].tries);
        let mut line = Line { dial: &self.dial, session: None, broken: 0, began: Instant::now() };
        for (done, &index) in open.iter().enumerate() {
            if let Some(why) = parcel.ledger.stopped() {
                let stopped = not_now(Reason::Timeout, why);
                return Some((stopped, open[done..].to_vec()));
            }
            let last = done + 1 == open.len();
            let limits = self.dial.limits;
            let letter = Letter {
                from: &self.mailing.from.email,
                to: &self.mailing.to[index].email,
                mail,
                answer: if last { limits.answer } else { limits.hurry.min(limits.answer) },
            };
            let receipt = &mut receipts[index];
            match line.send(letter).await {
                Ok(outcome) => receipt.outcome = outcome,
                Err(outcome) => return Some((outcome, open[done..].to_vec())),
            }
            receipt.tries = receipt.tries.saturating_add(1);
            parcel.ledger.keep(receipt).await;
        }
        line.hang_up().await;
        None
    }
}

impl Notifier for Email {
    fn render(&self, message: &Message) -> Rendered {
        let rendered = self
            .templates
            .try_render(&self.template, Format::Email, |template| pieces::from_template(template, message));
        let (pieces, problem) = match rendered {
            Ok(pieces) => (pieces, None),
            Err(fault) => (pieces::plain(message, &fault), Some(fault.to_string())),
        };
        let content = serde_json::to_string(&Content::new(pieces, message)).unwrap_or_default();
        Rendered { content, problem }
    }

    fn has_recipients(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.deliver(parcel))
    }
}

/// What a channel would send with this template.
pub(super) fn draft(template: &Template, message: &Message) -> Result<Draft, Fault> {
    let content = Content::new(pieces::from_template(template, message)?, message);
    Ok(Draft {
        text: format!("{}\n\n{}", content.subject, content.text),
        html: Some(content.html.clone()),
        json: serde_json::to_value(content).unwrap_or_default(),
    })
}

/// The line to the server, dialled again when it breaks.
struct Line<'a> {
    dial: &'a Dial,
    session: Option<Session<'a>>,
    broken: usize,
    began: Instant,
}

impl Line<'_> {
    /// What one recipient came to, or why neither it nor any after it can be asked.
    async fn send(&mut self, letter: Letter<'_>) -> Result<Outcome, Outcome> {
        if self.began.elapsed() > self.dial.limits.attempt {
            return Err(not_now(Reason::Timeout, "not asked, the attempt took too long"));
        }
        let mut session = match self.session.take() {
            Some(session) => session,
            None if self.broken < MAX_BROKEN => self.dial.open().await?,
            None => return Err(not_now(Reason::Connect, "not asked, the connection broke too often")),
        };
        let outcome = session.send(letter).await;
        if session.is_usable() {
            self.session = Some(session);
        } else {
            self.broken += 1;
        }
        Ok(outcome)
    }

    async fn hang_up(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }
}

fn not_now(reason: Reason, detail: &str) -> Outcome {
    Outcome::Retryable { reason, retry_after: None, ambiguous: false, detail: detail.to_owned() }
}

fn tls(server: &Server) -> Result<Option<TlsParameters>, ChannelError> {
    if server.protection == Protection::None {
        return Ok(None);
    }
    let refused = |error: lettre::transport::smtp::Error| ChannelError::Tls(error.to_string());
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.roots {
        let roots = Certificate::from_pem(pem).map_err(refused)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(roots);
    }
    builder.build().map(Some).map_err(refused)
}
