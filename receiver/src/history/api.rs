//! `GET /api/v1/notifications` and `/api/v1/notifications/{id}`.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use modelwatch_common::http::Problem;
use modelwatch_common::time::Clock;

use super::{Entry, Page, RawFilter, list, one};
use crate::store::{Store, StoreError};

#[derive(Clone)]
struct Asked {
    store: Store,
    clock: Arc<dyn Clock>,
}

/// The routes of the history, to be guarded by whoever merges them.
pub fn routes(store: Store, clock: Arc<dyn Clock>) -> Router {
    Router::new()
        .route("/api/v1/notifications", get(notifications))
        .route("/api/v1/notifications/{id}", get(notification))
        .with_state(Asked { store, clock })
}

async fn notifications(
    State(asked): State<Asked>,
    query: Result<Query<RawFilter>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(raw) = query.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let filter = raw
        .validate(asked.clock.now())
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    list(&asked.store, &filter).await.map(Json).map_err(|error| unreadable(&error))
}

async fn notification(State(asked): State<Asked>, Path(id): Path<String>) -> Result<Json<Entry>, Problem> {
    let entry = one(&asked.store, &id).await.map_err(|error| unreadable(&error))?;
    entry.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such notification"))
}

/// The answer when the store fails.
pub(crate) fn unreadable(error: &StoreError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the history cannot be read now").because(error)
}
