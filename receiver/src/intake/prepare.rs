//! What can be worked out about a webhook before its turn comes: who its alerts are and where they go.

use modelwatch_receiver_core::alert::{Alert, Group, Sender, Snapshot};
use modelwatch_receiver_core::book::{AlertCopy, AlertKey, Bound, Due, Origin, Posting};
use modelwatch_receiver_core::occurrence::Witness;

use super::Policy;
use crate::store::{DueOccurrence, HEARTBEAT_SOURCE, TEST_SOURCE};

/// A webhook to be accepted.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Who sent it.
    pub source: String,
    /// What it says.
    pub snapshot: Snapshot,
    /// Where its alerts go whatever the routes say; `None` for those that come from outside.
    pub channels: Option<Vec<String>>,
}

/// The webhook as the book takes it.
pub(super) fn posting(webhook: Webhook, policy: &Policy) -> Posting {
    let Webhook { source, snapshot, channels } = webhook;
    let origin = match (&channels, source.as_str()) {
        (_, TEST_SOURCE) => Origin::Drill,
        (Some(_), _) => Origin::Own,
        (None, _) => Origin::Outside,
    };
    let group = Group {
        source,
        key: snapshot.group_key,
        labels: snapshot.group_labels,
        external_url: snapshot.external_url,
        truncated_alerts: snapshot.truncated_alerts,
    };
    let copies = snapshot.alerts.into_iter();
    let copies = copies.map(|alert| copy(alert, &group, channels.as_deref(), policy)).collect();
    let witness = match snapshot.sender {
        Sender::Alertmanager => policy.witness(&group.source),
        Sender::Grafana | Sender::Own => Witness::Nobody,
    };
    Posting { is_repeat: snapshot.is_repeat, origin, witness, copies, group }
}

fn copy(alert: Alert, group: &Group, channels: Option<&[String]>, policy: &Policy) -> AlertCopy {
    let fingerprint = alert.fingerprint(policy.ignored_labels());
    let report = alert.report();
    let alert = Alert { labels: policy.with_environment(alert.labels), ..alert };
    let bound = match (channels, policy.heartbeat_of(&alert.labels)) {
        (Some(channels), _) => Bound::Channels(channels.to_vec()),
        (None, Some(heartbeat)) => Bound::Heartbeat(heartbeat.name().to_owned()),
        (None, None) => Bound::Channels(routed(&alert, policy)),
    };
    let key = AlertKey { source: group.source.clone(), fingerprint };
    AlertCopy { key, report, digest: AlertCopy::digest(&alert, group), alert, bound }
}

/// An occurrence that is to be looked at, and where its alert goes by now.
pub(super) fn due(found: DueOccurrence, policy: &Policy) -> Due {
    let DueOccurrence { stored, fingerprint, alert, group } = found;
    let channels =
        if group.source == HEARTBEAT_SOURCE { policy.alarmed(&alert.labels) } else { routed(&alert, policy) };
    let key = AlertKey { source: group.source.clone(), fingerprint };
    let witness = policy.witness(&group.source);
    Due { id: stored.id, key, occurrence: stored.occurrence, alert, group, channels, witness }
}

fn routed(alert: &Alert, policy: &Policy) -> Vec<String> {
    policy.destinations(&alert.labels).into_iter().map(str::to_owned).collect()
}
