use axum::Extension;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::routing::get;
use tower::ServiceExt as _;

use super::credentials::Token;
use super::users::Users;
use super::*;

fn token(name: &str, secret: &str, allow: &[Scope]) -> Token {
    Token { name: name.to_owned(), secret: Secret::new(secret), allow: allow.to_vec() }
}

fn with_tokens(tokens: Vec<Token>) -> Auth {
    Auth::of(Some(Credentials { tokens, users: None }))
}

fn auth() -> Auth {
    with_tokens(vec![
        token("prometheus", "scrape-me", &[Scope::Metrics]),
        token("everything", "open sesame", &Scope::ALL),
    ])
}

/// `ops` with the password `open sesame`, and a token that may read.
fn with_users() -> Auth {
    let hash = bcrypt::hash("open sesame", 4).unwrap();
    let users = Users::parse(&format!("ops:{hash}")).unwrap();
    let tokens = vec![token("reader", "r3ad", &[Scope::Read])];
    Auth::of(Some(Credentials { tokens, users: Some(Arc::new(users)) }))
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
        (Some("Basic b3BzOm9wZW4gc2VzYW1l"), "Bearer realm=\"modelwatch\""),
        (Some("Digest x"), "Bearer realm=\"modelwatch\""),
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
    let reader = token("reader", "r3ad", &[Scope::Read]);
    let answer = ask(&with_tokens(vec![reader]), Some("Bearer r3ad")).await;
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

#[tokio::test]
async fn a_user_may_everything_and_is_known_behind_the_guard() {
    let answer = ask(&with_users(), Some("Basic b3BzOm9wZW4gc2VzYW1l")).await;
    assert_eq!((answer.status(), text(answer).await.as_str()), (StatusCode::OK, "ops"));
}

#[tokio::test]
async fn with_users_browsers_are_asked_for_a_password() {
    let basic = "Basic realm=\"modelwatch\", charset=\"UTF-8\"";
    // ops:open, nobody:open sesame
    for header in [None, Some("Basic b3BzOm9wZW4="), Some("Basic bm9ib2R5Om9wZW4gc2VzYW1l"), Some("Digest x")]
    {
        let answer = ask(&with_users(), header).await;
        assert_eq!(answer.status(), 401, "{header:?}");
        assert_eq!(answer.headers()[WWW_AUTHENTICATE], basic, "{header:?}");
    }
    let answer = ask(&with_users(), Some("Bearer x")).await;
    assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer realm=\"modelwatch\", error=\"invalid_token\"");
}

#[tokio::test]
async fn credentials_that_are_no_credentials_answer_400() {
    // not Base64, without a colon, not UTF-8
    for header in ["Basic hunter2!", "Basic bm9jb2xvbg==", "Basic /zo=", "Basic "] {
        let answer = ask(&with_users(), Some(header)).await;
        assert_eq!(answer.status(), 400, "{header}");
        assert!(!text(answer).await.contains("hunter2"));
    }
    let route = Router::new().route("/metrics", get(async || "never"));
    let request = Request::builder().uri("/metrics");
    let twice = request.header(AUTHORIZATION, "Bearer scrape-me").header(AUTHORIZATION, "Bearer scrape-me");
    let answer =
        auth().guard(Scope::Metrics, route).oneshot(twice.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn routes_that_were_guarded_before_follow_what_is_adopted() {
    let auth = Auth::open();
    let routes = auth.guard(Scope::Metrics, Router::new().route("/", get(async || "in")));
    let status = async || {
        let request = Request::builder().uri("/").body(Body::empty()).unwrap();
        routes.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(status().await, 200);
    auth.adopt(&self::auth());
    assert_eq!(status().await, 401);
    auth.adopt(&Auth::open());
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn refusals_are_counted_by_reason_from_the_start() {
    let (auth, registry) = (with_users(), Registry::new());
    auth.count_in(&registry, "modelwatch_x").unwrap();
    for header in [None, Some("Bearer x"), Some("Bearer r3ad"), Some("Basic b3BzOm9wZW4="), Some("Basic ?")] {
        ask(&auth, header).await;
    }
    let text = String::from_utf8(crate::metrics::text(&registry).unwrap()).unwrap();
    for (reason, count) in [
        ("no_credentials", 1),
        ("unknown_token", 1),
        ("scope_missing", 1),
        ("wrong_password", 1),
        ("malformed", 1),
        ("busy", 0),
    ] {
        let line = format!("modelwatch_x_http_refused_total{{reason=\"{reason}\"}} {count}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
}
