//! Alertmanager's webhooks, version 4, as it sends them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use serde_json::{Value, json};

/// One alert of a group.
#[derive(Debug, Clone)]
pub(crate) struct Alert {
    name: String,
    starts_at: i64,
    ends_at: Option<i64>,
    labels: Vec<(String, String)>,
    summary: String,
}

impl Alert {
    /// An alert that fires since this moment, in seconds since 1970.
    pub(crate) fn firing(name: &str, starts_at: i64) -> Alert {
        Alert {
            name: name.to_owned(),
            starts_at,
            ends_at: None,
            labels: Vec::new(),
            summary: format!("{name} happened"),
        }
    }

    /// The same, over since this moment.
    pub(crate) fn resolved(&self, ends_at: i64) -> Alert {
        Alert { ends_at: Some(ends_at), ..self.clone() }
    }

    /// The same with one more label.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Alert {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with another summary.
    pub(crate) fn saying(self, summary: &str) -> Alert {
        Alert { summary: summary.to_owned(), ..self }
    }

    fn body(&self) -> Value {
        let mut labels = json!({"alertname": self.name, "severity": "warning"});
        for (name, value) in &self.labels {
            labels[name] = json!(value);
        }
        let fingerprint = fingerprint(&labels);
        json!({
            "status": if self.ends_at.is_some() { "resolved" } else { "firing" },
            "labels": labels,
            "annotations": {"summary": self.summary, "next_action": "look"},
            "startsAt": moment(self.starts_at),
            "endsAt": self.ends_at.map_or("0001-01-01T00:00:00Z".to_owned(), moment),
            "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
            "fingerprint": fingerprint,
        })
    }
}

/// As many hexadecimal digits as Alertmanager's, from the labels alone; which ones it would be is its own affair.
fn fingerprint(labels: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    labels.to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The webhook of one group.
pub(crate) fn webhook<'a>(group: &str, alerts: impl IntoIterator<Item = &'a Alert>) -> Value {
    let alerts: Vec<&Alert> = alerts.into_iter().collect();
    let firing = alerts.iter().any(|alert| alert.ends_at.is_none());
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{group=\"{group}\"}}"),
        "truncatedAlerts": 0,
        "status": if firing { "firing" } else { "resolved" },
        "receiver": "modelwatch",
        "groupLabels": {"group": group},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": alerts.into_iter().map(Alert::body).collect::<Vec<_>>(),
    })
}

fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds).expect("a moment of the calendar").to_string()
}
