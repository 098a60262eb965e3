//! `GET /api/v1/notifications`, `/api/v1/notifications/{id}`, `/api/v1/alerts`, `/api/v1/alerts/{fingerprint}` and
//! `/api/v1/stats`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use modelwatch_common::http::Problem;
use modelwatch_common::time::Clock;
use tokio::sync::Mutex;

use super::{
    Alerts, Entry, FilterError, Page, RawFilter, RawSpan, RawWish, Stats, Timeline, alerts, list, one, stats,
    timeline,
};
use crate::intake::Terms;
use crate::store::{Store, StoreError};

#[derive(Clone)]
struct Asked {
    store: Store,
    clock: Arc<dyn Clock>,
    terms: Arc<ArcSwap<Terms>>,
    /// Who counts: one at a time, so that others find a connection.
    counting: Arc<Mutex<()>>,
}

/// The routes of the history, to be guarded by whoever merges them.
pub fn routes(store: Store, clock: Arc<dyn Clock>, terms: Arc<ArcSwap<Terms>>) -> Router {
    Router::new()
        .route("/api/v1/notifications", get(notifications))
        .route("/api/v1/notifications/{id}", get(notification))
        .route("/api/v1/alerts", get(all_alerts))
        .route("/api/v1/alerts/{fingerprint}", get(one_alert))
        .route("/api/v1/stats", get(statistics))
        .with_state(Asked { store, clock, terms, counting: Arc::default() })
}

async fn notifications(
    State(asked): State<Asked>,
    query: Result<Query<RawFilter>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(raw) = query.map_err(|error| unreadable_query(&error))?;
    let filter = raw.validate(asked.clock.now()).map_err(|error| unusable(&error))?;
    list(&asked.store, &filter).await.map(Json).map_err(|error| unreadable(&error))
}

async fn notification(State(asked): State<Asked>, Path(id): Path<String>) -> Result<Json<Entry>, Problem> {
    let entry = one(&asked.store, &id).await.map_err(|error| unreadable(&error))?;
    entry.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such notification"))
}

async fn all_alerts(
    State(asked): State<Asked>,
    query: Result<Query<RawWish>, QueryRejection>,
) -> Result<Json<Alerts>, Problem> {
    let Query(raw) = query.map_err(|error| unreadable_query(&error))?;
    let wish = raw.validate().map_err(|error| unusable(&error))?;
    alerts(&asked.store, &wish).await.map(Json).map_err(|error| unreadable(&error))
}

async fn one_alert(
    State(asked): State<Asked>,
    Path(fingerprint): Path<String>,
) -> Result<Json<Timeline>, Problem> {
    let windows = asked.terms.load().policy.windows();
    let found = timeline(&asked.store, &fingerprint, windows).await.map_err(|error| unreadable(&error))?;
    found.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such alert"))
}

async fn statistics(
    State(asked): State<Asked>,
    query: Result<Query<RawSpan>, QueryRejection>,
) -> Result<Json<Stats>, Problem> {
    let Query(raw) = query.map_err(|error| unreadable_query(&error))?;
    let _alone = asked.counting.lock().await;
    let now = asked.clock.now();
    let since = raw.validate(now).map_err(|error| unusable(&error))?;
    stats(&asked.store, since, now).await.map(Json).map_err(|error| unreadable(&error))
}

fn unreadable_query(error: &QueryRejection) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, error.body_text())
}

fn unusable(error: &FilterError) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, error.to_string())
}

/// The answer when the store fails.
pub(crate) fn unreadable(error: &StoreError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the history cannot be read now").because(error)
}
