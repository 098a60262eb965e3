//! What the receiver remembers of notifications, as its API shows it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::Program;
use super::wait::{pause, until};

/// How long many notifications may take, or few after an outage.
const LONG: Duration = Duration::from_secs(90);

/// Everything that the history holds, oldest last.
pub(crate) async fn history(receiver: &Program) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = receiver.get(&format!("/api/v1/notifications?limit=200{cursor}")).await.json();
        all.extend(page["notifications"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Waits until nothing is pending.
pub(crate) async fn quiet(receiver: &Program) {
    until("nothing is pending", async || match pending(receiver).await {
        0 => Ok(()),
        count => Err(format!("{count} are")),
    })
    .await;
}

/// The same where it may take longer: many notifications, or leases of the dead that have to end.
pub(crate) async fn quiet_at_last(receiver: &Program) {
    let deadline = Instant::now() + LONG;
    while pending(receiver).await > 0 && Instant::now() < deadline {
        pause(Duration::from_millis(100)).await;
    }
    quiet(receiver).await;
}

/// How many are pending, at most a page of them.
pub(crate) async fn pending(receiver: &Program) -> usize {
    let pending = receiver.get("/api/v1/notifications?status=pending").await.json();
    pending["notifications"].as_array().unwrap().len()
}

/// How many attempts of a notification are marked as ambiguous.
pub(crate) fn marked(notification: &Value) -> usize {
    notification["attempts"].as_array().unwrap().iter().filter(|attempt| attempt["ambiguous"] == true).count()
}

/// What the attempts of a notification came to, each as `result reason ambiguous`.
pub(crate) fn attempts(notification: &Value) -> Vec<String> {
    let said = |attempt: &Value| {
        let ambiguous = if attempt["ambiguous"] == true { " ambiguous" } else { "" };
        let reason = attempt["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
        format!("{}{reason}{ambiguous}", attempt["result"].as_str().unwrap_or("under way"))
    };
    notification["attempts"].as_array().unwrap().iter().map(said).collect()
}
