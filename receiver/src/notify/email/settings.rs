//! What an email channel is configured with: the server, who mails are from, and who gets them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lettre::Address;
use lettre::message::Mailbox;
use modelwatch_common::http::{authorities, is_loopback};
use modelwatch_common::secret::Secret;
use serde::Deserialize;

use super::fault::{EmailFault, MAX_RECIPIENTS};

/// The server as written in the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSmtp {
    /// Its name or address.
    host: Option<String>,
    /// Its port, by default the usual one for `tls`.
    port: Option<u64>,
    /// How the way there is protected, `starttls` by default.
    tls: Option<String>,
    /// Who we are to it, if it wants to know.
    username: Option<String>,
    /// How we prove it.
    password: Option<Secret>,
    /// A file with the password.
    password_file: Option<PathBuf>,
    /// The certificates, as PEM, that its own has to come from; those of the system by default.
    ca_file: Option<PathBuf>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// TLS from within the conversation, required: a server that does not offer it is told nothing.
    Starttls,
    /// TLS before the first word.
    Implicit,
    /// None.
    None,
}

/// Everything that is particular to an email channel, as written.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawMailing {
    pub(crate) smtp: Option<RawSmtp>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<Vec<String>>,
}

/// What mails need besides their content.
#[derive(Debug, Clone)]
pub struct Mailing {
    pub(super) server: Server,
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
}

/// The server that mails are handed to.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) protection: Protection,
    pub(super) login: Option<Login>,
    /// The certificates to trust, as PEM, instead of the system's.
    pub(super) roots: Option<Vec<u8>>,
}

/// What a server asks for before it takes mails.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Secret,
}

impl RawMailing {
    /// The validated settings, or everything that is wrong with them. Relative files are relative to `directory`.
    pub(crate) fn validate(self, directory: &Path) -> Result<Mailing, Vec<EmailFault>> {
        let mut faults = Vec::new();
        let server = server(self.smtp.unwrap_or_default(), directory, &mut faults);
        let from = from(self.from, &mut faults);
        let to = recipients(&self.to.unwrap_or_default(), &mut faults);
        match (server, from) {
            (Some(server), Some(from)) if faults.is_empty() => Ok(Mailing { server, from, to }),
            _ => Err(faults),
        }
    }
}

impl Protection {
    fn of(word: &str) -> Option<Protection> {
        match word {
            "starttls" => Some(Self::Starttls),
            "implicit" => Some(Self::Implicit),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// Where servers listen for it: submission (RFC 6409), submissions (RFC 8314), smtp (RFC 5321).
    fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

fn server(raw: RawSmtp, directory: &Path, faults: &mut Vec<EmailFault>) -> Option<Server> {
    let protection = protection(raw.tls, faults);
    let host = host(raw.host, faults);
    let port = port(raw.port, protection, faults);
    let has_password = raw.password.is_some() || raw.password_file.is_some();
    let file = raw.password_file.map(|file| directory.join(file));
    let login = login(raw.username, (raw.password, file.as_deref()), faults);
    if let Some(host) = host.as_ref().filter(|host| !is_loopback(host))
        && has_password
        && protection == Protection::None
    {
        faults.push(EmailFault::InTheClear(host.clone()));
    }
    if raw.ca_file.is_some() && protection == Protection::None {
        faults.push(EmailFault::UselessCertificates);
    }
    let roots = raw.ca_file.and_then(|file| certificates(&directory.join(file), faults));
    Some(Server { host: host?, port, protection, login, roots })
}

fn protection(given: Option<String>, faults: &mut Vec<EmailFault>) -> Protection {
    let Some(word) = given else { return Protection::Starttls };
    Protection::of(&word).unwrap_or_else(|| {
        faults.push(EmailFault::Protection(word));
        Protection::Starttls
    })
}

fn port(given: Option<u64>, protection: Protection, faults: &mut Vec<EmailFault>) -> u16 {
    let Some(number) = given else { return protection.usual_port() };
    match u16::try_from(number) {
        Ok(port) if port > 0 => port,
        _ => {
            faults.push(EmailFault::Port(number));
            0
        }
    }
}

fn host(given: Option<String>, faults: &mut Vec<EmailFault>) -> Option<String> {
    let host = given.unwrap_or_default().trim().to_owned();
    let is_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    match host.as_str() {
        "" => faults.push(EmailFault::NoHost),
        name if is_name || name.parse::<IpAddr>().is_ok() => return Some(host),
        // a URL may hold a password
        url if url.contains('@') => faults.push(EmailFault::Host("<hidden>".to_owned())),
        other => faults.push(EmailFault::Host(other.to_owned())),
    }
    None
}

fn login(
    username: Option<String>,
    (password, file): (Option<Secret>, Option<&Path>),
    faults: &mut Vec<EmailFault>,
) -> Option<Login> {
    let fault = match (&password, file) {
        (None, Some(_)) => EmailFault::PasswordFile,
        _ => EmailFault::Password,
    };
    let username = username.filter(|username| !username.is_empty());
    let password = Secret::from_either("password", password, file);
    match (username, password) {
        (_, Err(error)) => faults.push(fault(error)),
        (Some(username), Ok(Some(password))) => return Some(Login { username, password }),
        (Some(_), Ok(None)) => faults.push(EmailFault::NoPassword),
        (None, Ok(Some(_))) => faults.push(EmailFault::NoUsername),
        (None, Ok(None)) => {}
    }
    None
}

fn certificates(file: &Path, faults: &mut Vec<EmailFault>) -> Option<Vec<u8>> {
    match std::fs::read(file) {
        Err(error) => faults.push(EmailFault::Unreadable { file: file.to_owned(), error }),
        Ok(pem) if authorities(&pem).is_some() => return Some(pem),
        Ok(_) => faults.push(EmailFault::NoCertificate(file.to_owned())),
    }
    None
}

fn from(given: Option<String>, faults: &mut Vec<EmailFault>) -> Option<Mailbox> {
    let Some(text) = given.filter(|text| !text.trim().is_empty()) else {
        faults.push(EmailFault::NoFrom);
        return None;
    };
    let parsed = mailbox(&text);
    if parsed.is_none() {
        faults.push(EmailFault::Address { key: "from".to_owned(), text });
    }
    parsed
}

fn recipients(given: &[String], faults: &mut Vec<EmailFault>) -> Vec<Mailbox> {
    match given.len() {
        0 => faults.push(EmailFault::NoTo),
        1..=MAX_RECIPIENTS => {}
        many => faults.push(EmailFault::TooMany(many)),
    }
    let mut found: Vec<Mailbox> = Vec::with_capacity(given.len());
    for (index, text) in given.iter().enumerate() {
        let Some(mailbox) = mailbox(text) else {
            faults.push(EmailFault::Address { key: format!("to[{index}]"), text: text.clone() });
            continue;
        };
        let address = mailbox.email.to_string();
        if found.iter().any(|other| other.email.to_string().eq_ignore_ascii_case(&address)) {
            faults.push(EmailFault::Twice { index, address });
        }
        found.push(mailbox);
    }
    found
}

/// `Name <address>` or an address, which is ASCII: few servers take others, and none must.
fn mailbox(text: &str) -> Option<Mailbox> {
    let text = text.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"').trim(), address.trim()),
        None => ("", text),
    };
    let address: Address = address.parse().ok()?;
    let is_plain = text.chars().all(|character| !character.is_control()) && address.to_string().is_ascii();
    let name = (!name.is_empty()).then(|| name.to_owned());
    is_plain.then(|| Mailbox::new(name, address))
}

#[cfg(test)]
mod tests;
