//! A mail: what is kept of it in the history, and the bytes that go over the wire.
//!
//! Every header's value is one line without control characters before anything is encoded, so that no value of an alert
//! can end a header or begin another.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::{line, one_line};
use serde::{Deserialize, Serialize};

use super::pieces::Pieces;
use super::settings::Mailing;

/// Characters of a header that comes from an alert: a line of a mail has at most 998 bytes.
const MAX_HEADER: usize = 200;

/// What a mail says, complete but for the addresses of the channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
    /// The notification, of which the mail's id is made.
    id: String,
    /// The notification whose mail this one answers to.
    thread: Option<String>,
    channel: String,
    date: Timestamp,
    /// Headers for the filters of mail programs, by name.
    headers: Vec<(String, String)>,
}

impl Content {
    pub(super) fn new(pieces: Pieces, message: &Message) -> Content {
        Content {
            subject: header_value(&pieces.subject),
            text: pieces.text,
            html: pieces.html,
            id: message.id.clone(),
            thread: message.thread.clone(),
            channel: message.channel.clone(),
            date: message.at,
            headers: headers(message),
        }
    }

    /// The bytes of the mail from and to the addresses of the channel.
    pub(super) fn mail(&self, mailing: &Mailing) -> Result<Vec<u8>, lettre::error::Error> {
        let domain = mailing.from.email.domain();
        let id = |notification: &str| format!("<{notification}@{domain}>");
        let mut builder = lettre::Message::builder()
            .message_id(Some(id(&self.id)))
            .date(SystemTime::from(self.date))
            .from(mailing.from.clone())
            .subject(&self.subject);
        builder = mailing.to.iter().cloned().fold(builder, |builder, to: Mailbox| builder.to(to));
        if let Some(first) = &self.thread {
            builder = builder.in_reply_to(id(first)).references(id(first));
        }
        let list = format!("{} <{}.modelwatch.{domain}>", self.channel, label(&self.channel));
        let fixed = [("Auto-Submitted", "auto-generated"), ("List-Id", &list)];
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in fixed.into_iter().chain(own) {
            if let Ok(name) = HeaderName::new_from_ascii(name.to_owned()) {
                builder = builder.raw_header(HeaderValue::new(name, header_value(value)));
            }
        }
        let body = MultiPart::alternative_plain_html(self.text.clone(), self.html.clone());
        Ok(builder.multipart(body)?.formatted())
    }
}

fn headers(message: &Message) -> Vec<(String, String)> {
    let worst = message.by_urgency().into_iter().max_by_key(|alert| alert.severity());
    let severity = worst.and_then(|alert| alert.labels.get("severity")).cloned().unwrap_or_default();
    let values = [
        ("Status", message.status.as_str().to_owned()),
        ("Name", message.subject()),
        ("Severity", severity),
        ("Environment", message.environment.clone()),
        ("Kind", message.kind.as_str().to_owned()),
        ("Count", message.count(message.status).to_string()),
        ("Notification", message.id.clone()),
    ];
    let named = values.into_iter().map(|(name, value)| (format!("X-Alert-{name}"), header_value(&value)));
    named.filter(|(_, value)| !value.is_empty()).collect()
}

/// One line, cut, in which nothing looks like an encoded word, since those are decoded by whoever reads the mail.
fn header_value(value: &str) -> String {
    let words = one_line(&line(value)).replace("=?", "= ?");
    words.chars().take(MAX_HEADER).collect()
}

/// A channel's name as a part of a domain's name.
fn label(channel: &str) -> String {
    let plain = channel.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let label: String = plain.take(63).collect();
    let label = label.trim_matches('-');
    if label.is_empty() { "alerts".to_owned() } else { label.to_owned() }
}

#[cfg(test)]
mod tests;
