//! Slack, by incoming webhook or by a bot's token: Block Kit inside Slack's limits, sent once, its answers understood.

use std::sync::Arc;

use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::outcome::Outcome;
use modelwatch_receiver_core::template::{Fault, Format, Template};

use super::http::{Limits, cause, failed};
use super::{BoxFuture, Channel, ChannelError, Draft, Notifier, Parcel, Rendered};
use crate::outgoing;
use crate::templates::Templates;

mod answer;
mod bot;
mod buttons;
mod cut;
mod payload;
mod pieces;
mod reading;
mod settings;

pub(super) use settings::RawPosting;
use settings::Update;
pub use settings::{Bot, Posting, SlackFault};

/// Posts messages to one channel.
pub struct Slack {
    template: String,
    templates: Arc<Templates>,
    client: reqwest::Client,
    posting: Posting,
}

impl Slack {
    /// For a channel that gets its messages by `posting`.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new(
        channel: &Channel,
        posting: &Posting,
        templates: Arc<Templates>,
        limits: Limits,
    ) -> Result<Self, ChannelError> {
        let client = outgoing::client(limits.connect, limits.answer)
            .map_err(|error| ChannelError::Client(cause(&error)))?;
        Ok(Self { template: channel.template().to_owned(), templates, client, posting: posting.clone() })
    }

    async fn post(&self, url: &Secret, content: String) -> Outcome {
        let request = self
            .client
            .post(url.expose())
            .header(reqwest::header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(content);
        match request.send().await {
            Ok(response) => answer::read(response, url).await,
            Err(error) => failed(&error),
        }
    }
}

/// What a channel would send with this template.
pub(super) fn draft(template: &Template, message: &Message) -> Result<Draft, Fault> {
    let json = payload::build(&pieces::from_template(template, message)?, message);
    Ok(Draft { text: reading::text(&json), html: None, json })
}

impl Notifier for Slack {
    fn render(&self, message: &Message) -> Rendered {
        let rendered = self
            .templates
            .try_render(&self.template, Format::Slack, |template| pieces::from_template(template, message));
        let (pieces, problem) = match rendered {
            Ok(pieces) => (pieces, None),
            Err(fault) => (pieces::plain(message, &fault), Some(fault.to_string())),
        };
        let content = payload::build(&pieces, message).to_string();
        Rendered { content, problem }
    }

    fn keeps_posts(&self) -> bool {
        matches!(&self.posting, Posting::Bot(bot) if bot.update != Update::Post)
    }

    fn send<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Outcome> {
        match &self.posting {
            Posting::Webhook(url) => Box::pin(self.post(url, parcel.rendered.content.clone())),
            Posting::Bot(bot) => {
                let telling = bot::Telling { client: &self.client, bot, parcel };
                Box::pin(async move { telling.tell().await })
            }
        }
    }
}
