//! A stand-in for Slack, by incoming webhook and by bot token, that refuses what Slack refuses and fails when it is asked to.

mod api;
mod rules;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) use api::{BOT_TOKEN, CHANNEL, Posted};

/// Incoming webhooks allow a channel one message a second; two that are sent a second apart may arrive a little closer.
const BETWEEN_MESSAGES: Duration = Duration::from_millis(900);
/// What a sender that is faster is asked to wait, in seconds.
const RETRY_AFTER: u64 = 1;
/// The secret part of the webhook's address.
pub(crate) const PATH: &str = "/services/T000/B000/verysecret";

/// A message that was answered with `ok`, or would have been.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    /// When it came.
    pub(crate) at: Instant,
    /// Its body.
    pub(crate) payload: Value,
}

impl Accepted {
    /// What people read of it, block by block, the title first.
    pub(crate) fn sections(&self) -> Vec<String> {
        rules::texts(&self.payload)
    }

    /// Everything that people read of it.
    pub(crate) fn text(&self) -> String {
        self.sections().join("\n")
    }

    /// The text of its first header.
    pub(crate) fn title(&self) -> String {
        self.sections().first().cloned().unwrap_or_default()
    }
}

/// What goes wrong with the next request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The answer is this, and the message is not taken.
    Status(u16, &'static str),
    /// As [`Fault::Status`], with `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// The message is taken, and the connection closed without an answer.
    DropAfterReading,
    /// The connection is closed before anything is taken.
    Drop,
    /// The message is taken, and what answers is not HTTP's `ok`.
    Garbage,
    /// Nothing goes wrong, so that what is asked for next is for the request after this.
    Nothing,
    /// A bot is answered 200 and this word, and nothing is taken.
    Refuse(&'static str),
    /// As [`Fault::Refuse`], if the request would edit a message; any other is taken.
    RefuseEdit(&'static str),
}

/// One workspace with one channel.
pub(crate) struct Slack {
    /// What a channel is configured with.
    pub(crate) webhook_url: String,
    /// What a channel with a bot's token is configured with.
    pub(crate) api_url: String,
    channel: Arc<Mutex<Channel>>,
    _serving: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Channel {
    accepted: Vec<Accepted>,
    posts: Vec<Posted>,
    requests: Vec<String>,
    refused: Vec<String>,
    faults: VecDeque<Fault>,
    standing: Option<Fault>,
    limited: bool,
    most_a_second: Option<usize>,
    asked_to_wait: Vec<Instant>,
    archived: bool,
    answers_after: Duration,
}

impl Slack {
    /// A channel that takes as many messages as come.
    pub(crate) async fn start() -> Slack {
        Slack::start_at(0).await
    }

    /// The same on this port.
    pub(crate) async fn start_at(port: u16) -> Slack {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let channel = Arc::new(Mutex::new(Channel::default()));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&channel)));
        let (webhook_url, api_url) = (format!("http://{address}{PATH}"), format!("http://{address}/api"));
        Slack { webhook_url, api_url, channel, _serving: serving }
    }

    /// Takes one message a second from now on, and answers 429 to others.
    pub(crate) fn limit(&self) {
        self.channel().limited = true;
    }

    /// Takes at most so many messages within any second, and answers 429 to others: Slack with more seconds in a second.
    pub(crate) fn limit_to(&self, most_a_second: usize) {
        self.channel().most_a_second = Some(most_a_second);
    }

    /// When somebody was asked to come again later.
    pub(crate) fn asked_to_wait(&self) -> Vec<Instant> {
        self.channel().asked_to_wait.clone()
    }

    /// Every request that meets no other fault meets this one, until it is taken away.
    pub(crate) fn always(&self, fault: Option<Fault>) {
        self.channel().standing = fault;
    }

    /// Archives the channel.
    pub(crate) fn archive(&self) {
        self.channel().archived = true;
    }

    /// Answers only so long after it took a message.
    pub(crate) fn answer_after(&self, span: Duration) {
        self.channel().answers_after = span;
    }

    /// The next request meets this fault, after those that were asked for before.
    pub(crate) fn fail_next(&self, fault: Fault) {
        self.channel().faults.push_back(fault);
    }

    /// All messages so far.
    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        self.accepted_after(0)
    }

    /// The messages so far but the first so many.
    pub(crate) fn accepted_after(&self, first: usize) -> Vec<Accepted> {
        self.channel().accepted[first..].to_vec()
    }

    /// How many messages there are so far.
    pub(crate) fn count(&self) -> usize {
        self.channel().accepted.len()
    }

    /// What was said to requests that broke a rule of Slack's: nothing, if all is well.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.channel().refused.clone()
    }

    /// What a bot posted, as it reads now.
    pub(crate) fn posts(&self) -> Vec<Posted> {
        self.channel().posts.clone()
    }

    /// The methods that were called, in their order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.channel().requests.clone()
    }

    /// Deletes all messages that a bot posted, as people can.
    pub(crate) fn delete_posts(&self) {
        self.channel().posts.clear();
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().expect("nothing panics with the channel")
    }
}

async fn serve(listener: TcpListener, channel: Arc<Mutex<Channel>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, Arc::clone(&channel)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, channel: Arc<Mutex<Channel>>) {
    let answer = hyper::service::service_fn(|request| answer(request, Arc::clone(&channel)));
    // a client that is killed, and a connection that is dropped on purpose, end here
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn answer(
    request: Request<Incoming>,
    channel: Arc<Mutex<Channel>>,
) -> io::Result<Response<Full<Bytes>>> {
    let dropped = || io::Error::other("dropped on purpose");
    let path = request.uri().path().to_owned();
    let header = request.headers().get("authorization");
    let shown = header.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let is_json = request
        .headers()
        .get("content-type")
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let method = path.strip_prefix("/api/").map(str::to_owned);
    channel.lock().expect("the channel").requests.extend(method.clone());
    let fault = next_fault(&channel);
    match fault {
        Some(Fault::Refuse(word)) => return Ok(api::refused(word)),
        Some(Fault::RefuseEdit(word)) if path.ends_with("chat.update") => return Ok(api::refused(word)),
        Some(Fault::Drop) => return Err(dropped()),
        Some(Fault::Status(status, word)) => return Ok(said(status, word)),
        Some(Fault::RetryAfter(status, seconds)) => {
            channel.lock().expect("the channel").asked_to_wait.push(Instant::now());
            return Ok(come_again(status, seconds));
        }
        _ => {}
    }
    let answer = match method {
        Some(method) => api::call(&mut channel.lock().expect("the channel"), (&method, &shown), &body),
        None => post(&channel, (&path, is_json), &body),
    };
    let latency = channel.lock().expect("the channel").answers_after;
    super::wait::pause(latency).await;
    match fault {
        Some(Fault::DropAfterReading) => Err(dropped()),
        Some(Fault::Garbage) => Ok(said(200, "<html>a proxy's page</html>")),
        _ => Ok(answer),
    }
}

fn next_fault(channel: &Mutex<Channel>) -> Option<Fault> {
    let mut channel = channel.lock().expect("the channel");
    channel.faults.pop_front().or(channel.standing)
}

/// What Slack itself answers.
fn post(channel: &Mutex<Channel>, (path, is_json): (&str, bool), body: &[u8]) -> Response<Full<Bytes>> {
    let mut channel = channel.lock().expect("the channel");
    if path != PATH {
        return said(404, "no_service");
    }
    if channel.archived {
        return said(410, "channel_is_archived");
    }
    let checked = if is_json {
        rules::check(body)
    } else {
        Err("invalid_payload: not JSON by its content type".to_owned())
    };
    let payload = match checked {
        Ok(payload) => payload,
        Err(why) => {
            channel.refused.push(why.clone());
            return said(400, why.split(':').next().unwrap_or_default());
        }
    };
    take(&mut channel, payload).unwrap_or_else(|| said(200, "ok"))
}

/// Takes one more message; the answer if it is to come later.
fn take(channel: &mut Channel, payload: Value) -> Option<Response<Full<Bytes>>> {
    let at = Instant::now();
    let too_soon = channel.accepted.last().is_some_and(|last| at - last.at < BETWEEN_MESSAGES);
    let within_a_second =
        channel.accepted.iter().rev().take_while(|one| at - one.at < Duration::from_secs(1));
    let too_many = channel.most_a_second.is_some_and(|most| within_a_second.count() >= most);
    if (channel.limited && too_soon) || too_many {
        channel.refused.push("429".to_owned());
        channel.asked_to_wait.push(at);
        return Some(come_again(429, RETRY_AFTER));
    }
    channel.accepted.push(Accepted { at, payload });
    None
}

fn said(status: u16, word: &str) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "text/plain; charset=utf-8");
    response.body(Full::new(Bytes::from(word.to_owned()))).expect("a response")
}

fn come_again(status: u16, seconds: u64) -> Response<Full<Bytes>> {
    let mut response = said(status, "rate_limited");
    response.headers_mut().insert("retry-after", seconds.into());
    response
}
