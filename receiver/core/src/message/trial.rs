//! What would be said about a webhook, for whoever tries a template on one.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{AlertView, Message, environments};
use crate::alert::{Alert, Change, Group, Snapshot, Status};
use crate::dedupe;

impl Message {
    /// The message about a webhook to a channel that was told nothing before: what fires is new, what is over is resolved.
    pub fn of_webhook(snapshot: Snapshot, id: &str, channel: &str, at: Timestamp) -> Message {
        let alerts: Vec<AlertView> = snapshot.alerts.into_iter().map(view).collect();
        let changes: Vec<Change> = alerts.iter().map(|alert| alert.change).collect();
        let fires = changes.contains(&Change::New);
        let group = Group {
            source: String::new(),
            key: snapshot.group_key,
            labels: snapshot.group_labels,
            external_url: snapshot.external_url,
            truncated_alerts: snapshot.truncated_alerts,
        };
        Message {
            id: id.to_owned(),
            channel: channel.to_owned(),
            environment: environments(&alerts),
            kind: dedupe::kind(&changes),
            late: false,
            unconfirmed: false,
            status: if fires { Status::Firing } else { Status::Resolved },
            at,
            group_id: group.id(),
            group: group.key,
            group_labels: group.labels,
            alerts,
            truncated_alerts: group.truncated_alerts,
            alertmanager_url: group.external_url,
            history_url: None,
            thread: None,
            instead_of: None,
        }
    }
}

fn view(alert: Alert) -> AlertView {
    AlertView {
        fingerprint: alert.fingerprint(&BTreeSet::new()).to_string(),
        status: alert.status,
        change: if alert.status == Status::Firing { Change::New } else { Change::Resolved },
        starts_at: alert.starts_at,
        ends_at: alert.ends_at,
        labels: alert.labels,
        annotations: alert.annotations,
        generator_url: alert.generator_url,
        flapping: None,
    }
}
