//! Refusing what pages of other sites let a browser send: whoever looks at such a page is inside the network, and a
//! receiver or exporter without tokens trusts whoever is.
//!
//! Browsers say where a request comes from (Fetch Metadata, `Sec-Fetch-Site`; RFC 6454, `Origin`) and pages cannot
//! change it; programs send neither header and are let through.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Problem;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers 403 to a request that may change something and was caused by a page of another site.
pub(super) async fn refuse(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::FORBIDDEN, "requests from pages of other sites are refused").into_response()
}

/// Whether both headers, as far as they are there, speak of our own pages or of the user alone.
fn is_own(headers: &HeaderMap, uri: &Uri) -> bool {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    // HTTP/2 names the host in the address of the request
    let host = host.or_else(|| uri.authority().map(Authority::as_str));
    match (site, origin) {
        (Some(b"same-origin" | b"none"), _) | (None, None) => true,
        (Some(_), _) => false,
        (None, Some(origin)) => origin
            .split_once("://")
            .is_some_and(|(_, of)| host.is_some_and(|host| of.eq_ignore_ascii_case(host))),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::any;
    use tower::ServiceExt as _;

    use super::*;

    async fn status(method: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri("/").header("host", "alerts.example:9741");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let router = Router::new().route("/", any(async || "done")).layer(from_fn(refuse));
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn what_a_page_of_another_site_sends_is_refused() {
        for header in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "http://alerts.example:80"),
            ("origin", "null"),
        ] {
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                assert_eq!(status(method, &[header]).await, 403, "{method} {header:?}");
            }
        }
    }

    #[tokio::test]
    async fn our_own_pages_and_programs_are_let_through() {
        assert_eq!(status("POST", &[]).await, 200);
        assert_eq!(status("POST", &[("sec-fetch-site", "none")]).await, 200);
        assert_eq!(status("POST", &[("origin", "https://Alerts.example:9741")]).await, 200);
        // behind a proxy that gives us another host than the browser sees
        let behind = [("sec-fetch-site", "same-origin"), ("origin", "https://alerts.example")];
        assert_eq!(status("POST", &behind).await, 200);
    }

    #[tokio::test]
    async fn whoever_only_reads_may_come_from_anywhere() {
        assert_eq!(status("GET", &[("sec-fetch-site", "cross-site")]).await, 200);
        assert_eq!(status("HEAD", &[("origin", "https://evil.example")]).await, 200);
    }
}
