//! Reading a long history over HTTP, by everything that it can be filtered by.
//!
//! The store is filled with SQL, as years of webhooks would have filled it, before the receiver opens it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::time::sleep;

use crate::figures::{Times, megabytes, milliseconds, thousands};
use crate::load::Connection;
use crate::program::{folder, receiver};
use crate::report::Section;

mod fill;

/// How often each question is asked.
const QUESTIONS: usize = 200;
/// How many questions come first and are not counted.
const WARM_UP: usize = 5;
/// How long the receiver may take to make an index of labels.
const INDEXED_WITHIN: Duration = Duration::from_secs(1_800);
const CONFIG: &str =
    "routes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\nhistory: {retention: 3650d}\n";

/// A question: what it is called, and what stands behind `/api/v1/notifications`.
type Question = (&'static str, String);

/// The table.
///
/// # Errors
/// When the store cannot be filled, or a question is not answered.
pub(crate) async fn measure(program: &Path, place: &Path, notifications: u64) -> Result<Section> {
    let folder = folder(place, "history")?;
    // its own start makes the tables
    receiver(program, &folder, CONFIG).await?.stop().await?;
    let store = folder.join("receiver.db");
    fill::fill(&store, notifications).await?;
    let running = receiver(program, &folder, CONFIG).await?;
    let indexed = wait_for_index(&store).await?;
    let explanation = format!(
        "{} notifications of two alerts each over 30 days (SQLite, {} MB on disk). Each question is asked {QUESTIONS} times over one connection; \
         pages of 100 unless told otherwise.{indexed}",
        thousands(notifications),
        megabytes(std::fs::metadata(&store)?.len())
    );
    let columns = ["question", "found", "p50 ms", "p99 ms"];
    let mut section = Section::new("Reading the history", &explanation, &columns);
    let mut connection = Connection::open(running.address).await?;
    for (name, query) in questions(&mut connection, notifications).await? {
        let (found, times) = ask(&mut connection, &query).await?;
        section.row(vec![
            name.to_owned(),
            found,
            milliseconds(times.percentile(50)),
            milliseconds(times.percentile(99)),
        ]);
    }
    running.stop().await?;
    Ok(section)
}

/// Waits until the receiver has an index of all labels, if it keeps one; says how long that took.
async fn wait_for_index(store: &Path) -> Result<String> {
    let began = Instant::now();
    let Some(mut open) = fill::unlabelled(store).await? else { return Ok(String::new()) };
    while open {
        ensure!(
            began.elapsed() < INDEXED_WITHIN,
            "the labels were not all indexed within {INDEXED_WITHIN:?}"
        );
        sleep(Duration::from_millis(500)).await;
        open = fill::unlabelled(store).await?.unwrap_or_default();
    }
    Ok(format!(
        " Labels are indexed in the background; for all of them that took {} s.",
        began.elapsed().as_secs()
    ))
}

async fn questions(connection: &mut Connection, notifications: u64) -> Result<Vec<Question>> {
    let middle = get(connection, &format!("/{}", fill::id(notifications / 2))).await?;
    let at = middle["created_at"].as_str().context("a notification has a time")?.to_owned();
    let micros = at.parse::<jiff::Timestamp>()?.as_microsecond();
    let label = |name: &str, value: String| query(&[("label", &format!("{name}={value}"))]);
    Ok(vec![
        ("newest page", String::new()),
        ("newest page of 1 000", query(&[("limit", "1000")])),
        ("delivered", query(&[("status", "delivered")])),
        ("dead: 1 of 10 000", query(&[("status", "dead")])),
        ("pending: none", query(&[("status", "pending")])),
        ("a channel: half", query(&[("channel", "team")])),
        ("a channel: 1 of 10 000", query(&[("channel", "rare")])),
        ("a channel that never was", query(&[("channel", "nobody")])),
        ("a channel and dead", query(&[("channel", "team"), ("status", "dead")])),
        ("alertname: 1 of 10", query(&[("alertname", "Alert3")])),
        ("alertname: 1 of 10 000", query(&[("alertname", "Rare")])),
        ("alertname that never was", query(&[("alertname", "Nothing")])),
        ("label that all have", label("severity", "warning".to_owned())),
        ("label: 1 of 1 000", label("feature", "feature_7".to_owned())),
        ("label: one notification", label("instance", format!("host-{}", notifications / 3))),
        ("alertname and label", query(&[("alertname", "Alert3"), ("label", "feature=feature_3")])),
        ("alertname and channel", query(&[("alertname", "Alert3"), ("channel", "mails")])),
        ("alertname and a channel that never had it", query(&[("alertname", "Alert3"), ("channel", "team")])),
        ("alertname and suppressed: never both", query(&[("alertname", "Alert3"), ("status", "suppressed")])),
        ("alertname and dead", query(&[("alertname", "Alert3"), ("status", "dead")])),
        ("a day in the middle", query(&[("until", &at), ("since", &day_before(micros)?)])),
        (
            "alertname in that day",
            query(&[("until", &at), ("since", &day_before(micros)?), ("alertname", "Alert3")]),
        ),
        ("deep cursor", query(&[("cursor", &format!("{micros}.{}", fill::id(notifications / 2)))])),
        ("one by its id", format!("/{}", fill::id(notifications / 2))),
    ])
}

fn day_before(micros: i64) -> Result<String> {
    Ok(jiff::Timestamp::from_microsecond(micros - 86_400_000_000)?.to_string())
}

fn query(parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new("?".to_owned());
    query.extend_pairs(parameters);
    query.finish()
}

/// Asks until it was asked often enough; returns what was found, and how long each answer took.
async fn ask(connection: &mut Connection, query: &str) -> Result<(String, Times)> {
    let mut found = String::new();
    let mut times = Vec::with_capacity(QUESTIONS);
    let path = format!("/api/v1/notifications{query}");
    for number in 0..QUESTIONS + WARM_UP {
        let began = Instant::now();
        let answer = connection.get(&path).await?;
        let took = began.elapsed();
        ensure!(answer.status == 200, "{path} was answered {}", answer.status);
        if number >= WARM_UP {
            times.push(took);
        }
        if found.is_empty() {
            found = summary(&serde_json::from_slice(&answer.body)?);
        }
        // a question that takes a second says all it has to say after a few
        if times.len() >= 10 && times.iter().sum::<Duration>() > Duration::from_secs(20) {
            break;
        }
    }
    Ok((found, Times::new(times)))
}

fn summary(answer: &Value) -> String {
    match answer["notifications"].as_array() {
        Some(all) if answer["next_cursor"].is_null() => all.len().to_string(),
        Some(all) => format!("{} and more", all.len()),
        None => "1".to_owned(),
    }
}

async fn get(connection: &mut Connection, path: &str) -> Result<Value> {
    let answer = connection.get(&format!("/api/v1/notifications{path}")).await?;
    Ok(serde_json::from_slice(&answer.body)?)
}
