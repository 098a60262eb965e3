//! `Idempotency-Key`: a body that is sent again is answered as before and counts nothing again.

use std::cell::Cell;
use std::time::Duration;

use rand::RngExt as _;
use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Exporter, nameless};
use crate::support::http::{JSON, NDJSON, attempt, client, send};
use crate::support::random::random;
use crate::support::wait::pause;

#[tokio::test]
async fn the_same_key_answers_the_stored_result_also_after_a_kill() {
    let mut exporter = Exporter::start("").await;
    let body = format!("{}no event\n{}", nameless(1), "{}\n".repeat(30));
    let first = exporter.post("batch-1", &body).await;
    assert_eq!(
        (first.status, &first.json()["accepted"], &first.json()["rejected"]),
        (200, &json!(1), &json!(31))
    );
    assert_eq!(first.json()["errors"].as_array().unwrap().len(), 20);
    for round in 0..3 {
        let again = exporter.post("batch-1", &body).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "round {round}");
        exporter.crash().await;
    }
    assert_eq!(exporter.post("batch-2", &body).await.status, 200, "another key is another batch");
    exporter.wait_for_sum("model_predictions_total", 2).await;
    exporter.wait_for_sum("data_rejected_rows_total", 62).await;
}

#[tokio::test]
async fn results_outlive_a_snapshot_too() {
    let mut exporter = Exporter::start("").await;
    let first = exporter.post("batch-1", &nameless(1)).await;
    let reloaded = send(client().post(format!("{}/-/reload", exporter.program.url))).await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.body);
    exporter.crash().await;
    assert_eq!(exporter.post("batch-1", &nameless(1)).await.body, first.body);
    exporter.wait_for_sum("model_predictions_total", 1).await;
}

#[tokio::test]
async fn a_body_without_anything_acceptable_is_answered_400_again() {
    let mut exporter = Exporter::start("").await;
    let first = exporter.post("bad", "no event\n").await;
    assert_eq!(first.status, 400);
    exporter.crash().await;
    let again = exporter.post("bad", "no event\n").await;
    assert_eq!((again.status, again.body), (400, first.body));
    exporter.wait_for_sum("data_rejected_rows_total", 1).await;
}

#[tokio::test]
async fn a_known_key_with_another_body_is_422_and_counts_nothing() {
    let mut exporter = Exporter::start("").await;
    assert_eq!(exporter.post("batch-1", &nameless(1)).await.status, 200);
    for _ in 0..2 {
        let other = exporter.post("batch-1", &nameless(2)).await;
        assert_eq!(other.status, 422, "{}", other.body);
        assert!(other.json()["error"].as_str().unwrap().contains("another body"), "{}", other.body);
        let other = client()
            .post(format!("{}/v1/events", exporter.program.url))
            .header("content-type", JSON)
            .header("idempotency-key", "batch-1")
            .body(nameless(1));
        assert_eq!(send(other).await.status, 422, "the same bytes as JSON are another body");
        exporter.crash().await;
    }
    let packed = exporter.events().header("idempotency-key", "batch-1").header("content-encoding", "zstd");
    let packed = send(packed.body(zstd::encode_all(nameless(1).as_bytes(), 3).unwrap())).await;
    assert_eq!(packed.status, 200, "packed otherwise it is the same body: {}", packed.body);
    exporter.wait_for_sum("model_predictions_total", 1).await;
}

#[tokio::test]
async fn keys_that_are_none_answer_400() {
    let exporter = Exporter::start("").await;
    for key in ["", "two words", "tab\there", &"k".repeat(256)] {
        let answer = exporter.post(key, &nameless(1)).await;
        assert_eq!(answer.status, 400, "{key:?}: {}", answer.body);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("Idempotency-Key") && error.contains("255"), "{error}");
    }
    let beyond_ascii = exporter.events().header("idempotency-key", b"caf\xc3\xa9".as_slice());
    assert_eq!(send(beyond_ascii.body(nameless(1))).await.status, 400);
    let twice = exporter.events().header("idempotency-key", "a").header("idempotency-key", "b");
    assert_eq!(send(twice.body(nameless(1))).await.status, 400);
    assert_eq!(exporter.post(&"k".repeat(255), &nameless(1)).await.status, 200);
    exporter.wait_for_sum("model_predictions_total", 1).await;
}

#[tokio::test]
async fn keys_of_two_tokens_are_two_keys() {
    let exporter = Exporter::start(
        "web: {auth: {tokens: [{name: first, file: first.token}, {name: second, file: second.token}]}}\n",
    )
    .await;
    for (secret, number) in [("first-secret", 1), ("second-secret", 2), ("first-secret", 1)] {
        let request = exporter.events().header("idempotency-key", "batch-1").bearer_auth(secret);
        let answer = send(request.body(nameless(number))).await;
        assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(1)), "{}", answer.body);
    }
    let page =
        send(client().get(format!("{}/metrics", exporter.program.url)).bearer_auth("first-secret")).await;
    assert!(page.body.contains("modelwatch_exporter_ingest_repeated_total 1\n"), "{}", page.body);
}

#[tokio::test]
async fn many_at_once_with_one_key_are_counted_once_and_answered_alike() {
    let exporter = Exporter::start("").await;
    let body: String = (0..200).map(nameless).collect();
    let mut at_once = JoinSet::new();
    for _ in 0..20 {
        at_once.spawn(send(exporter.events().header("idempotency-key", "batch-1").body(body.clone())));
    }
    let answers = at_once.join_all().await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
    }
    exporter.wait_for_sum("model_predictions_total", 200).await;
    let page = exporter.program.metrics().await;
    assert!(page.contains("modelwatch_exporter_ingest_repeated_total 19\n"), "{page}");
}

/// Sends a body with its key until it is answered, and now and then once more.
async fn send_for_sure(client: &Client, url: &str, number: u64) {
    let mut answered = None;
    while answered.is_none() || (number.is_multiple_of(3) && answered == Some(1)) {
        let request = client.post(format!("{url}/v1/events")).header("content-type", NDJSON);
        let request = request.header("idempotency-key", format!("batch-{number}"));
        match attempt(request.body((0..5).map(|at| nameless(number * 5 + at)).collect::<String>())).await {
            Ok(answer) if answer.status == 200 => {
                assert_eq!(answer.json()["accepted"], 5, "{}", answer.body);
                answered = Some(answered.unwrap_or(0) + 1);
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
            Err(_) => {}
        }
        pause(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn predictions_without_ids_are_counted_once_however_often_the_exporter_is_killed() {
    let mut random = random();
    let mut exporter = Exporter::start("").await;
    let (end, sent, client) = (Cell::new(false), Cell::new(0), client());
    let url = exporter.program.url.clone();
    let sending = async {
        while !end.get() {
            send_for_sure(&client, &url, sent.get()).await;
            sent.set(sent.get() + 1);
        }
    };
    let killing = async {
        for _ in 0..12 {
            exporter.program.ready().await;
            pause(Duration::from_millis(random.random_range(20..250))).await;
            exporter.program.crash();
        }
        exporter.program.ready().await;
        end.set(true);
    };
    tokio::join!(sending, killing);
    assert!(sent.get() > 12, "there was time to send: {}", sent.get());
    exporter.wait_for_sum("model_predictions_total", 5 * sent.get()).await;
}
