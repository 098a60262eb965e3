use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use tower::ServiceExt as _;

use super::*;
use crate::metrics::ProgramMetrics;
use crate::reload;
use crate::shutdown::Tasks;

fn state() -> (AdminState, reload::Reloads) {
    let (reload, reloads) = reload::channel();
    let status = Arc::new(|| serde_json::json!({ "version": "1.2.3" }));
    (AdminState { readiness: Readiness::not_yet("the journal is being replayed"), reload, status }, reloads)
}

async fn ask(router: &Router, method: &str, path: &str) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_program_is_healthy_before_it_is_ready() {
    let (state, _reloads) = state();
    let readiness = state.readiness.clone();
    let router = routes(state, &Auth::open());
    assert_eq!(ask(&router, "GET", "/-/healthy").await, (200, "healthy\n".to_owned()));
    let waiting = "not ready: the journal is being replayed\n".to_owned();
    assert_eq!(ask(&router, "GET", "/-/ready").await, (503, waiting));
    readiness.ready();
    assert_eq!(ask(&router, "GET", "/-/ready").await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn a_reload_answers_what_came_of_it() {
    let (state, reloads) = state();
    let tasks = Tasks::new();
    let mut results = vec![Err("x.yaml: routes: expected a list".to_owned()), Ok(())];
    let apply = move || std::future::ready(results.pop().unwrap());
    let gauge = prometheus::IntGauge::new("x", "x").unwrap();
    tasks.spawn("reload", reloads.run(gauge, tasks.shutdown(), apply));
    let router = routes(state, &Auth::open());
    assert_eq!(ask(&router, "POST", "/-/reload").await, (200, "reloaded\n".to_owned()));
    let refused = r#"{"error":"x.yaml: routes: expected a list"}"#.to_owned();
    assert_eq!(ask(&router, "POST", "/-/reload").await, (500, refused));
    assert_eq!(ask(&router, "GET", "/-/reload").await.0, 405);
    tasks.drain(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn status_and_metrics_are_what_the_program_gives() {
    let (state, _reloads) = state();
    let registry = Registry::new();
    ProgramMetrics::register(&registry, "modelwatch_x", "1.2.3").unwrap();
    let router = routes(state, &Auth::open()).merge(metrics_route(registry, &Auth::open()));
    assert_eq!(ask(&router, "GET", "/api/v1/status").await, (200, r#"{"version":"1.2.3"}"#.to_owned()));
    let (status, text) = ask(&router, "GET", "/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("modelwatch_x_build_info{version=\"1.2.3\"} 1\n"), "{text}");
}

#[tokio::test]
async fn with_tokens_only_health_and_readiness_are_open() {
    let (state, _reloads) = state();
    let auth = Auth::closed();
    let router = routes(state, &auth).merge(metrics_route(Registry::new(), &auth));
    for (method, path, status) in [
        ("GET", "/-/healthy", 200),
        ("GET", "/-/ready", 503),
        ("POST", "/-/reload", 401),
        ("GET", "/api/v1/status", 401),
        ("GET", "/metrics", 401),
        ("GET", "/static/style.css", 401),
    ] {
        assert_eq!(ask(&router, method, path).await.0, status, "{method} {path}");
    }
}

#[tokio::test]
async fn a_browser_that_has_the_stylesheet_is_told_so() {
    let (state, _reloads) = state();
    let router = routes(state, &Auth::open());
    let request = || Request::builder().uri(page::STYLESHEET);
    let first = router.clone().oneshot(request().body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()[CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=3600");
    let again = request().header(IF_NONE_MATCH, &first.headers()[ETAG]).body(Body::empty()).unwrap();
    let again = router.oneshot(again).await.unwrap();
    assert_eq!(again.status(), 304);
    assert!(axum::body::to_bytes(again.into_body(), 10).await.unwrap().is_empty());
}
