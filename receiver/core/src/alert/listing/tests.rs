use serde_json::json;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn labels(replica: &str) -> Labels {
    [("alertname", "A"), ("replica", replica)].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// As Alertmanager 0.25 answers, with what nobody here reads.
fn entry(replica: &str, state: &str) -> serde_json::Value {
    json!({
        "annotations": {"summary": "it happened"},
        "endsAt": at(300).to_string(),
        "fingerprint": "0123456789abcdef",
        "receivers": [{"name": "modelwatch"}],
        "startsAt": at(0).to_string(),
        "status": {"inhibitedBy": [], "silencedBy": ["x"], "state": state},
        "updatedAt": at(1).to_string(),
        "generatorURL": "",
        "labels": labels(replica),
    })
}

fn listing(entries: &[serde_json::Value]) -> Listing {
    Listing::parse(json!(entries).to_string().as_bytes(), &BTreeSet::from(["replica".to_owned()])).unwrap()
}

fn standing(peers: usize, since: i64) -> Standing {
    let peers: Vec<_> = (0..peers).map(|n| json!({"name": n.to_string(), "address": "a:9094"})).collect();
    let status = json!({
        "cluster": {"name": "01", "peers": peers, "status": "ready"},
        "config": {"original": "route: …"},
        "uptime": at(since).to_string(),
        "versionInfo": {"version": "0.25.0"},
    });
    Standing::parse(status.to_string().as_bytes()).unwrap()
}

fn key() -> Fingerprint {
    let kept = labels("a");
    Fingerprint::of(kept.iter().filter(|(name, _)| *name != "replica"))
}

#[test]
fn what_is_listed_fires_also_where_people_silenced_it() {
    for state in ["active", "suppressed", "unprocessed"] {
        let listing = listing(&[entry("a", state), entry("b", state)]);
        let Testimony::Fires(listed) = listing.testimony(key(), None, at(10)) else { panic!("{state}") };
        let members: Vec<_> = listed.iter().map(|listed| listed.member).collect();
        assert_eq!(members, [Fingerprint::of(labels("a").iter()), Fingerprint::of(labels("b").iter())]);
        assert_eq!((listed[0].starts_at, listed[0].ends_at), (at(0), at(300)));
    }
}

#[test]
fn what_is_not_listed_is_gone_only_if_its_alertmanager_would_know() {
    let nothing = listing(&[]);
    let said = |standing: Option<&Standing>| nothing.testimony(key(), standing, at(10));
    assert_eq!(said(Some(&standing(1, 10))), Testimony::Gone);
    assert_eq!(said(Some(&standing(0, 10))), Testimony::Gone, "without a cluster");
    assert_eq!(said(Some(&standing(2, 0))), Testimony::Unknown, "another may have it");
    assert_eq!(said(Some(&standing(1, 11))), Testimony::Unknown, "it began anew after the copy came");
    assert_eq!(said(None), Testimony::Unknown);
}

#[test]
fn a_status_without_a_cluster_is_that_of_one() {
    let disabled = json!({"cluster": {"status": "disabled", "peers": null}, "uptime": at(0).to_string()});
    assert!(Standing::parse(disabled.to_string().as_bytes()).unwrap().knows_all_since(at(0)));
}

#[test]
fn what_is_no_list_says_nothing() {
    for body in [
        "",
        "null",
        "{}",
        "<html>",
        "[{}]",
        "[1]",
        "[] []",
        "[",
        r#"[{"labels":{},"startsAt":"x","endsAt":"y"}]"#,
    ] {
        assert!(Listing::parse(body.as_bytes(), &BTreeSet::new()).is_err(), "{body}");
        assert!(Standing::parse(body.as_bytes()).is_err(), "{body}");
    }
}
