//! An Alertmanager that answers as it is told to.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use modelwatch_common::shutdown::Tasks;
use serde_json::json;
use tokio::net::TcpListener;

use crate::testing::START;

/// What it does with a request.
#[derive(Debug, Clone)]
pub(super) enum Manner {
    /// Lists alerts of these names as firing.
    Lists(Vec<&'static str>),
    /// The same, as one of several in a cluster.
    ListsWithOthers(Vec<&'static str>),
    /// Lists alerts, and says nothing of itself.
    ListsOnly(Vec<&'static str>),
    /// Answers every request with this status and text.
    Says(u16, &'static str),
    /// Sends the asker to another place.
    SendsTo(String),
    /// Answers with so many bytes that never end a list.
    Floods(usize),
    /// Never answers.
    Hangs,
}

/// It ends with the test's runtime.
pub(super) struct StandIn {
    /// Where it listens.
    pub(super) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    manner: Mutex<Manner>,
    asked: Mutex<Vec<(String, Option<String>)>>,
}

impl StandIn {
    pub(super) async fn start(manner: Manner) -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { manner: Mutex::new(manner), asked: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Tasks::new().spawn("stand-in", async move { axum::serve(listener, router).await.unwrap() });
        StandIn { url, shared }
    }

    pub(super) fn now(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// What was asked, path and query, and the credentials that were shown.
    pub(super) fn asked(&self) -> Vec<(String, Option<String>)> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, request: Request) -> Response {
    let shown = headers.get(header::AUTHORIZATION).map(|shown| shown.to_str().unwrap().to_owned());
    let is_status = request.uri().path().ends_with("/api/v2/status");
    shared.asked.lock().unwrap().push((request.uri().to_string(), shown));
    let manner = shared.manner.lock().unwrap().clone();
    match manner {
        Manner::Lists(_) if is_status => status(1),
        Manner::ListsWithOthers(_) if is_status => status(2),
        Manner::ListsOnly(_) if is_status => StatusCode::NOT_FOUND.into_response(),
        Manner::Lists(names) | Manner::ListsWithOthers(names) | Manner::ListsOnly(names) => {
            axum::Json(names.into_iter().map(firing).collect::<Vec<_>>()).into_response()
        }
        Manner::Says(status, text) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Manner::SendsTo(place) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
        Manner::Floods(bytes) => " ".repeat(bytes).into_response(),
        Manner::Hangs => std::future::pending().await,
    }
}

fn at(second: i64) -> String {
    Timestamp::from_second(START + second).unwrap().to_string()
}

fn firing(name: &str) -> serde_json::Value {
    let labels = json!({"alertname": name, "replica": "a"});
    json!({"labels": labels, "startsAt": at(0), "endsAt": at(100_000), "status": {"state": "active"}})
}

fn status(peers: usize) -> Response {
    let peers: Vec<_> = (0..peers).map(|peer| json!({"name": peer, "address": "am:9094"})).collect();
    axum::Json(json!({"cluster": {"status": "ready", "peers": peers}, "uptime": at(0)})).into_response()
}
