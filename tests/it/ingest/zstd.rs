//! Bodies packed with zstd: read like those packed with gzip, and no better way to fill the memory.

use std::io::Write as _;

use serde_json::json;

use super::{Exporter, nameless};
use crate::support::http::{Answer, send};

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

async fn post(exporter: &Exporter, encoding: &str, body: Vec<u8>) -> Answer {
    send(exporter.events().header("content-encoding", encoding).body(body)).await
}

#[tokio::test]
async fn zstd_is_read_frame_after_frame() {
    let exporter = Exporter::start("").await;
    let whole = zstd(nameless(1).as_bytes());
    let answer = post(&exporter, "zstd", whole.clone()).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(1)));
    let two = [whole, zstd(nameless(2).as_bytes())].concat();
    let answer = post(&exporter, "ZSTD", two).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(2)), "a second frame counts too");
    exporter.wait_for_sum("model_predictions_total", 3).await;
}

#[tokio::test]
async fn what_is_not_zstd_or_cut_short_is_400_and_says_which() {
    let exporter = Exporter::start("").await;
    let whole = zstd(nameless(1).repeat(50).as_bytes());
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let trailed = [whole.clone(), b"more".to_vec()].concat();
    for broken in [b"not packed".to_vec(), flipped, trailed] {
        let answer = post(&exporter, "zstd", broken).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("not valid zstd"), "{}", answer.body);
    }
    for end in [5, whole.len() / 2, whole.len() - 1] {
        let answer = post(&exporter, "zstd", whole[..end].to_vec()).await;
        assert_eq!(answer.status, 400, "cut at {end}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("cut short"), "{}", answer.body);
    }
    assert_eq!(exporter.sum("model_predictions_total").await, 0.0);
}

#[tokio::test]
async fn bombs_answer_413_and_windows_over_8_mebibytes_are_refused() {
    let exporter = Exporter::start("web: {max_body: 64KiB}\n").await;
    let bomb = zstd(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 64 * 1024);
    assert_eq!(post(&exporter, "zstd", bomb).await.status, 413);
    let half = zstd(&vec![b' '; 40 << 10]);
    let two = post(&exporter, "zstd", [half.clone(), half].concat()).await;
    assert_eq!(two.status, 413, "frames count together");
    let wide = post(&exporter, "zstd", wide_window(nameless(1).as_bytes())).await;
    assert_eq!(wide.status, 400, "{}", wide.body);
    assert!(wide.json()["error"].as_str().unwrap().contains("8 MiB"), "{}", wide.body);
    assert_eq!(exporter.program.get("/-/ready").await.status, 200);
}

/// A frame that asks its reader to keep 128 MiB.
fn wide_window(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(content).unwrap();
    // a block ends here, so the content's length is not known when the header is written
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn other_encodings_and_several_at_once_answer_415_with_what_is_read() {
    let exporter = Exporter::start("").await;
    for encoding in ["br", "deflate", "gzip, zstd", "zstd, zstd"] {
        let answer = post(&exporter, encoding, zstd(nameless(1).as_bytes())).await;
        assert_eq!(answer.status, 415, "{encoding}: {}", answer.body);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(encoding) && error.contains("gzip") && error.contains("zstd"), "{error}");
    }
    let twice = exporter.events().header("content-encoding", "zstd").header("content-encoding", "gzip");
    assert_eq!(send(twice.body(nameless(1))).await.status, 415);
    let refused = exporter.events().header("content-encoding", "br").body("x").send().await.unwrap();
    assert_eq!(refused.headers()["accept-encoding"], "gzip, zstd");
    assert_eq!(post(&exporter, "identity", nameless(1).into_bytes()).await.status, 200);
}
