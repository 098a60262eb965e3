//! Follows what the receiver tells, through its API, and prints each notification once it is settled.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value};

/// One notification of `GET /api/v1/notifications`; what the demo does not use is left out.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Notification {
    /// Its id.
    pub(crate) id: String,
    /// Who was told.
    pub(crate) channel: String,
    /// new · changed · resolved · repeat · heartbeat · digest · test.
    pub(crate) kind: String,
    /// pending · delivered · suppressed · dead.
    pub(crate) status: String,
    /// What it is about.
    pub(crate) alerts: Vec<Alert>,
}

/// One alert of a notification.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alert {
    /// Its labels.
    pub(crate) labels: Map<String, Value>,
    /// Its annotations.
    pub(crate) annotations: Map<String, Value>,
}

#[derive(Deserialize)]
struct Page {
    notifications: Vec<Value>,
    next_cursor: Option<String>,
}

impl Notification {
    /// The name of its alerts: Alertmanager groups by it.
    pub(crate) fn alertname(&self) -> &str {
        self.alerts.first().map_or("", |alert| text(&alert.labels, "alertname"))
    }

    /// Whether nothing will change any more.
    fn is_settled(&self) -> bool {
        self.status != "pending"
    }
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Every notification of the receiver, as it answers them, oldest page last.
///
/// # Errors
/// When the receiver does not answer, or not in the shape it promises.
pub(crate) async fn fetch(client: &Client, url: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let address = format!("{url}/api/v1/notifications?limit=500{cursor}");
        let answer = client.get(&address).send().await.and_then(reqwest::Response::error_for_status)?;
        let page: Page =
            answer.json().await.with_context(|| format!("{address} answered in another shape"))?;
        all.extend(page.notifications);
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

/// Which notifications were printed.
#[derive(Default)]
pub(crate) struct Follower {
    seen: HashSet<String>,
}

impl Follower {
    /// Those of `notifications` that are settled and new to this follower.
    pub(crate) fn news<'a>(&mut self, notifications: &'a [Notification]) -> Vec<&'a Notification> {
        notifications.iter().filter(|one| one.is_settled() && self.seen.insert(one.id.clone())).collect()
    }
}

/// A notification for people at a terminal: what, about what, and what to do.
pub(crate) fn describe(notification: &Notification, now: Timestamp) -> String {
    let Notification { channel, kind, status, alerts, .. } = notification;
    let state = if kind == "resolved" { "RESOLVED" } else { "FIRING" };
    let mut lines = vec![format!(
        "{}  {state:<8}  {}  ({kind}, {status} to {channel})",
        now.strftime("%H:%M:%S"),
        notification.alertname()
    )];
    for alert in alerts {
        lines.push(text(&alert.annotations, "summary").to_owned());
        if kind != "resolved" {
            lines.push(text(&alert.annotations, "description").to_owned());
            lines.push(format!("Next: {}", text(&alert.annotations, "next_action")));
            lines.push(format!("Runbook: {}", text(&alert.annotations, "runbook_url")));
        }
    }
    lines.join("\n            ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(id: &str, status: &str) -> Notification {
        serde_json::from_value(serde_json::json!({
            "id": id, "created_at": "2026-01-01T00:00:00Z", "channel": "console", "kind": "new", "status": status,
            "group": "g", "late": false, "attempts": [],
            "alerts": [{"fingerprint": "f", "status": "firing", "change": "new", "starts_at": "2026-01-01T00:00:00Z",
                "labels": {"alertname": "DataDriftDetected"},
                "annotations": {"summary": "It drifted", "next_action": "Look"}}],
        }))
        .unwrap()
    }

    #[test]
    fn a_notification_is_news_once_and_only_when_settled() {
        let mut follower = Follower::default();
        assert!(follower.news(&[notification("1", "pending")]).is_empty());
        assert_eq!(follower.news(&[notification("1", "delivered")]).len(), 1);
        assert!(follower.news(&[notification("1", "delivered")]).is_empty());
    }

    #[test]
    fn people_read_what_it_is_and_what_to_do() {
        let told = describe(&notification("1", "delivered"), Timestamp::UNIX_EPOCH);
        assert!(
            told.starts_with("00:00:00  FIRING    DataDriftDetected  (new, delivered to console)"),
            "{told}"
        );
        assert!(told.contains("It drifted"), "{told}");
        assert!(told.contains("Next: Look"), "{told}");
    }
}
