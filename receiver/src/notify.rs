//! The edge to destinations: a message is rendered for a channel and sent there, and what came of it is one [`Outcome`].
//!
//! Nothing here retries, waits for its turn or remembers; delivery does. One module per type of channel.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use modelwatch_receiver_core::message::{Message, Post};
use modelwatch_receiver_core::outcome::{Outcome, Receipt};

use crate::templates::Templates;

mod channel;
mod draft;
pub mod email;
pub mod http;
mod log;
pub mod slack;
pub mod webhook;

pub use channel::{Channel, ChannelError, ChannelType, RawChannel};
pub use draft::Draft;

/// A future on the heap, so that notifiers of every type stand in one list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What goes out to a destination, kept in the history as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Exactly what is sent.
    pub content: String,
    /// Why the plain layout was used instead of the channel's template, if it was.
    pub problem: Option<String>,
}

/// One attempt to send a notification.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    /// The notification's id, the same at every attempt, by which a destination can tell a second copy.
    pub id: &'a str,
    /// What to send.
    pub rendered: &'a Rendered,
    /// What it says.
    pub message: &'a Message,
    /// What earlier attempts came to, by recipient, for destinations that have several.
    pub earlier: &'a [Receipt],
    /// Where the message about its group stands, for destinations whose messages can be changed.
    pub post: Option<&'a Post>,
    /// Where it is kept what each recipient comes to.
    pub ledger: &'a dyn Ledger,
}

/// Keeps what became of single recipients, so that none who has a message is sent it again, and where messages are, so that
/// later ones change them; also for a process that takes over from one that died.
///
/// An implementor returns only when it is on disk, and tries until then, also during a shutdown for as long as that waits.
/// Dropping the future leaves it open whether it is; the attempt is then ambiguous.
pub trait Ledger: Send + Sync {
    /// Why not to begin with one more recipient, if so: the program is to stop, which waits only for those begun with, or
    /// others may have taken over.
    fn stopped(&self) -> Option<&'static str>;

    /// Keeps what one recipient came to.
    fn keep<'a>(&'a self, receipt: &'a Receipt) -> BoxFuture<'a, ()>;

    /// Keeps where the message is by which all of the notification was told, in place of the one that its group had.
    fn keep_post<'a>(&'a self, post: &'a Post) -> BoxFuture<'a, ()>;
}

/// One destination.
///
/// An implementor sends a message at most once per call of [`send`](Notifier::send) to each recipient, and to none that an
/// earlier attempt settled. It tells what it knows: anything
/// after the first byte of the message left without a final answer is *ambiguous*. It must not retry, must not block the
/// thread, must end by itself within its own time limits, and must never put a secret (its URL counts as one) or the
/// content into an outcome, an error or a log line. Dropping the future abandons the attempt, which is then ambiguous.
pub trait Notifier: Send + Sync {
    /// What to send for `message`. It never fails: when the template does, the plain layout is used and
    /// [`Rendered::problem`] says why.
    fn render(&self, message: &Message) -> Rendered;

    /// Whether it keeps in the ledger what each of several recipients comes to.
    fn has_recipients(&self) -> bool {
        false
    }

    /// Whether it keeps in the ledger where the message about each group stands.
    fn keeps_posts(&self) -> bool {
        false
    }

    /// Sends it once.
    fn send<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Outcome>;
}

/// The notifier of a configured channel.
///
/// # Errors
/// When its HTTP client or its TLS cannot be set up.
pub fn build(channel: &Channel, templates: &Arc<Templates>) -> Result<Arc<dyn Notifier>, ChannelError> {
    let templates = Arc::clone(templates);
    Ok(match channel.r#type() {
        ChannelType::Log => Arc::new(log::Log::new(channel, templates)),
        ChannelType::Email(mailing) => {
            Arc::new(email::Email::new(channel, mailing, templates, email::Limits::default())?)
        }
        ChannelType::Slack(posting) => {
            Arc::new(slack::Slack::new(channel, posting, templates, http::Limits::default())?)
        }
        ChannelType::Webhook(hook) => {
            Arc::new(webhook::Webhook::new(channel, hook, templates, http::Limits::default())?)
        }
    })
}

#[cfg(test)]
mod contract;
