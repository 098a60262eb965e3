//! Requests to any service: a body from a template, secrets put in only when it leaves, and a rule for what a yes is.

use std::sync::Arc;
use std::time::SystemTime;

use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::template::{Body, Fault, Format, Template, json, one_line, values, view};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::http::{Limits, cause, failed};
use super::{BoxFuture, Channel, ChannelError, Draft, Notifier, Parcel, Rendered};
use crate::outgoing;
use crate::templates::Templates;

mod answer;
mod fault;
mod recipe;
mod settings;
mod signature;
mod success;

pub use fault::HookFault;
pub use settings::{Hook, RawHook};

/// Sends messages as requests.
pub struct Webhook {
    template: String,
    templates: Arc<Templates>,
    client: reqwest::Client,
    hook: Hook,
}

impl Webhook {
    /// For a channel that sends what `hook` says.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new(
        channel: &Channel,
        hook: &Hook,
        templates: Arc<Templates>,
        limits: Limits,
    ) -> Result<Self, ChannelError> {
        let client = outgoing::client(limits.connect, limits.answer)
            .map_err(|error| ChannelError::Client(cause(&error)))?;
        Ok(Self { template: channel.template().to_owned(), templates, client, hook: hook.clone() })
    }

    /// The body, with marks where values belong, all of which the channel has.
    fn body(&self, template: &Template, data: Value) -> Result<String, Fault> {
        let content = template.body(data)?;
        let missing = self.filled(&content).err().map(|name| Fault {
            piece: "body".to_owned(),
            place: None,
            what: format!("the channel has no value `{name}`, write it under its `values`"),
        });
        missing.map_or(Ok(content), Err)
    }

    /// The built-in body with the reason for it, of less if it is too much, else something that cannot fail.
    fn plain(&self, message: &Message, fault: &Fault) -> String {
        let problem = format!("This is the plain layout, the template failed: {fault}");
        let plain = Template::built_in(Format::Webhook(self.hook.body()), &self.templates.setting().locale);
        let built_in = |message: &Message| {
            let mut data = view::message(message);
            if let Some(names) = data.as_object_mut() {
                names.insert("problem".to_owned(), problem.as_str().into());
            }
            self.body(&plain, data)
        };
        built_in(message).or_else(|_| built_in(&brief(message))).unwrap_or_else(|_| {
            let text = one_line(&format!("{}: {problem}", message.title()));
            if self.hook.is_json() { serde_json::json!({"text": text}).to_string() } else { text }
        })
    }

    /// What leaves: `content` with the values in the places of their marks.
    fn filled(&self, content: &str) -> Result<String, String> {
        let value = |name: &str| {
            let value = self.hook.value(name)?.expose();
            Some(if self.hook.is_json() { json(value) } else { value.to_owned() })
        };
        values::fill(content, value).map_err(str::to_owned)
    }

    async fn request(&self, parcel: Parcel<'_>) -> Outcome {
        let content = &parcel.rendered.content;
        let body = match self.filled(content) {
            Ok(body) => body,
            Err(name) => {
                let detail = format!("the channel has no value `{name}`, write it under its `values`");
                return Outcome::Permanent { reason: Reason::Template, detail };
            }
        };
        let request = self
            .client
            .request(self.hook.method().clone(), self.hook.url().expose())
            .headers(self.headers(parcel.id, &body))
            .body(body);
        match request.send().await {
            Ok(response) => answer::read(response, &self.hook, content).await,
            Err(error) => failed(&error),
        }
    }

    fn headers(&self, id: &str, body: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let kind = if self.hook.is_json() { "application/json" } else { "text/plain; charset=utf-8" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.extend(self.hook.headers().clone());
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert("idempotency-key", id);
        }
        if let Some(secret) = self.hook.signature() {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            headers.extend(signature::headers(secret, id, now.as_secs(), body));
        }
        headers
    }
}

/// The same message without most of what its alerts say.
fn brief(message: &Message) -> Message {
    let mut message = message.clone();
    for alert in &mut message.alerts {
        alert.labels.retain(|name, _| matches!(name.as_str(), "alertname" | "severity"));
        alert.annotations.retain(|name, _| matches!(name.as_str(), "summary" | "next_action"));
        alert.generator_url.clear();
    }
    message
}

/// What a channel would send with this template, with marks where values belong.
pub(super) fn draft(body: Body, template: &Template, message: &Message) -> Result<Draft, Fault> {
    let content = template.body(view::message(message))?;
    let json = match body {
        Body::Text => Value::String(content.clone()),
        _ => serde_json::from_str(&content).unwrap_or_else(|_| Value::String(content.clone())),
    };
    Ok(Draft { text: content, html: None, json })
}

impl Notifier for Webhook {
    fn render(&self, message: &Message) -> Rendered {
        let format = Format::Webhook(self.hook.body());
        let rendered = self
            .templates
            .try_render(&self.template, format, |template| self.body(template, view::message(message)));
        let (content, problem) = match rendered {
            Ok(content) => (content, None),
            Err(fault) => (self.plain(message, &fault), Some(fault.to_string())),
        };
        Rendered { content, problem }
    }

    fn send<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(self.request(parcel))
    }
}

#[cfg(test)]
pub(super) mod golden;
#[cfg(test)]
mod schema;
