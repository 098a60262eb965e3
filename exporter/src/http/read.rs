//! What can be read: `/metrics`, the models as JSON, and pages for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use modelwatch_common::http::Problem;
use modelwatch_common::metrics::text;
use modelwatch_common::time::{Clock as _, SystemClock};
use modelwatch_exporter_core::report::Distribution;
use serde_json::json;

use super::Web;
use crate::exposition;
use crate::page;
use crate::page::choice::{Choice, RawChoice};

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
    computed(move || match published.models.get(name.as_str()) {
        Some(report) => Json(report).into_response(),
        None => unknown(&name),
    })
    .await
}

fn unknown(name: &str) -> Response {
    Problem::new(StatusCode::NOT_FOUND, format!("no model `{name}` is configured")).into_response()
}

/// Every feature of one window beside its reference, cell by cell.
pub(super) async fn distributions(
    State(web): State<Web>,
    Path(name): Path<String>,
    query: Result<Query<RawChoice>, QueryRejection>,
) -> Response {
    let published = Arc::clone(&web.published.borrow());
    let wanted = match query {
        Ok(Query(wanted)) => wanted,
        Err(error) => return Problem::new(StatusCode::BAD_REQUEST, error.body_text()).into_response(),
    };
    computed(move || match published.models.get(name.as_str()) {
        Some(report) => match Choice::find(report, &wanted) {
            Ok(choice) => Json(told(&choice, wanted.feature.as_deref())).into_response(),
            Err(missing) => Problem::new(StatusCode::NOT_FOUND, missing.to_string()).into_response(),
        },
        None => unknown(&name),
    })
    .await
}

fn told(choice: &Choice<'_>, only: Option<&str>) -> serde_json::Value {
    let names = choice.of_window.features.keys().filter(|name| only.is_none_or(|only| *only == ***name));
    let features: BTreeMap<&str, Distribution> =
        names.filter_map(|name| Some((&**name, choice.model.distribution(choice.names(), name)?))).collect();
    json!({
        "model": choice.model.model, "version": choice.version, "segment": choice.segment, "window": choice.window,
        "reference": choice.of_window.reference, "current": choice.of_window.current, "features": features,
    })
}

pub(super) async fn home(State(web): State<Web>, headers: HeaderMap) -> Response {
    let published = Arc::clone(&web.published.borrow());
    computed(move || page::home(&published, host(&headers), SystemClock.now().into())).await
}

pub(super) async fn model_page(
    State(web): State<Web>,
    Path(name): Path<String>,
    headers: HeaderMap,
    query: Result<Query<RawChoice>, QueryRejection>,
) -> Response {
    let published = Arc::clone(&web.published.borrow());
    match query {
        Ok(Query(wanted)) => {
            let now = SystemClock.now().into();
            computed(move || page::model(&published, &name, &wanted, (host(&headers), now))).await
        }
        Err(error) => page::unreadable(&error.body_text()),
    }
}

/// Where the client found the exporter, empty when it does not say.
fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// What is told of many features takes a while: not on a thread that others' requests wait for.
async fn computed(answer: impl FnOnce() -> Response + Send + 'static) -> Response {
    let broken =
        |error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this cannot be shown").because(error);
    tokio::task::spawn_blocking(answer).await.unwrap_or_else(|error| broken(error).into_response())
}
