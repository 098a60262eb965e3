//! The shell around every page for people: one stylesheet, no script, nothing from elsewhere.
//!
//! Classes that the stylesheet knows: `scroll` (around a wide table), `badge` with `ok`, `warn`, `bad` or `quiet`,
//! `cards` with `card` inside, `number` (a cell), `command` (a `pre` that wraps), `quiet` (secondary text), `note` (why something is as it is), `empty` (nothing to
//! show), `verdict` and `findings` (what matters first), `choice` (links of which one is shown), `links` (where else to look);
//! for pictures `pictures` (wider `cards`), `bars` (a table whose second cells are pictures), `excess` (one of them with longer names), `reference`, `current`,
//! `moved`, `track` (areas), `threshold` (a line), `share` (a bar by itself), `legend` with `swatch`; `beside` (two `section`s, side by side
//! where there is room), `editor` (a form with a text to change).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};

/// Where the stylesheet is served.
pub const STYLESHEET: &str = "/static/style.css";

const STYLE: &str = include_str!("page/style.css");

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// A whole page. `title` is plain text; `body` is HTML whose every foreign part went through [`escape`].
#[must_use]
pub fn shell(title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · modelwatch</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"{STYLESHEET}\">\n\
         </head>\n\
         <body>\n\
         <header><a class=\"brand\" href=\"/\">modelwatch</a></header>\n\
         <main>\n<h1>{title}</h1>\n{body}\n</main>\n\
         </body>\n\
         </html>\n"
    );
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(html)).into_response()
}

/// `text` as it has to stand in HTML, between tags or in a quoted attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Serves the stylesheet; a browser that has it is told so.
pub(super) async fn stylesheet(headers: HeaderMap) -> Response {
    let etag = etag();
    let fresh = [(ETAG, etag.as_str()), (CACHE_CONTROL, "public, max-age=3600")];
    let held = headers.get(IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == etag.as_bytes());
    if held {
        return (StatusCode::NOT_MODIFIED, fresh).into_response();
    }
    let kind = [(CONTENT_TYPE, "text/css; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (fresh, kind, STYLE).into_response()
}

fn etag() -> String {
    let mut hasher = DefaultHasher::new();
    STYLE.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests;
