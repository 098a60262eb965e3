use axum::http::Request;
use tower::ServiceExt as _;

use super::*;
use crate::testing::Rig;

const CONFIG: &str = "
web: {max_body: 2KiB, auth: {tokens: [{name: alertmanager, token: secret-one, allow: [ingest]}, {name: reader, token: secret-two, allow: [read]}]}}
routes: [{channels: [console]}]
channels: [{name: console, type: log}]
";

const OPEN: &str = "
web: {max_body: 2KiB}
routes: [{channels: [console]}]
channels: [{name: console, type: log}]
";

const BODY: &str = r#"{"version":"4","groupKey":"g","alerts":[{"status":"firing","labels":{"alertname":"A"},
  "startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z"}]}"#;

struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: String,
}

fn router(rig: &Rig, intake: Intake) -> Router {
    let (metrics, max_body) = (Arc::clone(&rig.metrics), rig.config.web.max_body());
    routes(Receiving { intake, metrics, max_body }, rig.config.web.auth())
}

async fn post(router: &Router, path: &str, token: Option<&str>, body: &str) -> Answer {
    let mut request = Request::post(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    Answer { status, retry_after, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn sources(rig: &Rig) -> Vec<String> {
    sqlx::query_scalar("select source from webhooks order by id")
        .fetch_all(rig.store.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_webhook_is_answered_200_and_its_source_is_named_by_the_sender_or_by_nobody() {
    let rig = Rig::new(OPEN).await;
    let router = router(&rig, rig.running_intake());
    assert_eq!(post(&router, "/webhook", None, BODY).await.status, 200);
    assert_eq!(post(&router, "/webhook?source=eu", None, BODY).await.status, 200);
    assert_eq!(sources(&rig).await, ["default", "eu"]);
    assert!((rig.metric("webhooks_total{result=\"accepted\"}") - 2.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn nobody_speaks_for_the_receivers_own_heartbeats() {
    let rig = Rig::new(OPEN).await;
    let router = router(&rig, rig.running_intake());
    let answer = post(&router, "/webhook?source=(heartbeat)", None, BODY).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("the receiver's own"), "{}", answer.body);
    assert!(sources(&rig).await.is_empty());
}

#[tokio::test]
async fn only_a_token_for_ingest_gets_in_and_names_the_source() {
    let rig = Rig::new(CONFIG).await;
    let router = router(&rig, rig.running_intake());
    assert_eq!(post(&router, "/webhook", None, BODY).await.status, 401);
    assert_eq!(post(&router, "/webhook", Some("wrong"), BODY).await.status, 401);
    assert_eq!(post(&router, "/webhook", Some("secret-two"), BODY).await.status, 403);
    assert_eq!(post(&router, "/webhook", Some("secret-one"), BODY).await.status, 200);
    assert_eq!(sources(&rig).await, ["alertmanager"]);
}

#[tokio::test]
async fn what_can_never_be_accepted_is_refused_with_the_reason() {
    let rig = Rig::new(OPEN).await;
    let router = router(&rig, rig.running_intake());
    for (body, status, reason) in [
        ("{}", 400, "version"),
        ("not json", 400, "the body is not JSON"),
        (r#"{"version":"4","alerts":[]}"#, 400, "lists no alerts"),
        (&" ".repeat(3000), 413, "longer than 2KiB"),
    ] {
        let answer = post(&router, "/webhook", None, body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.contains(reason), "{}", answer.body);
    }
    assert!((rig.metric("webhooks_total{result=\"invalid\"}") - 3.0).abs() < f64::EPSILON);
    assert!((rig.metric("webhooks_total{result=\"too_large\"}") - 1.0).abs() < f64::EPSILON);
    assert!(sources(&rig).await.is_empty());
}

#[tokio::test]
async fn a_failing_store_answers_503_and_when_to_come_again() {
    let rig = Rig::new(OPEN).await;
    let router = router(&rig, rig.running_intake());
    rig.store.close().await;
    let answer = post(&router, "/webhook", None, BODY).await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some(COME_AGAIN)));
    assert!((rig.metric("webhooks_total{result=\"failed\"}") - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn full_intake_answers_503() {
    let rig = Rig::new(OPEN).await;
    let (intake, _not_running) = rig.intake();
    let router = router(&rig, intake);
    let waiting = tokio::task::JoinSet::from_iter((0..crate::intake::QUEUE).map(|_| {
        let router = router.clone();
        async move { post(&router, "/webhook", None, BODY).await.status }
    }));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let answer = loop {
        let answer = tokio::time::timeout(
            std::time::Duration::from_millis(200),
            post(&router, "/webhook", None, BODY),
        );
        match answer.await {
            Ok(answer) => break answer,
            Err(_) => assert!(std::time::Instant::now() < deadline, "the intake never filled up"),
        }
    };
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some(COME_AGAIN)));
    drop(waiting);
}

#[tokio::test]
async fn a_source_that_no_row_could_be_found_by_is_refused() {
    let rig = Rig::new(OPEN).await;
    let router = router(&rig, rig.running_intake());
    for (source, what) in [("a".repeat(201), "longer than 200 bytes"), ("a%00".to_owned(), "U+0000")] {
        let answer = post(&router, &format!("/webhook?source={source}"), None, BODY).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(what), "{}", answer.body);
    }
    assert_eq!(post(&router, &format!("/webhook?source={}", "a".repeat(200)), None, BODY).await.status, 200);
    assert_eq!(sources(&rig).await, ["a".repeat(200)]);
}

#[tokio::test]
async fn what_there_is_no_room_for_is_to_come_again() {
    let rig = Rig::new(OPEN).await;
    let intake = rig.running_intake();
    let router = router(&rig, intake.clone());
    let mut all = intake.room();
    assert!(all.take(usize::MAX));
    let answer = post(&router, "/webhook", None, BODY).await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some(COME_AGAIN)));
    assert!((rig.metric("webhooks_total{result=\"overloaded\"}") - 1.0).abs() < f64::EPSILON);
    drop(all);
    assert_eq!(post(&router, "/webhook", None, BODY).await.status, 200);
}
