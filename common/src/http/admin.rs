//! The routes that every program has: health, readiness, reload, status, the stylesheet, and the plain `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use prometheus::{Registry, TEXT_FORMAT};
use tokio::sync::watch;

use super::{Auth, Problem, Scope, page};
use crate::metrics;
use crate::reload::Reload;

/// What the routes need to know of their program.
#[derive(Clone)]
pub struct AdminState {
    /// Answers `/-/ready`.
    pub readiness: Readiness,
    /// Answers `POST /-/reload`.
    pub reload: Reload,
    /// Answers `/api/v1/status`. Secrets are never in it.
    pub status: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
}

/// Whether the program can do its work, or why it cannot yet. Cheap to clone; all copies say the same.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<watch::Sender<Option<String>>>);

impl Readiness {
    /// Not ready for `reason` (`the journal is being replayed`).
    pub fn not_yet(reason: impl Into<String>) -> Readiness {
        Readiness(Arc::new(watch::Sender::new(Some(reason.into()))))
    }

    /// Ready from now on.
    pub fn ready(&self) {
        self.0.send_replace(None);
    }

    /// Why it is not ready; `None` when it is.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

/// `/-/healthy` and `/-/ready` (open to everyone), `POST /-/reload`, `/api/v1/status`, `/static/style.css`.
pub fn routes(state: AdminState, auth: &Auth) -> Router {
    let open = Router::new().route("/-/healthy", get(healthy)).route("/-/ready", get(ready));
    let write = Router::new().route("/-/reload", post(reload));
    let read =
        Router::new().route("/api/v1/status", get(status)).route(page::STYLESHEET, get(page::stylesheet));
    open.merge(auth.guard(Scope::Write, write)).merge(auth.guard(Scope::Read, read)).with_state(state)
}

/// `/metrics`: everything in `registry`, in Prometheus' text format.
pub fn metrics_route(registry: Registry, auth: &Auth) -> Router {
    let route = Router::new().route("/metrics", get(registry_text)).with_state(registry);
    auth.guard(Scope::Metrics, route)
}

async fn healthy() -> &'static str {
    "healthy\n"
}

async fn ready(State(state): State<AdminState>) -> (StatusCode, String) {
    match state.readiness.missing() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}

async fn reload(State(state): State<AdminState>) -> Result<&'static str, Problem> {
    let asked = state.reload.ask().await;
    asked.map(|()| "reloaded\n").map_err(|reason| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, reason))
}

async fn status(State(state): State<AdminState>) -> Json<serde_json::Value> {
    Json((state.status)())
}

async fn registry_text(State(registry): State<Registry>) -> Result<Response, Problem> {
    let text = metrics::text(&registry).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written").because(error)
    })?;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

#[cfg(test)]
mod tests;
