//! A destination that says `ok` to everything and tells when it came.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// As Slack's incoming webhooks; dropped, it is gone.
pub(crate) struct StandIn {
    /// Where messages are to be sent.
    pub(crate) url: String,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    _serving: JoinSet<()>,
}

/// A message that came.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// When all of it was there.
    pub(crate) at: Instant,
    /// What it says.
    pub(crate) body: Bytes,
}

impl StandIn {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn start() -> Result<StandIn> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let url = format!("http://{}/services/T000/B000/bench", listener.local_addr()?);
        let (sender, arrivals) = mpsc::unbounded_channel();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, sender));
        Ok(StandIn { url, arrivals, _serving: serving })
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }
}

async fn serve(listener: TcpListener, arrivals: mpsc::UnboundedSender<Arrival>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, arrivals.clone()));
    }
}

async fn answer(stream: TcpStream, arrivals: mpsc::UnboundedSender<Arrival>) {
    let service = service_fn(|request: Request<Incoming>| {
        let arrivals = arrivals.clone();
        async move {
            let body = request
                .into_body()
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            // nobody may be waiting any more
            let _ = arrivals.send(Arrival { at: Instant::now(), body });
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
        }
    });
    // a connection that breaks is its sender's to notice
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
