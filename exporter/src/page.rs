//! Pages for people: what the exporter watches, and one model in full. Plain HTML with pictures in it, no script.
//!
//! Everything that came from outside goes through [`escape`]; a page is made from what was published and changes nothing.

mod attention;
mod cells;
pub mod choice;
mod drift;
mod first_event;
mod home;
mod model;
mod parts;
mod quality;
mod reasons;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use modelwatch_common::http::page::{escape, shell};
use modelwatch_exporter_core::time::Time;

use self::choice::{Choice, NotThere, RawChoice};
use crate::publisher::Published;

/// The page at `/`. `host` is where the browser found the exporter.
#[must_use]
pub fn home(published: &Published, host: &str, now: Time) -> Response {
    shell("Models", &home::body(published, host, now))
}

/// The page of a model.
#[must_use]
pub fn model(published: &Published, name: &str, wanted: &RawChoice, (host, now): (&str, Time)) -> Response {
    let Some(report) = published.models.get(name) else {
        return failure(StatusCode::NOT_FOUND, &format!("No model `{name}` is configured."), published);
    };
    match Choice::find(report, wanted) {
        Ok(choice) => shell(&report.model, &model::body(&choice, wanted, now)),
        Err(NotThere::Nothing) => {
            shell(&report.model, &format!("{}{}", first_event::invitation(report, host), home::links()))
        }
        Err(missing) => failure(StatusCode::NOT_FOUND, &format!("Of `{name}`: {missing}."), published),
    }
}

/// The page for what an address asks for in a way that cannot be read.
#[must_use]
pub fn unreadable(why: &str) -> Response {
    let body = format!("<p class=\"empty\">{}</p>\n{}", escape(why), home::links());
    (StatusCode::BAD_REQUEST, shell("Not shown", &body)).into_response()
}

/// A page that says what is not there and leads to what is.
fn failure(status: StatusCode, what: &str, published: &Published) -> Response {
    let link = |name: &str| {
        format!("<li><a href=\"{}\">{}</a></li>\n", escape(&parts::model_address(name)), escape(name))
    };
    let models: String = published.models.keys().map(|name| link(name)).collect();
    let body = format!("<p class=\"empty\">{}</p>\n<ul>\n{models}</ul>\n{}", escape(what), home::links());
    (status, shell("Not here", &body)).into_response()
}

#[cfg(test)]
mod tests;
