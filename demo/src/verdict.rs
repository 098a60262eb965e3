//! Whether what was told is what should have been: everything expected, once on every channel, and nothing else.

use std::collections::BTreeMap;
use std::fmt;

use crate::story::EXPECTED;
use crate::watch::Notification;

/// How what was told differs from what was expected; nothing in it is a success.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    faults: Vec<Fault>,
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Missing { what: String },
    Repeated { what: String, times: usize },
    Unexpected { what: String, times: usize },
    Dead { what: String },
}

impl Verdict {
    /// Of everything that was told on `channels`. What the receiver suppressed was not told.
    pub(crate) fn of(notifications: &[Notification], channels: &[&str]) -> Verdict {
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        let mut faults = Vec::new();
        for one in notifications {
            match one.status.as_str() {
                "delivered" => *told.entry(name(one.alertname(), &one.kind, &one.channel)).or_default() += 1,
                "dead" => faults.push(Fault::Dead { what: name(one.alertname(), &one.kind, &one.channel) }),
                _ => {}
            }
        }
        for channel in channels {
            for (alertname, kind) in EXPECTED {
                let what = name(alertname, kind, channel);
                match told.remove(&what).unwrap_or_default() {
                    0 => faults.push(Fault::Missing { what }),
                    1 => {}
                    times => faults.push(Fault::Repeated { what, times }),
                }
            }
        }
        faults.extend(told.into_iter().map(|(what, times)| Fault::Unexpected { what, times }));
        Verdict { faults }
    }

    /// Whether everything expected was told once and nothing else was.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether something expected may still come.
    pub(crate) fn is_waiting(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault, Fault::Missing { .. }))
    }
}

fn name(alertname: &str, kind: &str, channel: &str) -> String {
    format!("{alertname} {kind} to {channel}")
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return write!(f, "every expected notification arrived exactly once");
        }
        write!(f, "not told as expected:")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing { what } => write!(f, "missing: {what}"),
            Fault::Repeated { what, times } => write!(f, "told {times} times instead of once: {what}"),
            Fault::Unexpected { what, times } => write!(f, "not expected, told {times} times: {what}"),
            Fault::Dead { what } => write!(f, "could not be delivered: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(alertname: &str, kind: &str, status: &str) -> Notification {
        serde_json::from_value(serde_json::json!({
            "id": "1", "channel": "console", "kind": kind, "status": status,
            "alerts": [{"labels": {"alertname": alertname}, "annotations": {}}],
        }))
        .unwrap()
    }

    fn everything() -> Vec<Notification> {
        EXPECTED.iter().map(|(alertname, kind)| told(alertname, kind, "delivered")).collect()
    }

    #[test]
    fn everything_once_is_clean() {
        let verdict = Verdict::of(&everything(), &["console"]);
        assert!(verdict.is_clean(), "{verdict}");
    }

    #[test]
    fn a_missing_one_is_waited_for_and_named() {
        let verdict = Verdict::of(&everything()[1..], &["console"]);
        assert!(verdict.is_waiting());
        assert!(verdict.to_string().contains("missing: DataDriftDetected new to console"), "{verdict}");
    }

    #[test]
    fn a_channel_that_heard_nothing_misses_everything() {
        let verdict = Verdict::of(&everything(), &["console", "slack"]);
        assert_eq!(verdict.faults.len(), EXPECTED.len());
    }

    #[test]
    fn a_second_copy_is_a_fault() {
        let mut twice = everything();
        twice.push(told("ModelAccuracyDrop", "new", "delivered"));
        let verdict = Verdict::of(&twice, &["console"]);
        assert!(!verdict.is_waiting());
        assert!(
            verdict.to_string().contains("told 2 times instead of once: ModelAccuracyDrop new"),
            "{verdict}"
        );
    }

    #[test]
    fn what_nobody_expected_is_a_fault_and_what_was_suppressed_is_not() {
        let mut more = everything();
        more.push(told("DataDriftDetected", "repeat", "suppressed"));
        assert!(Verdict::of(&more, &["console"]).is_clean());
        more.push(told("ExporterDown", "new", "delivered"));
        assert!(!Verdict::of(&more, &["console"]).is_clean());
    }

    #[test]
    fn a_dead_letter_is_a_fault_even_when_the_message_came_another_way() {
        let mut more = everything();
        more.push(told("DataDriftDetected", "new", "dead"));
        assert!(!Verdict::of(&more, &["console"]).is_clean());
    }
}
