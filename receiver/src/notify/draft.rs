//! What a channel would send, without a channel: for `render` and previews.

use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::{Fault, Format, Template, view};
use serde_json::Value;

use super::{email, slack, webhook};

/// A message as a template words it.
#[derive(Debug)]
pub struct Draft {
    /// As people read it.
    pub text: String,
    /// As mail programs show it; other formats have none.
    pub html: Option<String>,
    /// As it is sent and kept in the history.
    pub json: Value,
}

impl Draft {
    /// What a channel of this format would send with this template.
    ///
    /// # Errors
    /// Why the template fails on this message.
    pub fn new(format: Format, template: &Template, message: &Message) -> Result<Draft, Fault> {
        match format {
            Format::Slack => slack::draft(template, message),
            Format::Email => email::draft(template, message),
            Format::Log => {
                let line = template.render("line", &view::message(message).into())?;
                Ok(Draft { json: Value::String(line.clone()), text: line, html: None })
            }
            Format::Webhook(body) => webhook::draft(body, template, message),
        }
    }
}
