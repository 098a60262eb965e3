use super::*;

/// As Alertmanager 0.25 posts it, with fields of later versions.
const WEBHOOK: &str = r#"{"receiver":"web\\.hook","status":"firing","alerts":[
  {"status":"firing","labels":{"alertname":"A","severity":"critical"},"annotations":{"summary":"a \u003cb\u003e"},
   "startsAt":"2026-01-01T00:00:00.5Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/g","fingerprint":"x"},
  {"status":"resolved","labels":{"alertname":"B"},"annotations":null,
   "startsAt":"2026-01-01T00:00:00+09:00","endsAt":"2026-01-01T01:00:00Z","generatorURL":""}],
  "groupLabels":{"alertname":"A"},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am:9093",
  "version":"4","groupKey":"{}:{alertname=\"A\"}","truncatedAlerts":3,
  "notification_reason":"repeat interval elapsed","routeLabels":{"x":"y"},"fieldOfNextYear":[1]}"#;

#[test]
fn a_webhook_of_alertmanager_is_read_and_unknown_fields_are_ignored() {
    let snapshot = Snapshot::parse(WEBHOOK.as_bytes()).unwrap();
    assert_eq!(snapshot.group_key, r#"{}:{alertname="A"}"#);
    assert_eq!(snapshot.truncated_alerts, 3);
    assert!(snapshot.is_repeat);
    let [firing, resolved] = snapshot.alerts.as_slice() else { panic!("{snapshot:?}") };
    assert_eq!((firing.status, firing.ends_at), (Status::Firing, None));
    assert_eq!(firing.annotations["summary"], "a <b>");
    assert_eq!(resolved.ends_at, Some("2026-01-01T01:00:00Z".parse().unwrap()));
    assert_eq!(resolved.starts_at, "2025-12-31T15:00:00Z".parse().unwrap());
}

#[test]
fn the_end_of_an_alert_that_fires_is_not_looked_at() {
    for end in [r#""9999-12-31T23:59:59Z""#, r#""soon""#, "5", "null"] {
        let webhook = WEBHOOK.replace(r#""endsAt":"0001-01-01T00:00:00Z""#, &format!(r#""endsAt":{end}"#));
        assert_eq!(Snapshot::parse(webhook.as_bytes()).unwrap().alerts[0].ends_at, None, "{end}");
    }
}

#[test]
fn a_webhook_of_grafana_is_read_only_with_its_organisation() {
    let grafana = WEBHOOK.replace(r#""version":"4""#, r#""version":"1","orgId":1"#);
    assert!(Snapshot::parse(grafana.as_bytes()).is_ok());
    let other = WEBHOOK.replace(r#""version":"4""#, r#""version":"1""#);
    assert!(matches!(Snapshot::parse(other.as_bytes()), Err(SnapshotError::Version(_))));
}

#[test]
fn groups_without_a_key_are_told_apart_by_their_labels() {
    let keyless = |name: &str| {
        let text = WEBHOOK.replace(r#""groupKey":"{}:{alertname=\"A\"}","#, "");
        let text =
            text.replace(r#""groupLabels":{"alertname":"A"}"#, &format!(r#""groupLabels":{{"g":"{name}"}}"#));
        Snapshot::parse(text.as_bytes()).unwrap().group_key
    };
    assert_ne!(keyless("x"), keyless("y"));
    assert_eq!(keyless("x"), keyless("x"));
}

#[test]
fn what_can_never_be_accepted_is_refused_with_the_reason() {
    for (body, expected) in [
        ("", "not JSON"),
        ("{\"version\":\"4\"", "not JSON"),
        (r#"{"version":"4","alerts":"many"}"#, "alerts: invalid type"),
        ("[]", "invalid type: sequence, expected an object"),
        (r#"["4",null,"g",0,{},"",null,[]]"#, "invalid type: sequence, expected an object"),
        (
            r#"{"version":"4","alerts":[["firing",{"a":"b"},{},"2026-01-01T00:00:00Z",null,""]]}"#,
            "alerts[0]: invalid type",
        ),
        (
            r#"{"version":"4","alerts":[{"status":"resolved","labels":{"a":"b"},"startsAt":"2026-01-01T00:00:00Z","endsAt":"9999-12-31T23:59:59Z"}]}"#,
            "alerts[0].endsAt: ",
        ),
        ("null", "not an Alertmanager webhook"),
        (r#"{"version":"3","alerts":[]}"#, "version \"3\" is not known"),
        (r#"{"version":"4"}"#, "lists no alerts"),
        (
            r#"{"version":"4","alerts":[{"status":"odd","startsAt":"2026-01-01T00:00:00Z"}]}"#,
            "unknown variant `odd`",
        ),
        (
            r#"{"version":"4","alerts":[{"status":"firing","startsAt":"2026-01-01T00:00:00Z"}]}"#,
            "alerts[0] has no labels",
        ),
        (
            r#"{"version":"4","alerts":[{"status":"firing","labels":{"a":"b"},"startsAt":"soon"}]}"#,
            "not an Alertmanager webhook",
        ),
    ] {
        let error = Snapshot::parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{body}: {error}");
    }
}

/// The value is that of `prometheus/common`'s own test of label signatures; the empty set is FNV-1a's offset.
#[test]
fn little_is_repeated_of_what_cannot_be_read_and_the_expectation_stays() {
    let long = "x".repeat(100_000);
    let alert = format!(r#"{{"status":"{long}"}}"#);
    let labels = format!(r#"{{"status":"firing","labels":{{"{long}":1}}}}"#);
    for (body, expected) in [
        (format!(r#"{{"version":"{long}"}}"#), "is not known: expected"),
        (format!(r#"{{"alerts":[{alert}]}}"#), "expected `firing` or `resolved`"),
        (format!(r#"{{"alerts":[{labels}]}}"#), "expected a string"),
        (format!(r#"{{"truncatedAlerts":"{long}"}}"#), "expected u64"),
    ] {
        let error = Snapshot::parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.len() < 500 && error.contains(expected), "{error}");
    }
}

#[test]
fn fingerprints_are_those_of_alertmanager() {
    assert_eq!(Fingerprint::of(std::iter::empty()).to_string(), "cbf29ce484222325");
    let pairs = [("name", "garland, briggs"), ("fear", "love is not enough")];
    let labels: Labels = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let fingerprint = Fingerprint::of(labels.iter());
    assert_eq!(fingerprint.to_string(), format!("{:016x}", 5_799_056_148_416_392_346_u64));
    assert_eq!(Fingerprint::try_from(fingerprint.to_string()).unwrap(), fingerprint);
}

#[test]
fn ignored_labels_do_not_make_an_alert_another_one() {
    let snapshot = Snapshot::parse(WEBHOOK.as_bytes()).unwrap();
    let mut replica = snapshot.alerts[0].clone();
    replica.labels.insert("replica".to_owned(), "1".to_owned());
    let ignored = BTreeSet::from(["replica".to_owned()]);
    assert_eq!(replica.fingerprint(&ignored), snapshot.alerts[0].fingerprint(&BTreeSet::new()));
    assert_ne!(replica.fingerprint(&BTreeSet::new()), snapshot.alerts[0].fingerprint(&BTreeSet::new()));
    assert_ne!(replica.report().member, snapshot.alerts[0].report().member);
}

#[test]
fn the_character_that_no_database_holds_is_replaced_wherever_it_stands() {
    let body = r#"{"version": "4", "groupKey": "g\u0000", "externalURL": "u\u0000", "groupLabels": {"a\u0000": "b\u0000"},
        "alerts": [{"status": "firing", "startsAt": "2026-01-31T09:00:00Z", "generatorURL": "\u0000g",
            "labels": {"\u0000l": "v\u0000"}, "annotations": {"n": "\u0000"}}]}"#;
    let snapshot = Snapshot::parse(body.as_bytes()).unwrap();
    let text = format!("{snapshot:?}");
    assert!(!text.contains('\0') && !text.contains("\\0"), "{text}");
    assert_eq!(text.matches('\u{FFFD}').count(), 8, "{text}");
}
