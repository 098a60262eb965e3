//! Pages for people: what was sent to whom, one notification in full, and the timeline of one alert. Plain HTML, no script.
//!
//! Everything that came from outside goes through [`escape`]; nothing here changes anything.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use modelwatch_common::http::page::{escape, shell};
use modelwatch_common::time::Clock;

use crate::history::{self, RawFilter};
use crate::intake::Terms;
use crate::preview::Previews;
use crate::store::{Store, StoreError};
use crate::templates::Templates;

mod alert;
mod content;
mod editor;
mod list;
mod notification;
mod parts;

/// What the pages are made from.
#[derive(Clone)]
pub struct Pages {
    /// Where the history is read.
    pub store: Store,
    /// What the list says about templates that were refused.
    pub templates: Arc<Templates>,
    /// What `24h` in a filter is counted from.
    pub clock: Arc<dyn Clock>,
    /// How long copies are held.
    pub terms: Arc<ArcSwap<Terms>>,
}

/// The routes of the pages, to be guarded by whoever merges them.
pub fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/", get(notifications))
        .route("/notifications/{id}", get(notification_page))
        .route("/alerts/{fingerprint}", get(alert_page))
        .with_state(pages)
}

/// The page on which templates are tried, to be guarded by whoever merges it.
pub fn editor_routes(previews: Previews) -> Router {
    Router::new().route("/templates", get(editor::open).post(editor::tried)).with_state(previews)
}

async fn notifications(
    State(pages): State<Pages>,
    query: Result<Query<RawFilter>, QueryRejection>,
) -> Response {
    let raw = match query {
        Ok(Query(raw)) => raw,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let filter = match raw.clone().validate(pages.clock.now()) {
        Ok(filter) => filter,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match history::list(&pages.store, &filter).await {
        Ok(page) => shell("Notifications", &list::body(&page, &raw, &pages.templates.refused())),
        Err(error) => unreadable(&error),
    }
}

async fn notification_page(State(pages): State<Pages>, Path(id): Path<String>) -> Response {
    match history::one(&pages.store, &id).await {
        Ok(Some(entry)) => shell(&parts::title(&entry), &notification::body(&entry)),
        Ok(None) => failure(StatusCode::NOT_FOUND, "There is no such notification."),
        Err(error) => unreadable(&error),
    }
}

async fn alert_page(State(pages): State<Pages>, Path(fingerprint): Path<String>) -> Response {
    let windows = pages.terms.load().policy.windows();
    match history::timeline(&pages.store, &fingerprint, windows).await {
        Ok(Some(timeline)) => shell(&alert::title(&timeline), &alert::body(&timeline)),
        Ok(None) => failure(StatusCode::NOT_FOUND, "There is no such alert."),
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &StoreError) -> Response {
    tracing::error!(%error, "a page could not be shown");
    failure(StatusCode::SERVICE_UNAVAILABLE, "The history cannot be read now.")
}

fn failure(status: StatusCode, what: &str) -> Response {
    let body = format!("<p class=\"empty\">{}</p>\n<p><a href=\"/\">All notifications</a></p>", escape(what));
    (status, shell("Not shown", &body)).into_response()
}

#[cfg(test)]
mod tests;
