use axum::Extension;
use axum::body::Body;
use axum::routing::get;
use tower::ServiceExt as _;

use super::*;

fn auth() -> Auth {
    let token = |name: &str, secret: &str, allow: &[Scope]| Token {
        name: name.to_owned(),
        secret: Secret::new(secret),
        allow: allow.to_vec(),
    };
    Auth::with_tokens(vec![
        token("prometheus", "scrape-me", &[Scope::Metrics]),
        token("everything", "open sesame", &Scope::ALL),
    ])
}

async fn ask(auth: &Auth, authorization: Option<&str>) -> Response {
    let name = |Extension(TokenName(name)): Extension<TokenName>| async { name };
    let route = Router::new().route("/metrics", get(name));
    let mut request = Request::builder().uri("/metrics");
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    let routes = auth.guard(Scope::Metrics, route);
    routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_known_token_passes_and_its_name_is_known_behind_the_guard() {
    for (header, name) in [
        ("Bearer scrape-me", "prometheus"),
        ("bearer  scrape-me ", "prometheus"),
        ("Bearer open sesame", "everything"),
    ] {
        let answer = ask(&auth(), Some(header)).await;
        assert_eq!((answer.status(), text(answer).await.as_str()), (StatusCode::OK, name), "{header}");
    }
}

#[tokio::test]
async fn no_token_and_a_wrong_token_answer_401_with_a_challenge() {
    let table = [
        (None, "Bearer realm=\"modelwatch\""),
        (Some("Basic c2NyYXBlLW1l"), "Bearer realm=\"modelwatch\""),
        (Some("Bearer"), "Bearer realm=\"modelwatch\""),
        (Some("Bearer "), "Bearer realm=\"modelwatch\", error=\"invalid_token\""),
        (Some("Bearer scrape-m"), "Bearer realm=\"modelwatch\", error=\"invalid_token\""),
        (Some("Bearer scrape-mee"), "Bearer realm=\"modelwatch\", error=\"invalid_token\""),
    ];
    for (header, challenge) in table {
        let answer = ask(&auth(), header).await;
        assert_eq!(answer.status(), 401, "{header:?}");
        assert_eq!(answer.headers()[WWW_AUTHENTICATE], challenge, "{header:?}");
    }
}

#[tokio::test]
async fn a_token_without_the_scope_answers_403_without_repeating_it() {
    let reader = Token { name: "reader".to_owned(), secret: Secret::new("r3ad"), allow: vec![Scope::Read] };
    let answer = ask(&Auth::with_tokens(vec![reader]), Some("Bearer r3ad")).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(
        answer.headers()[WWW_AUTHENTICATE],
        "Bearer realm=\"modelwatch\", error=\"insufficient_scope\""
    );
    assert_eq!(text(answer).await, r#"{"error":"the bearer token may not do this"}"#);
}

#[tokio::test]
async fn without_tokens_everyone_passes() {
    let route = Router::new().route("/", get(async || "open"));
    let request = Request::builder().uri("/").body(Body::empty()).unwrap();
    let answer = Auth::open().guard(Scope::Write, route).oneshot(request).await.unwrap();
    assert_eq!(text(answer).await, "open");
}
