//! Connections that are kept, and many of them at once: bodies are made before or cheaply, and answers read whole.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bodies::Bodies;
use crate::figures::Times;

/// One connection, kept alive.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP's number.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: Bytes,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(crate) async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // whoever sends over it hears of the error
            let _ = connection.await;
        });
        Ok(Connection { address, sender, _driver: driver })
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn post(&mut self, path: &str, body: Bytes) -> Result<Answer> {
        self.send(Method::POST, path, body).await
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body })
    }
}

/// Where a load goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Who listens.
    pub(crate) address: SocketAddr,
    /// Which path takes the bodies.
    pub(crate) path: &'static str,
}

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// How long each request took that was answered 200.
    pub(crate) times: Times,
    /// How many were answered otherwise.
    pub(crate) refused: u64,
    /// From the first request to the last answer.
    pub(crate) lasted: Duration,
}

impl Outcome {
    /// How many requests were answered 200 in a second.
    pub(crate) fn per_second(&self) -> f64 {
        let count = u32::try_from(self.times.len()).map_or(f64::INFINITY, f64::from);
        count / self.lasted.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// How long a load lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// So long.
    Elapsed(Duration),
    /// Until each connection sent so many.
    Each(u64),
}

/// Sends over `each.len()` connections at once, over every one of them one request after the other.
///
/// # Errors
/// When a connection breaks.
pub(crate) async fn run(target: Target, each: Vec<Bodies>, until: Until) -> Result<Outcome> {
    let mut connections = Vec::with_capacity(each.len());
    for bodies in each {
        connections.push((Connection::open(target.address).await?, bodies));
    }
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for (connection, bodies) in connections {
        senders.spawn(send_all(connection, target.path, bodies, until));
    }
    let mut times = Vec::new();
    let mut refused = 0;
    while let Some(ended) = senders.join_next().await {
        let (some, few) = ended?.context("a connection broke under load")?;
        times.extend(some);
        refused += few;
    }
    Ok(Outcome { times: Times::new(times), refused, lasted: began.elapsed() })
}

async fn send_all(
    mut connection: Connection,
    path: &'static str,
    mut bodies: Bodies,
    until: Until,
) -> Result<(Vec<Duration>, u64)> {
    let began = Instant::now();
    let mut times = Vec::new();
    let mut refused = 0;
    for number in 0_u64.. {
        let over = match until {
            Until::Elapsed(duration) => began.elapsed() >= duration,
            Until::Each(count) => number >= count,
        };
        if over {
            break;
        }
        let body = bodies.next_body();
        let sent = Instant::now();
        match connection.post(path, body).await?.status {
            200 => times.push(sent.elapsed()),
            _ => refused += 1,
        }
    }
    Ok((times, refused))
}
