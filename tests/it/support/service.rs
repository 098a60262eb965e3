//! A stand-in for any service that takes requests: it keeps them and gives the answers that it is told to.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One request that came.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body, as JSON.
    pub(crate) body: Value,
}

/// A status and a body.
type Answer = (u16, &'static str);

#[derive(Debug)]
struct State {
    taken: Vec<Taken>,
    usual: Answer,
    next: Vec<Answer>,
}

/// A listening service; it ends with its test.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    _serving: JoinSet<()>,
}

impl Service {
    /// One that usually answers this.
    pub(crate) async fn start(usual: Answer) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State { taken: Vec::new(), usual, next: Vec::new() }));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&state)));
        Service { url, state, _serving: serving }
    }

    /// Answers this to the next request.
    pub(crate) fn answer_next(&self, answer: Answer) {
        self.state.lock().expect("the state").next.insert(0, answer);
    }

    /// All requests so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.state.lock().expect("the state").taken.clone()
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let answer = hyper::service::service_fn(|request| answer(request, Arc::clone(&state)));
            // a client that is killed ends here
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut state = state.lock().expect("the state");
    state.taken.push(Taken { headers: head.headers, body });
    let (status, words) = state.next.pop().unwrap_or(state.usual);
    let answer = Response::builder().status(status).body(Full::from(words));
    Ok(answer.expect("an answer"))
}
