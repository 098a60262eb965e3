//! The messages that every template is tried on before it is used.

use jiff::Timestamp;

use crate::alert::{Change, Kind, Labels, Status};
use crate::message::{AlertView, Flapping, Message, Substitute};
use crate::outcome::Reason;

/// 2026-01-02 03:04:05 UTC.
const NOW: i64 = 1_767_323_045;

/// Samples by name: firing, resolved, mixed, flapping, a test, empty labels, 1 000 alerts, hostile values. Each is made when
/// its turn comes, since some are large.
pub fn all() -> impl Iterator<Item = (&'static str, Message)> {
    ALL.into_iter().map(|(name, make)| (name, make()))
}

/// The names of all samples.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|(name, _)| name)
}

/// The sample of that name.
pub fn named(name: &str) -> Option<Message> {
    ALL.into_iter().find(|(known, _)| *known == name).map(|(_, make)| make())
}

type Make = fn() -> Message;

const ALL: [(&str, Make); 8] = [
    ("firing", firing),
    ("resolved", resolved),
    ("mixed", mixed),
    ("flapping", flapping),
    ("test", test),
    ("empty-labels", empty),
    ("1000-alerts", thousand),
    ("hostile-values", hostile),
];

/// One new alert as the shipped rules make it.
pub fn firing() -> Message {
    message(Status::Firing, Kind::New, vec![alert("AGEP", Change::New)])
}

/// The same alert, over.
pub fn resolved() -> Message {
    message(Status::Resolved, Kind::Resolved, vec![alert("AGEP", Change::Resolved)])
}

/// A new, a known and a resolved alert, late and unconfirmed, with alerts left out.
pub fn mixed() -> Message {
    let alerts =
        vec![alert("AGEP", Change::New), alert("SCHL", Change::StillFiring), alert("WKHP", Change::Resolved)];
    let whole = message(Status::Firing, Kind::Changed, alerts);
    let thread = Some("019ab3e8-11aa-7b02-8c55-9e0d71f24b33".to_owned());
    let instead_of = Some(Substitute { channel: "pager".to_owned(), why: Reason::Auth.words().to_owned() });
    Message { late: true, unconfirmed: true, truncated_alerts: 7, thread, instead_of, ..whole }
}

/// An alert that flaps, and one that has calmed down.
pub fn flapping() -> Message {
    let since = message(Status::Firing, Kind::New, Vec::new()).at;
    let said = |changes, calm| Some(Flapping { changes, since, calm });
    let flaps = AlertView { flapping: said(6, false), ..alert("AGEP", Change::StillFiring) };
    let calm = AlertView { flapping: said(14, true), ..alert("SCHL", Change::Resolved) };
    message(Status::Firing, Kind::Changed, vec![flaps, calm])
}

/// A fire drill.
pub fn test() -> Message {
    message(Status::Firing, Kind::Test, vec![alert("AGEP", Change::New)])
}

/// An alert about which nothing is known.
pub fn empty() -> Message {
    let nothing = AlertView {
        labels: Labels::new(),
        annotations: Labels::new(),
        generator_url: String::new(),
        flapping: None,
        ..alert("", Change::New)
    };
    let whole = message(Status::Firing, Kind::New, vec![nothing]);
    Message {
        environment: String::new(),
        group: String::new(),
        group_labels: Labels::new(),
        alertmanager_url: String::new(),
        history_url: None,
        ..whole
    }
}

/// More alerts than any message can show.
pub fn thousand() -> Message {
    let alerts = (0..1_000).map(|number| alert(&format!("feature_{number}"), Change::New)).collect();
    message(Status::Firing, Kind::New, alerts)
}

/// Values that try to break out: mentions, links, markup, quotes, template syntax, control characters, right-to-left
/// text, a megabyte.
pub fn hostile() -> Message {
    const VALUES: [&str; 6] = [
        "<!channel> <@U123> @everyone <users/all> ⟪routing_key⟫ <https://evil.example|runbook> & *bold* `code`",
        "\"}]} </script><script>alert(1)</script> {{alert.labels}} {{{x}}}",
        "line one\r\nlevel=error\u{0}\u{1b}[31m\u{7f}",
        "\u{202e}txet desrever 데이터 드리프트 🧨",
        "javascript:alert(1)",
        "{{> self}} {{#each alerts}}",
    ];
    let mut labels: Labels = VALUES
        .iter()
        .zip(0..)
        .map(|(value, number)| (format!("label_{number}"), (*value).to_owned()))
        .collect();
    labels.insert("alertname".to_owned(), VALUES.concat());
    labels.insert("severity".to_owned(), VALUES[0].to_owned());
    let mut annotations = labels.clone();
    for name in ["summary", "description", "next_action", "runbook_url"] {
        annotations.insert(name.to_owned(), VALUES.concat());
    }
    annotations.insert("description".to_owned(), "<&>🧨".repeat(150_000));
    let broken = AlertView { labels, annotations, generator_url: VALUES.concat(), ..alert("", Change::New) };
    let whole = message(Status::Firing, Kind::Changed, vec![broken, alert("AGEP", Change::StillFiring)]);
    Message {
        environment: VALUES.concat(),
        group: VALUES.concat(),
        history_url: Some(VALUES.concat()),
        ..whole
    }
}

fn message(status: Status, kind: Kind, alerts: Vec<AlertView>) -> Message {
    Message {
        id: "019ab3f0-7c1e-7a41-9b6a-3d2f5c8e1a70".to_owned(),
        channel: "sample".to_owned(),
        environment: "dev".to_owned(),
        kind,
        late: false,
        unconfirmed: false,
        status,
        at: at(0),
        group: "{}:{alertname=\"FeatureDriftSevere\"}".to_owned(),
        group_id: "5b0d2c4e8f1a47939c6e2d7b1a3f5e80".to_owned(),
        group_labels: labels(&[("alertname", "FeatureDriftSevere")]),
        alerts,
        truncated_alerts: 0,
        alertmanager_url: "http://localhost:9093".to_owned(),
        history_url: Some(
            "http://localhost:9741/notifications/019ab3f0-7c1e-7a41-9b6a-3d2f5c8e1a70".to_owned(),
        ),
        thread: None,
        instead_of: None,
    }
}

fn alert(feature: &str, change: Change) -> AlertView {
    let status = if change == Change::Resolved { Status::Resolved } else { Status::Firing };
    AlertView {
        fingerprint: "b2c5a1d09e8f7361".to_owned(),
        status,
        change,
        starts_at: at(-3_900),
        ends_at: (status == Status::Resolved).then(|| at(-60)),
        labels: labels(&[
            ("alertname", "FeatureDriftSevere"),
            ("severity", "critical"),
            ("environment", "dev"),
            ("model", "employment"),
            ("version", "2015"),
            ("feature", feature),
        ]),
        annotations: labels(&[
            ("summary", "A feature of employment has drifted far from its reference"),
            ("description", "PSI 0.41 over the last day, the threshold is 0.2."),
            (
                "next_action",
                "Compare the feature's bins on the model's page, then check the job that fills it.",
            ),
            ("runbook_url", "https://runbooks.example.com/feature-drift"),
        ]),
        generator_url: "http://prometheus:9090/graph?g0.expr=data_drift_score+%3E+0.2&g0.tab=1".to_owned(),
        flapping: None,
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn at(offset: i64) -> Timestamp {
    Timestamp::from_second(NOW + offset).unwrap_or(Timestamp::UNIX_EPOCH)
}
