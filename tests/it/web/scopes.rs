//! What a token may, route by route; and what answers whoever has none.

use reqwest::Method;

use super::{PASSWORD, USER, configure};
use crate::support::home;
use crate::support::http::{Answer, client, send};
use crate::support::program::Program;

const WEB: &str = "{auth: {tokens: [{name: i, token: token-ingest, allow: [ingest]}, {name: r, token: token-read, allow: [read]}, {name: w, token: token-write, allow: [write]}, {name: m, token: token-metrics, allow: [metrics]}, {name: all, token: token-all}], basic_users_file: users.htpasswd}}";

const BOTH: [(Method, &str, &str); 5] = [
    (Method::GET, "/", "read"),
    (Method::GET, "/api/v1/status", "read"),
    (Method::GET, "/nowhere", "read"),
    (Method::GET, "/metrics", "metrics"),
    (Method::POST, "/-/reload", "write"),
];
const EXPORTER: [(Method, &str, &str); 5] = [
    (Method::POST, "/v1/events", "ingest"),
    (Method::GET, "/api/v1/models", "read"),
    (Method::GET, "/api/v1/models/loans", "read"),
    (Method::GET, "/api/v1/models/loans/distributions", "read"),
    (Method::GET, "/models/loans", "read"),
];
const RECEIVER: [(Method, &str, &str); 11] = [
    (Method::POST, "/api/v1/send-test", "write"),
    (Method::POST, "/api/v1/notifications/replay", "write"),
    (Method::POST, "/webhook", "ingest"),
    (Method::GET, "/api/v1/notifications", "read"),
    (Method::GET, "/notifications/1", "read"),
    (Method::GET, "/api/v1/alerts", "read"),
    (Method::GET, "/alerts/1", "read"),
    (Method::GET, "/api/v1/stats", "read"),
    (Method::POST, "/api/v1/templates/preview", "read"),
    (Method::GET, "/templates", "read"),
    (Method::POST, "/templates", "read"),
];
const OPEN: [&str; 2] = ["/-/healthy", "/-/ready"];

async fn ask(program: &Program, method: &Method, path: &str, authorization: Option<&str>) -> Answer {
    let mut request = client().request(method.clone(), format!("{}{path}", program.url));
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    send(request).await
}

async fn check(program: &Program, routes: &[(Method, &str, &str)]) {
    for (method, path, needed) in BOTH.iter().chain(routes) {
        for absent in [None, Some("Bearer wrong"), Some("Bearer"), Some("Digest x")] {
            assert_eq!(ask(program, method, path, absent).await.status, 401, "{path} {absent:?}");
        }
        for scope in ["ingest", "read", "write", "metrics", "all"] {
            let answer = ask(program, method, path, Some(&format!("Bearer token-{scope}"))).await;
            let refused = scope != *needed && scope != "all";
            assert_eq!(answer.status == 403, refused, "{method} {path} with {scope}: {}", answer.status);
            assert_ne!(answer.status, 401, "{method} {path} with {scope}");
        }
    }
    for path in OPEN {
        assert_eq!(ask(program, &Method::GET, path, None).await.status, 200, "{path}");
    }
    let line = |reason: &str| format!("http_refused_total{{reason=\"{reason}\"}}");
    let metrics = ask(program, &Method::GET, "/metrics", Some("Bearer token-metrics")).await.body;
    for reason in ["no_credentials", "unknown_token", "scope_missing"] {
        let count =
            metrics.lines().find(|one| one.contains(&line(reason))).unwrap_or_else(|| panic!("{reason}"));
        assert!(!count.ends_with(" 0"), "{count}");
    }
}

#[tokio::test]
async fn every_route_of_the_exporter_takes_the_scope_that_it_is_for() {
    let home = home();
    configure(home.path(), WEB);
    check(&Program::exporter(home.path()).await, &EXPORTER).await;
}

#[tokio::test]
async fn every_route_of_the_receiver_takes_the_scope_that_it_is_for() {
    let home = home();
    configure(home.path(), WEB);
    check(&Program::receiver(home.path()).await, &RECEIVER).await;
}

#[tokio::test]
async fn a_user_may_everything_with_the_right_password_and_is_asked_for_it() {
    let home = home();
    configure(home.path(), WEB);
    for program in [Program::exporter(home.path()).await, Program::receiver(home.path()).await] {
        for path in ["/", "/metrics", "/api/v1/status"] {
            let asked = client().get(format!("{}{path}", program.url)).send().await.unwrap();
            assert_eq!(asked.status(), 401);
            assert_eq!(asked.headers()["www-authenticate"], "Basic realm=\"modelwatch\", charset=\"UTF-8\"");
            for (user, password, status) in
                [(USER, PASSWORD, 200), (USER, "open", 401), ("nobody", PASSWORD, 401), ("", "", 401)]
            {
                let request = client().get(format!("{}{path}", program.url));
                let answer = send(request.basic_auth(user, Some(password))).await;
                assert_eq!(answer.status, status, "{path} {user}");
            }
        }
        let reload = client().post(format!("{}/-/reload", program.url));
        assert_eq!(send(reload.basic_auth(USER, Some(PASSWORD))).await.status, 200);
        for malformed in ["Basic ???", "Basic bm9jb2xvbg=="] {
            assert_eq!(ask(&program, &Method::GET, "/", Some(malformed)).await.status, 400, "{malformed}");
        }
    }
}
