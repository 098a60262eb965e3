use super::*;
use crate::template::samples;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn named(name: &str, severity: &str, change: Change, since: i64) -> AlertView {
    let status = if change == Change::Resolved { Status::Resolved } else { Status::Firing };
    let labels = [("alertname", name), ("severity", severity)];
    AlertView {
        fingerprint: format!("{name}{severity}{since}"),
        status,
        change,
        starts_at: at(since),
        ends_at: None,
        labels: labels.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        annotations: Labels::new(),
        generator_url: String::new(),
        flapping: None,
    }
}

fn message(environment: &str, alerts: Vec<AlertView>) -> Message {
    let fires = alerts.iter().any(|alert| alert.status == Status::Firing);
    let status = if fires { Status::Firing } else { Status::Resolved };
    Message { environment: environment.to_owned(), alerts, status, ..samples::firing() }
}

#[test]
fn a_title_counts_what_fires_and_shows_the_environment_in_capitals() {
    let two =
        vec![named("Drift", "critical", Change::New, 1), named("Drift", "critical", Change::StillFiring, 1)];
    assert_eq!(message("dev", two).title(), "[FIRING:2][DEV] Drift");
}

#[test]
fn a_fire_drill_says_so_instead_of_firing() {
    assert_eq!(samples::test().title(), "[TEST][DEV] FeatureDriftSevere");
}

#[test]
fn a_resolved_title_counts_what_is_resolved() {
    let two = vec![named("Drift", "info", Change::Resolved, 1), named("Drift", "info", Change::Resolved, 2)];
    assert_eq!(message("prod", two).title(), "[RESOLVED:2][PROD] Drift");
}

#[test]
fn a_mixed_title_counts_only_what_fires() {
    let mixed = vec![named("Drift", "info", Change::New, 1), named("Drift", "info", Change::Resolved, 2)];
    assert_eq!(message("dev", mixed).title(), "[FIRING:1][DEV] Drift");
}

#[test]
fn a_title_without_environment_or_name_still_says_something() {
    let mut alert = named("", "", Change::New, 1);
    alert.labels.clear();
    let nameless = Message { group_labels: Labels::new(), ..message(" ", vec![alert]) };
    assert_eq!(nameless.title(), "[FIRING:1] alert");
}

#[test]
fn several_names_are_listed_and_many_are_counted() {
    let alerts =
        |names: &[&str]| names.iter().map(|name| named(name, "", Change::New, 1)).collect::<Vec<_>>();
    assert_eq!(message("", alerts(&["B", "A", "B"])).subject(), "A, B");
    assert_eq!(message("", alerts(&["E", "D", "C", "B", "A"])).subject(), "A, B, C and 2 more");
}

#[test]
fn the_most_urgent_alert_comes_first() {
    let alerts = vec![
        named("over", "critical", Change::Resolved, 9),
        named("known", "critical", Change::StillFiring, 1),
        named("info", "info", Change::New, 1),
        named("old", "critical", Change::New, 1),
        named("young", "critical", Change::New, 2),
    ];
    let message = message("dev", alerts);
    let names: Vec<&str> = message.by_urgency().into_iter().map(AlertView::name).collect();
    assert_eq!(names, ["young", "old", "info", "known", "over"]);
}

#[test]
fn only_what_fires_makes_a_message_severe() {
    let alerts = vec![named("a", "critical", Change::Resolved, 1), named("b", "info", Change::New, 1)];
    assert_eq!(message("dev", alerts).severity(), Some(Severity::Info));
    let over = vec![named("a", "critical", Change::Resolved, 1)];
    assert_eq!(message("dev", over).severity(), None);
}

#[test]
fn an_unknown_severity_is_not_harmless() {
    assert!(Severity::of("sev-17") > Severity::Info);
    assert_eq!(Severity::of("CRITICAL"), Severity::Critical);
}

#[test]
fn only_what_all_alerts_share_is_common() {
    let message = samples::mixed();
    assert_eq!(message.common_labels().get("model").map(String::as_str), Some("employment"));
    assert!(!message.common_labels().contains_key("feature"));
}

#[test]
fn a_duration_ends_when_the_alert_did_and_is_never_negative() {
    let over = AlertView { ends_at: Some(at(160)), ..named("a", "", Change::Resolved, 100) };
    assert_eq!(over.seconds(at(1_000)), 60);
    assert_eq!(named("a", "", Change::New, 100).seconds(at(130)), 30);
    assert_eq!(named("a", "", Change::New, 100).seconds(at(10)), 0);
}

#[test]
fn a_message_survives_the_way_through_json() {
    for (name, message) in samples::all() {
        let json = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&json).unwrap(), message, "{name}");
    }
}
