//! Slack's Web API for one bot in one channel: posts, replies and edits, each refused as Slack refuses it.
//!
//! Source: Slack's reference of `chat.postMessage` and `chat.update`. Refusals come with status 200.

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{Channel, rules, take};

/// The only token that is taken.
pub(crate) const BOT_TOKEN: &str = "xoxb-1-verysecretbot";
/// The channel as people call it.
pub(crate) const CHANNEL: &str = "#alerts";
/// The same as Slack calls it.
const CHANNEL_ID: &str = "C0ALERTS";

/// A message that a bot posted.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    /// By what it is found.
    pub(crate) ts: String,
    /// The message in whose thread it is.
    pub(crate) thread: Option<String>,
    /// It is a reply that the channel shows as well.
    pub(crate) broadcast: bool,
    /// Its `client_msg_id`.
    pub(crate) identity: Option<String>,
    /// How often it was edited.
    pub(crate) edits: usize,
    /// What it says now.
    pub(crate) payload: Value,
}

impl Posted {
    /// What people read of it: its blocks, or without any its text.
    pub(crate) fn text(&self) -> String {
        let blocks = rules::texts(&self.payload);
        if blocks.is_empty() {
            self.payload["text"].as_str().unwrap_or_default().to_owned()
        } else {
            blocks.join("\n")
        }
    }

    /// Its first line.
    pub(crate) fn title(&self) -> String {
        self.text().lines().next().unwrap_or_default().to_owned()
    }
}

/// What Slack answers to a call of `method` with these credentials.
pub(super) fn call(
    channel: &mut Channel,
    (method, credentials): (&str, &str),
    body: &[u8],
) -> Response<Full<Bytes>> {
    let answer = match method {
        _ if credentials.is_empty() => Err("not_authed".to_owned()),
        _ if credentials != format!("Bearer {BOT_TOKEN}") => Err("invalid_auth".to_owned()),
        "chat.postMessage" => checked(channel, body).and_then(|payload| {
            if let Some(later) = full(channel, &payload) {
                return Ok(later);
            }
            post(channel, payload)
        }),
        "chat.update" => checked(channel, body).and_then(|payload| update(channel, &payload)),
        _ => Err("unknown_method".to_owned()),
    };
    answer.unwrap_or_else(|word| refused(&word))
}

/// Status 200, and still a refusal.
pub(super) fn refused(word: &str) -> Response<Full<Bytes>> {
    said(&json!({"ok": false, "error": word}))
}

fn said(answer: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder().status(200).header("content-type", "application/json; charset=utf-8");
    response.body(Full::new(Bytes::from(answer.to_string()))).expect("a response")
}

/// The request within all limits of Block Kit, or Slack's word; what broke a rule is noted.
fn checked(channel: &mut Channel, body: &[u8]) -> Result<Value, String> {
    rules::check(body).map_err(|why| {
        channel.refused.push(why.clone());
        why.split(':').next().unwrap_or_default().to_owned()
    })
}

/// The answer to one who may not post now.
fn full(channel: &mut Channel, payload: &Value) -> Option<Response<Full<Bytes>>> {
    is_here(channel, payload, &[CHANNEL, CHANNEL_ID]).ok()?;
    take(channel, payload.clone())
}

fn is_here(channel: &Channel, payload: &Value, names: &[&str]) -> Result<(), String> {
    let named = payload["channel"].as_str().unwrap_or_default();
    match (names.contains(&named), channel.archived) {
        (false, _) => Err("channel_not_found".to_owned()),
        (_, true) => Err("is_archived".to_owned()),
        _ => Ok(()),
    }
}

fn post(channel: &mut Channel, payload: Value) -> Result<Response<Full<Bytes>>, String> {
    is_here(channel, &payload, &[CHANNEL, CHANNEL_ID])?;
    let thread = payload["thread_ts"].as_str().map(str::to_owned);
    if thread.as_ref().is_some_and(|thread| channel.posts.iter().all(|post| post.ts != *thread)) {
        return Err("thread_not_found".to_owned());
    }
    let ts = format!("1764300000.{:06}", channel.accepted.len());
    let answer = json!({"ok": true, "channel": CHANNEL_ID, "ts": ts, "message": payload});
    channel.posts.push(Posted {
        ts,
        thread,
        broadcast: payload["reply_broadcast"] == true,
        identity: payload["client_msg_id"].as_str().map(str::to_owned),
        edits: 0,
        payload,
    });
    Ok(said(&answer))
}

/// The channel has to be named by its id; blocks that are left out stay as they were.
fn update(channel: &mut Channel, payload: &Value) -> Result<Response<Full<Bytes>>, String> {
    is_here(channel, payload, &[CHANNEL_ID])?;
    let found = channel.posts.iter_mut().find(|post| payload["ts"] == post.ts.as_str());
    let post = found.ok_or("message_not_found")?;
    for part in ["text", "blocks", "attachments"] {
        if payload[part].is_string() || payload[part].is_array() {
            post.payload[part] = payload[part].clone();
        }
    }
    post.edits += 1;
    Ok(said(&json!({"ok": true, "channel": CHANNEL_ID, "ts": post.ts, "text": payload["text"]})))
}
