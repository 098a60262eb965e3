//! What can be read: `/metrics`, the models as JSON, and a page for people.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use modelwatch_common::http::Problem;
use modelwatch_common::metrics::text;
use serde_json::json;

use super::Web;
use crate::exposition;
use crate::page;

/// The models' part as it was published, and the program's own metrics as they are.
pub(super) async fn metrics(State(web): State<Web>) -> Response {
    let _timer = web.metrics.scrape_seconds.start_timer();
    let broken =
        |error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written").because(error);
    let own = match text(&web.registry).map_err(broken) {
        Ok(own) => own,
        Err(problem) => return problem.into_response(),
    };
    let models = web.published.borrow().metrics.clone();
    let mut whole = Vec::with_capacity(models.len() + own.len());
    whole.extend_from_slice(&models);
    whole.extend_from_slice(&own);
    ([(CONTENT_TYPE, exposition::CONTENT_TYPE)], whole).into_response()
}

pub(super) async fn models(State(web): State<Web>) -> Response {
    let published = Arc::clone(&web.published.borrow());
    let names: Vec<_> = published
        .models
        .values()
        .map(|report| json!({ "model": report.model, "task": report.task, "versions": report.versions.keys().collect::<Vec<_>>() }))
        .collect();
    Json(json!({ "models": names })).into_response()
}

pub(super) async fn model(State(web): State<Web>, Path(name): Path<String>) -> Response {
    let published = Arc::clone(&web.published.borrow());
    match published.models.get(name.as_str()) {
        Some(report) => Json(report).into_response(),
        None => {
            Problem::new(StatusCode::NOT_FOUND, format!("no model `{name}` is configured")).into_response()
        }
    }
}

pub(super) async fn page(State(web): State<Web>) -> Response {
    let published = Arc::clone(&web.published.borrow());
    page::home(&published)
}
