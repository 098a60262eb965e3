//! A conversation with a mail server: opened and protected once, then one transaction for each recipient.
//!
//! lettre speaks; what is said in which order is decided here, because its own `send` gives up on everybody at the first
//! recipient that is refused.

use std::io;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use tokio::net::{TcpStream, lookup_host};

use super::Limits;
use super::answer::{Failure, Hidden, Step};
use super::line_by_line::LineByLine;
use super::settings::{Protection, Server};

/// The logins we know, best first: both send the password as it is, so neither goes without TLS off this machine.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// How long a farewell may take; everything is said and known by then.
const FAREWELL: Duration = Duration::from_secs(1);

/// How to reach a server.
pub(super) struct Dial {
    pub(super) server: Server,
    /// `None` without any protection.
    pub(super) tls: Option<TlsParameters>,
    pub(super) hidden: Hidden,
    pub(super) limits: Limits,
}

/// One mail to one recipient.
#[derive(Clone, Copy)]
pub(super) struct Letter<'a> {
    pub(super) from: &'a Address,
    pub(super) to: &'a Address,
    /// Headers and bodies as they go over the wire, without SMTP's dots.
    pub(super) mail: &'a [u8],
    /// How long each command before the mail may wait for its answer.
    pub(super) answer: Duration,
}

/// An open conversation.
pub(super) struct Session<'a> {
    dial: &'a Dial,
    connection: AsyncSmtpConnection,
    usable: bool,
}

type Stopped = (Step, Failure);

impl Dial {
    /// Opens a conversation in which mails can be sent, or says why there is none.
    pub(super) async fn open(&self) -> Result<Session<'_>, Outcome> {
        let mut session = self.connect().await?;
        session.protect().await?;
        session.log_in().await?;
        Ok(session)
    }

    async fn connect(&self) -> Result<Session<'_>, Outcome> {
        let Limits { connect, answer, .. } = self.limits;
        match within(connect + answer, self.greet()).await {
            Ok(connection) => Ok(Session { dial: self, connection, usable: true }),
            Err(failure) => Err(failure.outcome(Step::Greeting, &self.hidden)),
        }
    }

    async fn greet(&self) -> Result<AsyncSmtpConnection, Failure> {
        let hello = ClientId::default();
        if self.server.protection == Protection::Implicit {
            let address = (self.server.host.as_str(), self.server.port);
            let limit = Some(self.limits.connect);
            let connecting =
                AsyncSmtpConnection::connect_tokio1(address, limit, &hello, self.tls.clone(), None);
            return Ok(connecting.await?);
        }
        let stream = Box::new(LineByLine::new(self.reach().await?));
        Ok(AsyncSmtpConnection::connect_with_transport(stream, &hello).await?)
    }

    /// A connection to the first of the server's addresses that takes one.
    async fn reach(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the server's name has no address");
        for address in lookup_host((self.server.host.as_str(), self.server.port)).await? {
            match tokio::time::timeout(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }
}

impl Session<'_> {
    /// Whether another mail can be sent.
    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    /// Sends one mail to one recipient; a refusal of it leaves the conversation usable for others.
    pub(super) async fn send(&mut self, letter: Letter<'_>) -> Outcome {
        match self.transaction(letter).await {
            Ok(response) => {
                let words = response.message().collect::<Vec<_>>().join(" ");
                let detail = self.dial.hidden.said(response.code().into(), &words);
                Outcome::Delivered { detail }
            }
            Err((step, failure)) => {
                self.usable = !failure.ends_session() && self.reset().await;
                failure.outcome(step, &self.dial.hidden)
            }
        }
    }

    /// Ends the conversation as is polite; whether that succeeds does not matter.
    pub(super) async fn close(mut self) {
        let _ = tokio::time::timeout(FAREWELL, self.connection.quit()).await;
    }

    async fn protect(&mut self) -> Result<(), Outcome> {
        let Some(tls) = self.dial.tls.clone().filter(|_| self.dial.server.protection == Protection::Starttls)
        else {
            return Ok(());
        };
        if !self.connection.can_starttls() {
            let detail = "the server does not offer STARTTLS, without which it is told nothing".to_owned();
            return Err(Outcome::Retryable {
                reason: Reason::Tls,
                retry_after: None,
                ambiguous: false,
                detail,
            });
        }
        let hello = ClientId::default();
        within(self.dial.limits.answer, self.connection.starttls(tls, &hello))
            .await
            .map_err(|failure| failure.outcome(Step::StartTls, &self.dial.hidden))
    }

    async fn log_in(&mut self) -> Result<(), Outcome> {
        let Some(login) = &self.dial.server.login else { return Ok(()) };
        if self.connection.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
            let detail = "the server offers neither of the logins PLAIN and LOGIN".to_owned();
            return Err(Outcome::Permanent { reason: Reason::Auth, detail });
        }
        let credentials = Credentials::new(login.username.clone(), login.password.expose().to_owned());
        let answered = within(self.dial.limits.answer, self.connection.auth(&MECHANISMS, &credentials)).await;
        answered
            .and_then(|response| expect(response, Severity::PositiveCompletion))
            .map(drop)
            .map_err(|failure| failure.outcome(Step::Login, &self.dial.hidden))
    }

    async fn transaction(&mut self, letter: Letter<'_>) -> Result<Response, Stopped> {
        let done = Severity::PositiveCompletion;
        let sender = Mail::new(Some(letter.from.clone()), Vec::new());
        let recipient = Rcpt::new(letter.to.clone(), Vec::new());
        self.say(letter.answer, Step::Sender, sender).await?;
        self.say(letter.answer, Step::Recipient, recipient).await?;
        self.say(letter.answer, Step::Data, Data).await?;
        let answered = within(self.dial.limits.content, self.connection.message(letter.mail)).await;
        answered.and_then(|response| expect(response, done)).map_err(|failure| (Step::Content, failure))
    }

    async fn say(
        &mut self,
        limit: Duration,
        step: Step,
        command: impl std::fmt::Display,
    ) -> Result<Response, Stopped> {
        let wanted = match step {
            Step::Data => Severity::PositiveIntermediate,
            _ => Severity::PositiveCompletion,
        };
        let answered = within(limit, self.connection.command(command)).await;
        answered.and_then(|response| expect(response, wanted)).map_err(|failure| (step, failure))
    }

    /// Forgets a transaction that was refused.
    async fn reset(&mut self) -> bool {
        within(self.dial.limits.answer, self.connection.command(Rset)).await.is_ok()
    }
}

async fn within<T, E: Into<Failure>>(
    limit: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, step).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Failure::timed_out()),
    }
}

/// lettre takes "go on" for a yes wherever it stands.
fn expect(response: Response, wanted: Severity) -> Result<Response, Failure> {
    if response.code().severity == wanted {
        Ok(response)
    } else {
        Err(Failure::out_of_step(response.code().into()))
    }
}

#[cfg(test)]
mod tests;
