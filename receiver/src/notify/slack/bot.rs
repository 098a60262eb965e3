//! Slack's Web API: one message for a group, which follows it by edits or by replies in its thread.
//!
//! An edit notifies nobody, so what people have to look at is also said in a reply that the channel shows. The edit goes
//! first and may be made again without harm; the reply comes last, so that whoever knows that it was taken has told all.

use modelwatch_receiver_core::message::{Message, Post};
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use reqwest::Client;
use serde_json::{Value, json};

use super::settings::{Bot, Update};
use crate::notify::Parcel;
use crate::notify::http::failed;

mod reply;

use reply::Place;

/// A bot that tells one notification.
pub(super) struct Telling<'a> {
    pub(super) client: &'a Client,
    pub(super) bot: &'a Bot,
    pub(super) parcel: Parcel<'a>,
}

impl Telling<'_> {
    /// Tells it, once, where it belongs.
    pub(super) async fn tell(&self) -> Outcome {
        let Ok(content) = serde_json::from_str::<Value>(&self.parcel.rendered.content) else {
            let detail = "the message could not be put together".to_owned();
            return Outcome::Permanent { reason: Reason::Protocol, detail };
        };
        if self.parcel.post.is_some_and(|post| post.notification == self.message().id) {
            return Outcome::Delivered { detail: "an earlier attempt had told it".to_owned() };
        }
        let told = match self.parcel.post.filter(|post| self.belongs_to(post)) {
            Some(post) => match self.follow(post, &content).await {
                // whatever is wrong with the old message for good, a new one may still come through
                Err(Outcome::Permanent { detail, .. }) => {
                    self.post(&content, &format!(" instead of {detail}")).await
                }
                told => told,
            },
            None => self.post(&content, "").await,
        };
        told.unwrap_or_else(|outcome| outcome)
    }

    fn message(&self) -> &Message {
        self.parcel.message
    }

    fn belongs_to(&self, post: &Post) -> bool {
        self.bot.update != Update::Post
            && post.asked == self.bot.channel
            && post.is_continued_by(self.message())
    }

    /// A new message, whose place is kept.
    async fn post(&self, content: &Value, why: &str) -> Result<Outcome, Outcome> {
        let asked = &self.bot.channel;
        let place = self.call("chat.postMessage", self.telling(asked, content)).await?;
        if let Some(Place { channel, ts }) = place {
            self.keep(Post::saying(self.message(), asked, channel, ts)).await;
        }
        Ok(Outcome::Delivered { detail: format!("posted{why}") })
    }

    /// The message that stands, changed or answered to.
    async fn follow(&self, post: &Post, content: &Value) -> Result<Outcome, Outcome> {
        let is_loud = post.is_loud(self.message());
        let detail = match (self.bot.update, is_loud) {
            (Update::Edit, _) => {
                self.call("chat.update", edit(post, content)).await?;
                if is_loud { self.ping(post, content).await? } else { "edited" }
            }
            _ => {
                self.call("chat.postMessage", self.reply(post, content, is_loud)).await?;
                "replied"
            }
        };
        self.keep(post.now_saying(self.message())).await;
        Ok(Outcome::Delivered { detail: detail.to_owned() })
    }

    /// Says in the thread of a message that was changed, and in the channel, that it is to be looked at. If that fails, what
    /// was changed may have been read all the same.
    async fn ping(&self, post: &Post, content: &Value) -> Result<&'static str, Outcome> {
        let short = json!({"text": content["text"]});
        match self.call("chat.postMessage", self.reply(post, &short, true)).await {
            Ok(_) => Ok("edited, and said in its thread"),
            Err(Outcome::Retryable { reason, retry_after, detail, .. }) => {
                let detail = format!("edited, but nobody was told: {detail}");
                Err(Outcome::Retryable { reason, retry_after, ambiguous: true, detail })
            }
            Err(outcome) => Err(outcome),
        }
    }

    /// A reply; one that the channel does not show reaches only those who follow the thread.
    fn reply(&self, post: &Post, content: &Value, is_shown: bool) -> Value {
        let mut reply = self.telling(&post.channel, content);
        reply["thread_ts"] = json!(post.ts);
        reply["reply_broadcast"] = json!(is_shown);
        reply
    }

    /// Every copy of a notification has its id, by which it can be told from news; links in it show no previews.
    fn telling(&self, channel: &str, content: &Value) -> Value {
        let mut request = content.clone();
        request["channel"] = json!(channel);
        request["client_msg_id"] = json!(self.message().id);
        request["unfurl_links"] = json!(false);
        request["unfurl_media"] = json!(false);
        request
    }

    async fn keep(&self, post: Post) {
        if self.bot.update != Update::Post {
            self.parcel.ledger.keep_post(&post).await;
        }
    }

    /// Calls a method; where the message is that it made, if it says so.
    async fn call(&self, method: &str, request: Value) -> Result<Option<Place>, Outcome> {
        let sent = self
            .client
            .post(format!("{}/{method}", self.bot.api_url))
            .bearer_auth(self.bot.token.expose())
            .header(reqwest::header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(request.to_string())
            .send()
            .await;
        match sent {
            Ok(response) => reply::read(response, method, &self.bot.token).await,
            Err(error) => Err(failed(&error)),
        }
    }
}

/// What is left out of an edit stays as it was, so nothing is.
fn edit(post: &Post, content: &Value) -> Value {
    let list = |name: &str| if content[name].is_array() { content[name].clone() } else { json!([]) };
    json!({
        "channel": post.channel,
        "ts": post.ts,
        "text": content["text"],
        "blocks": list("blocks"),
        "attachments": list("attachments"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_leaves_nothing_of_the_message_before() {
        let post = Post {
            notification: "n".to_owned(),
            asked: "#a".to_owned(),
            channel: "C1".to_owned(),
            ts: "1.2".to_owned(),
            severity: None,
            is_over: false,
        };
        let wanted = json!({"channel": "C1", "ts": "1.2", "text": "t", "blocks": [], "attachments": []});
        assert_eq!(edit(&post, &json!({"text": "t"})), wanted);
    }
}
