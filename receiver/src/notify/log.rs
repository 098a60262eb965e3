//! The log channel: a notification as one line of the program's own log, in the format chosen by `--log.format`.

use std::sync::Arc;

use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::template::{Fault, Format, line, view};
use tracing::Level;

use super::{BoxFuture, Channel, Notifier, Parcel, Rendered};
use crate::templates::Templates;

/// The name under which the lines can be filtered.
const TARGET: &str = "modelwatch_receiver::notification";

/// Writes messages to the program's log.
pub(super) struct Log {
    template: String,
    templates: Arc<Templates>,
}

impl Log {
    pub(super) fn new(channel: &Channel, templates: Arc<Templates>) -> Self {
        Self { template: channel.template().to_owned(), templates }
    }
}

impl Notifier for Log {
    fn render(&self, message: &Message) -> Rendered {
        let rendered = self.templates.try_render(&self.template, Format::Log, |template| {
            template.render("line", &view::message(message).into())
        });
        let (content, problem) = match rendered {
            Ok(content) => (content, None),
            Err(fault) => (plain(message, &fault), Some(fault.to_string())),
        };
        Rendered { content, problem }
    }

    fn send<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Outcome> {
        let outcome = if tracing::enabled!(target: TARGET, Level::INFO) {
            // the span of the delivery says which notification and channel it is
            tracing::info!(target: TARGET, "{}", parcel.rendered.content);
            Outcome::Delivered { detail: "written to the log".to_owned() }
        } else {
            let detail = "the log level hides notifications, set --log.level=info".to_owned();
            Outcome::Permanent { reason: Reason::Rejected, detail }
        };
        Box::pin(std::future::ready(outcome))
    }
}

/// The line without any template: nothing in here can fail.
fn plain(message: &Message, fault: &Fault) -> String {
    let common = message.common_annotations();
    let summary = common.get("summary").map_or("", String::as_str);
    line(&format!("{}: {summary} (the template failed: {fault})", message.title()))
}
