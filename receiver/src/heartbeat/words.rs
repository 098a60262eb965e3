//! What the alarm about a dead man's switch says, while it stays away and when it is back.

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Labels, Status};

use super::HEARTBEAT_LABEL;

/// It counts as missing since then.
pub(super) fn stays_away(name: &str, since: Timestamp) -> Alert {
    let annotations = [
        ("summary", format!("the heartbeat {name} stays away")),
        ("description", "the alert that always fires was not heard of in time: Prometheus, Alertmanager or the way from them to this receiver is broken, and other alerts may not arrive".to_owned()),
        ("next_action", "look whether Prometheus and Alertmanager run and whether Alertmanager's log shows failing webhooks".to_owned()),
    ];
    alarm(name, since, None, annotations)
}

/// It was missing since then, and was heard of again.
pub(super) fn is_back(name: &str, since: Timestamp, again: Timestamp) -> Alert {
    // a clock may have gone back in between
    let again = again.max(since);
    let annotations = [
        ("summary", format!("the heartbeat {name} is back")),
        ("description", format!("the alert that always fires was missing since {since:.0} and was heard of again at {again:.0}: other alerts arrive again")),
        ("next_action", "look in Prometheus whether an alert fired meanwhile: what began and ended while the heartbeat was away may never have arrived".to_owned()),
    ];
    alarm(name, since, Some(again), annotations)
}

fn alarm(
    name: &str,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    annotations: [(&str, String); 3],
) -> Alert {
    let labels = [
        ("alertname", "HeartbeatMissing".to_owned()),
        (HEARTBEAT_LABEL, name.to_owned()),
        ("severity", "critical".to_owned()),
    ];
    Alert {
        status: if ends_at.is_some() { Status::Resolved } else { Status::Firing },
        labels: texts(labels),
        annotations: texts(annotations),
        starts_at,
        ends_at,
        generator_url: String::new(),
    }
}

fn texts(pairs: [(&str, String); 3]) -> Labels {
    pairs.into_iter().map(|(key, text)| (key.to_owned(), text)).collect()
}
