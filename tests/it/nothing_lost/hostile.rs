//! Bodies that nobody should send: the receiver says no, stays small, and goes on.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Scene;
use crate::support::alerts::{Alert, webhook};
use crate::support::history::history;
use crate::support::http::{JSON, attempt, client};
use crate::support::loans::START;

/// The longest body.
const LONGEST: usize = 16 << 20;
/// Who sends at once.
const SENDERS: usize = 64;
/// What the receiver may need at most, in kB, whatever is sent.
const MEMORY: u64 = 900 << 10;

/// A webhook of so many alerts.
fn of(alerts: usize, note: &str) -> String {
    let alerts: Vec<_> = (0..alerts)
        .map(|n| Alert::firing("Flood", START).with("n", &n.to_string()).with("note", note))
        .collect();
    webhook("flood", &alerts).to_string()
}

fn nested(depth: usize) -> String {
    let mut body = webhook("g", [&Alert::firing("Deep", START)]);
    body["deep"] = json!("DEEP");
    body.to_string().replace("\"DEEP\"", &format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
}

/// What is sent, and which answers are right.
fn bodies() -> Vec<(&'static str, Vec<u8>, &'static [u16])> {
    let whole = webhook("g", [&Alert::firing("Odd", START)]);
    let with = |pointer: &str, value: serde_json::Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string().into_bytes()
    };
    let mut many_labels = String::new();
    for number in 0..100_000 {
        write!(many_labels, "\"l{number}\":\"v\",").unwrap();
    }
    let many_labels = whole.to_string().replacen("\"labels\":{", &format!("\"labels\":{{{many_labels}"), 1);
    let too_long = vec![b' '; LONGEST + 1];
    vec![
        ("nothing", Vec::new(), &[400]),
        ("not JSON", b"<html>".to_vec(), &[400]),
        ("no UTF-8", vec![0xff; 1_000], &[400]),
        ("blanks", vec![b' '; LONGEST], &[400]),
        ("too long", too_long, &[413]),
        ("brackets", vec![b'['; LONGEST], &[400]),
        ("braces", b"{\"a\":".repeat(LONGEST / 5), &[400]),
        ("deep", nested(100_000).into_bytes(), &[200, 400]),
        ("cut off", whole.to_string().into_bytes()[..300].to_vec(), &[400]),
        ("alerts as text", with("/alerts", json!("x")), &[400]),
        ("alerts as numbers", with("/alerts", json!([1, 2])), &[400]),
        ("labels as a list", with("/alerts/0/labels", json!(["a"])), &[400]),
        ("a label as a number", with("/alerts/0/labels/severity", json!(1)), &[400]),
        ("a moment as a number", with("/alerts/0/startsAt", json!(1e300)), &[400]),
        ("an unknown status", with("/alerts/0/status", json!("perhaps")), &[400]),
        ("a key of a megabyte", with("/groupKey", json!("k".repeat(1 << 20))), &[200, 400]),
        ("a NUL", with("/alerts/0/labels/severity", json!("a\u{0}b")), &[200, 400]),
        ("many labels", many_labels.into_bytes(), &[200, 400]),
    ]
}

#[tokio::test]
async fn whatever_is_sent_is_answered_and_what_follows_is_told() {
    let scene = Scene::start(1).await;
    let url = format!("{}/webhook", scene.receiver.url);
    for (name, body, right) in bodies() {
        let is_too_long = body.len() > LONGEST;
        match attempt(client().post(&url).header("content-type", JSON).body(body)).await {
            Ok(answer) => {
                assert!(right.contains(&answer.status), "{name}: {} {}", answer.status, answer.body);
            }
            // the refusal came while the body was still being sent
            Err(error) => assert!(is_too_long, "{name}: {error}"),
        }
    }
    scene.send("after", &Alert::firing("After", START)).await;
    scene.settled().await;
    let texts: Vec<_> = scene.slack().accepted().iter().map(crate::support::slack::Accepted::title).collect();
    assert!(texts.iter().any(|title| title.ends_with("After")), "{texts:?}");
    let most = scene.receiver.memory("VmHWM");
    println!("at most {most} kB");
    assert!(most < MEMORY, "{most} kB");
}

/// An answer's status, and whether it says when to come again.
type Told = (u16, bool);

/// Sends the same from everyone at once; the answers, without those that a refusal in the middle of a body cut off.
async fn from_everyone(url: &str, body: &str) -> Vec<Told> {
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let request = client().post(url).header("content-type", JSON).body(body.to_owned());
        senders.spawn(async move {
            let answer = request.send().await.ok()?;
            Some((answer.status().as_u16(), answer.headers().contains_key("retry-after")))
        });
    }
    senders.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_flood_of_the_longest_bodies_it_stays_small_and_never_answers_429() {
    let scene = Scene::start(1).await;
    let url = format!("{}/webhook", scene.receiver.url);
    let before = scene.receiver.memory("VmRSS");
    let mut body = of(16, &"x".repeat(LONGEST / 17));
    body.truncate(body.len().min(LONGEST));
    let answers = from_everyone(&url, &body).await;
    let busy = answers.iter().filter(|answer| **answer == (503, true)).count();
    let most = scene.receiver.memory("VmHWM");
    println!("{} answers, {busy} of them 503; {before} kB before, at most {most} kB", answers.len());
    let others: Vec<_> =
        answers.iter().filter(|answer| ![(200, false), (503, true)].contains(answer)).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(busy > 0 && answers.len() > busy, "some were taken, and not all: {answers:?}");
    assert!(most < MEMORY, "{most} kB");
    scene.send("after", &Alert::firing("After", START)).await;
    let history = history(&scene.receiver).await;
    assert!(history.iter().any(|one| one["group"].to_string().contains("after")), "it goes on");
}

#[tokio::test]
async fn senders_that_send_slowly_hold_up_nobody() {
    let scene = Scene::start(1).await;
    let address = scene.receiver.url.trim_start_matches("http://").to_owned();
    let mut slow = Vec::new();
    for _ in 0..SENDERS {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = "POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    scene.send("g", &Alert::firing("Drift", START)).await;
    scene.settled().await;
    assert_eq!(scene.slack().count(), 1);
    // none was cut off for the others' sake
    let mut byte = [0];
    let read = tokio::time::timeout(Duration::from_millis(1), slow[0].read(&mut byte)).await;
    assert!(read.is_err(), "it is still waited for");
}
