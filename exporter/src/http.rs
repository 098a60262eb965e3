//! The exporter's routes: events in, gauges and reports out.

mod encoding;
mod events;
mod key;
mod read;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use axum::Router;
use axum::routing::{get, post};
use modelwatch_common::config::ByteSize;
use modelwatch_common::http::{Auth, Scope};
use modelwatch_exporter_core::state::Setup;
use prometheus::Registry;
use tokio::sync::{Semaphore, watch};

use crate::engine::Request;
use crate::publisher::Published;
use crate::telemetry::Metrics;

/// Kibibytes of bodies, unpacked, that are parsed or counted at the same time; others wait.
pub const ROOM_KIBIBYTES: u32 = 64 << 10;

/// What the routes need to know.
#[derive(Clone)]
pub struct Web {
    /// To the engine.
    pub requests: SyncSender<Request>,
    /// The configuration that events are parsed with.
    pub setup: watch::Receiver<Arc<Setup>>,
    /// What is served.
    pub published: watch::Receiver<Arc<Published>>,
    /// The program's own metrics.
    pub registry: Registry,
    /// The same, to be counted in.
    pub metrics: Metrics,
    /// Longest body, uncompressed.
    pub max_body: ByteSize,
    /// Kibibytes of bodies that are parsed or counted at the same time: what bounds memory.
    pub room: Arc<Semaphore>,
}

/// All routes but those that every program has.
pub fn routes(web: Web, auth: &Auth) -> Router {
    let ingest = Router::new().route("/v1/events", post(events::post_events));
    let metrics = Router::new().route("/metrics", get(read::metrics));
    let read = Router::new()
        .route("/", get(read::home))
        .route("/models/{model}", get(read::model_page))
        .route("/api/v1/models", get(read::models))
        .route("/api/v1/models/{model}", get(read::model))
        .route("/api/v1/models/{model}/distributions", get(read::distributions));
    auth.guard(Scope::Ingest, ingest)
        .merge(auth.guard(Scope::Metrics, metrics))
        .merge(auth.guard(Scope::Read, read))
        .with_state(web)
}
