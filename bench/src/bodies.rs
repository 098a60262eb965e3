//! What is sent: groups of alerts as Alertmanager posts them, and the same alerts as Prometheus posts them to Alertmanager.
//!
//! A body is text with the group's number at known places; making one is copying it and writing digits.

use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Stands for the group's number in a text.
const MARK: &str = "GGGGGGGGGG";

/// How many groups fire where nothing but copies is sent.
pub(crate) const STANDING_GROUPS: u64 = 1_000;

/// How many copies of a group are sent between its beginning and its end, of those that live.
const REPEATS: u64 = 8;

/// Groups of each connection have numbers of their own.
const GROUPS_PER_CONNECTION: u64 = 10_000_000;

/// Who the bodies are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A webhook of version 4.
    Webhook,
    /// Alertmanager's `POST /api/v2/alerts`.
    Alerts,
}

/// What is sent one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Nothing but copies of groups that fire already.
    Copies,
    /// A new group every time.
    Fresh,
    /// Every group fires, is repeated eight times, and is resolved.
    Lives,
}

/// The bodies of one connection, without an end.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    mix: Mix,
    firing: Template,
    resolved: Template,
    first_group: u64,
    sent: u64,
}

impl Bodies {
    /// For the connection of that number: groups of `alerts` alerts each.
    pub(crate) fn new(dialect: Dialect, mix: Mix, alerts: usize, connection: u64) -> Bodies {
        let began = Timestamp::now().saturating_sub(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MIN);
        let over = Some(Timestamp::now());
        Bodies {
            mix,
            firing: Template::new(&body(dialect, alerts, began, None).to_string()),
            resolved: Template::new(&body(dialect, alerts, began, over).to_string()),
            first_group: if mix == Mix::Copies { 0 } else { connection * GROUPS_PER_CONNECTION },
            sent: if mix == Mix::Copies { connection * 37 } else { 0 },
        }
    }

    /// For `connections` connections.
    pub(crate) fn for_each(dialect: Dialect, mix: Mix, alerts: usize, connections: u64) -> Vec<Bodies> {
        (0..connections).map(|connection| Bodies::new(dialect, mix, alerts, connection)).collect()
    }

    /// Passes over the next `count` bodies.
    pub(crate) fn skip(&mut self, count: u64) {
        self.sent += count;
    }

    /// What is to be sent next.
    pub(crate) fn next_body(&mut self) -> Bytes {
        let sent = self.sent;
        self.sent += 1;
        match self.mix {
            Mix::Copies => self.firing.of(sent % STANDING_GROUPS),
            Mix::Fresh => self.firing.of(self.first_group + sent),
            Mix::Lives => {
                let (group, step) = (sent / (REPEATS + 2), sent % (REPEATS + 2));
                let template = if step <= REPEATS { &self.firing } else { &self.resolved };
                template.of(self.first_group + group)
            }
        }
    }
}

/// A text with places for a group's number.
#[derive(Debug, Clone)]
struct Template {
    text: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    fn new(text: &str) -> Template {
        let places = text.match_indices(MARK).map(|(at, _)| at).collect();
        Template { text: text.as_bytes().to_vec(), places }
    }

    fn of(&self, group: u64) -> Bytes {
        let digits = number(group);
        let mut text = self.text.clone();
        for &place in &self.places {
            text[place..place + MARK.len()].copy_from_slice(digits.as_bytes());
        }
        text.into()
    }
}

/// A group's number as bodies write it.
pub(crate) fn number(group: u64) -> String {
    format!("{group:0width$}", width = MARK.len())
}

fn body(dialect: Dialect, alerts: usize, began: Timestamp, over: Option<Timestamp>) -> Value {
    let status = if over.is_some() { "resolved" } else { "firing" };
    let all: Vec<Value> = (0..alerts).map(|alert| one(dialect, alert, began, over)).collect();
    if dialect == Dialect::Alerts {
        return Value::Array(all);
    }
    json!({
        "receiver": "modelwatch", "status": status, "alerts": all,
        "groupLabels": {"alertname": "FeatureDriftSevere", "model": MARK},
        "commonLabels": {"alertname": "FeatureDriftSevere", "model": MARK, "severity": "warning", "team": "mlops"},
        "commonAnnotations": {"runbook_url": "https://runbooks.example.com/drift"},
        "externalURL": "http://alertmanager.example.com:9093",
        "version": "4",
        "groupKey": format!("{{}}/{{severity=\"warning\"}}:{{alertname=\"FeatureDriftSevere\", model=\"{MARK}\"}}"),
        "truncatedAlerts": 0
    })
}

fn one(dialect: Dialect, alert: usize, began: Timestamp, over: Option<Timestamp>) -> Value {
    let never = "0001-01-01T00:00:00Z".to_owned();
    let mut value = json!({
        "labels": {
            "alertname": "FeatureDriftSevere", "model": MARK, "feature": format!("feature_{alert:02}"),
            "severity": "warning", "team": "mlops", "window": "1d", "job": "modelwatch-exporter",
            "instance": "models-1.example.com:9740"
        },
        "annotations": {
            "summary": format!("feature_{alert:02} of model {MARK} has drifted far from its reference"),
            "description": "The population stability index of the last day is above 0.25, the threshold of this feature.",
            "next_action": "Compare the distribution with the reference on the model's page, then look at its source.",
            "runbook_url": "https://runbooks.example.com/drift"
        },
        "startsAt": began.to_string(),
        "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=data_drift_excess+%3E+0.15&g0.tab=1"
    });
    match (dialect, over) {
        (Dialect::Webhook, over) => {
            value["status"] = if over.is_some() { "resolved".into() } else { "firing".into() };
            value["endsAt"] = over.map_or(never, |over| over.to_string()).into();
            value["fingerprint"] = "b2c5a1d09e8f7361".into();
        }
        (Dialect::Alerts, Some(over)) => value["endsAt"] = over.to_string().into(),
        (Dialect::Alerts, None) => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(mix: Mix, count: usize) -> Vec<(String, String)> {
        let mut bodies = Bodies::new(Dialect::Webhook, mix, 2, 3);
        let mut next = || -> Value { serde_json::from_slice(&bodies.next_body()).unwrap() };
        let said = |body: Value| (body["groupLabels"]["model"].to_string(), body["status"].to_string());
        (0..count).map(|_| said(next())).collect()
    }

    #[test]
    fn every_group_of_a_life_fires_nine_times_and_is_resolved_once() {
        let groups = groups(Mix::Lives, 11);
        assert!(groups[..9].iter().all(|group| *group == groups[0] && group.1 == "\"firing\""));
        assert_eq!(groups[9], (groups[0].0.clone(), "\"resolved\"".to_owned()));
        assert_ne!(groups[10].0, groups[0].0);
    }

    #[test]
    fn fresh_groups_are_new_and_copies_come_again() {
        let fresh = groups(Mix::Fresh, 3);
        assert!(fresh[0] != fresh[1] && fresh[1] != fresh[2]);
        let copies = groups(Mix::Copies, 1_001);
        assert_eq!(copies[0], copies[1_000]);
    }

    #[test]
    fn alertmanager_is_sent_the_same_alerts() {
        let body = |dialect| -> Value {
            serde_json::from_slice(&Bodies::new(dialect, Mix::Fresh, 10, 0).next_body()).unwrap()
        };
        let (webhook, alerts) = (body(Dialect::Webhook), body(Dialect::Alerts));
        for (ours, theirs) in webhook["alerts"].as_array().unwrap().iter().zip(alerts.as_array().unwrap()) {
            assert_eq!(ours["labels"], theirs["labels"]);
            assert_eq!(ours["annotations"], theirs["annotations"]);
        }
        assert_eq!(alerts.as_array().unwrap().len(), 10);
    }
}
