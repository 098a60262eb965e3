use modelwatch_receiver_core::template::samples;

use super::*;
use crate::store::fixtures::{Remembered, at, store_with};
use crate::store::{Labelled, STATES};

fn filter(parameters: &[(&str, &str)]) -> Filter {
    let parameters: std::collections::BTreeMap<_, _> = parameters.iter().copied().collect();
    let raw: RawFilter = serde_json::from_value(serde_json::json!(parameters)).unwrap();
    raw.validate(at(10_000)).unwrap()
}

/// The ids of what is found, which is the same while the labels of notifications are no rows yet and when they are.
async fn ids(store: &Store, parameters: &[(&str, &str)]) -> Vec<String> {
    let find = async || -> Vec<String> {
        let page = list(store, &filter(parameters)).await.unwrap();
        page.notifications.into_iter().map(|entry| entry.id).collect()
    };
    store.unlabel().await;
    let before = find().await;
    assert_eq!(store.label().await.unwrap(), Labelled::All);
    assert_eq!(find().await, before, "{parameters:?}");
    before
}

fn row(id: &'static str, second: i64) -> Remembered {
    Remembered { id, created_at: at(second), ..Remembered::default() }
}

#[test]
fn labels_are_kept_for_every_state_that_can_be_asked_for() {
    assert_eq!(State::ALL.map(State::as_str), STATES);
}

#[tokio::test]
async fn an_entry_has_the_shape_of_the_contract() {
    let attempts = vec![(Some("retryable"), Some("timeout"), true, "no answer"), (None, None, false, "")];
    let (_folder, store) =
        store_with(vec![Remembered { attempts, status: "pending", ..row("n1", 1_000) }]).await;
    let page = serde_json::to_value(list(&store, &filter(&[])).await.unwrap()).unwrap();
    assert!(page["next_cursor"].is_null());
    let entry = &page["notifications"][0];
    assert_eq!(entry["id"], "n1");
    assert_eq!(entry["created_at"], "1970-01-01T00:16:40Z");
    assert_eq!(entry["channel"], "ops");
    assert_eq!(entry["kind"], "new");
    assert_eq!(entry["status"], "pending");
    assert_eq!(entry["group"], "group");
    assert_eq!(entry["late"], false);
    assert_eq!(entry["title"], "[FIRING:1][DEV] FeatureDriftSevere");
    assert_eq!(entry["content"], "{\"text\":\"hello\"}");
    let alert = &entry["alerts"][0];
    assert_eq!((&alert["status"], &alert["change"]), (&"firing".into(), &"new".into()));
    assert_eq!(alert["fingerprint"], "b2c5a1d09e8f7361");
    assert_eq!(alert["starts_at"], "2026-01-02T01:59:05Z");
    assert_eq!(alert["labels"]["feature"], "AGEP");
    assert!(alert["annotations"]["next_action"].is_string());
    let first = serde_json::json!({"at": "1970-01-01T00:16:40Z", "finished_at": "1970-01-01T00:16:41.5Z",
        "result": "retryable", "reason": "timeout", "ambiguous": true, "detail": "no answer"});
    assert_eq!(entry["attempts"][0], first);
    assert!(entry["attempts"][1]["result"].is_null(), "it is under way");
    assert_eq!(entry["next_attempt_at"], "1970-01-01T00:16:40Z");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    // the three in the middle were accepted in the same microsecond
    let rows = [("a", 1), ("b", 2), ("c", 2), ("d", 2), ("e", 3)].map(|(id, second)| row(id, second));
    let (_folder, store) = store_with(rows.into()).await;
    let mut seen = Vec::new();
    let mut next = filter(&[("limit", "2")]);
    loop {
        let page = list(&store, &next).await.unwrap();
        seen.extend(page.notifications.into_iter().map(|entry| entry.id));
        let Some(cursor) = page.next_cursor else { break };
        next = next.at(cursor).unwrap();
    }
    assert_eq!(seen, ["e", "d", "c", "b", "a"]);
}

#[tokio::test]
async fn a_page_that_is_exactly_full_is_the_last() {
    let (_folder, store) = store_with(vec![row("a", 1), row("b", 2)]).await;
    assert!(list(&store, &filter(&[("limit", "2")])).await.unwrap().next_cursor.is_none());
    assert!(list(&store, &filter(&[("limit", "1")])).await.unwrap().next_cursor.is_some());
}

#[tokio::test]
async fn every_filter_leaves_out_what_does_not_match() {
    let suppressed = Remembered { status: "suppressed", suppressed: Some("superseded"), ..row("b", 2_000) };
    let (_folder, store) =
        store_with(vec![row("a", 1_000), suppressed, Remembered { channel: "mail", ..row("c", 3_000) }])
            .await;
    assert_eq!(ids(&store, &[]).await, ["c", "b", "a"]);
    assert_eq!(ids(&store, &[("status", "suppressed")]).await, ["b"]);
    assert_eq!(ids(&store, &[("channel", "mail")]).await, ["c"]);
    assert_eq!(ids(&store, &[("channel", "mail"), ("label", "feature=AGEP")]).await, ["c"]);
    assert_eq!(ids(&store, &[("channel", "ops"), ("label", "feature=AGEP")]).await, ["b", "a"]);
    assert_eq!(ids(&store, &[("channel", "ops"), ("status", "delivered")]).await, ["a"]);
    assert_eq!(ids(&store, &[("since", "1970-01-01T00:33:20Z")]).await, ["c", "b"]);
    assert_eq!(ids(&store, &[("until", "1970-01-01T00:33:20Z")]).await, ["b", "a"]);
    assert_eq!(ids(&store, &[("since", "2h"), ("status", "")]).await, ["c"]);
}

#[tokio::test]
async fn labels_are_compared_exactly_and_within_one_alert() {
    let mut odd = samples::mixed();
    odd.alerts[0].labels.insert("path".to_owned(), "100%_\"!\\".to_owned());
    let (_folder, store) = store_with(vec![row("a", 1), Remembered { message: odd, ..row("b", 2) }]).await;
    assert_eq!(ids(&store, &[("label", "feature=SCHL")]).await, ["b"]);
    assert_eq!(ids(&store, &[("label", "path=100%_\"!\\")]).await, ["b"]);
    assert_eq!(
        ids(&store, &[("label", "feature=agep")]).await,
        [""; 0],
        "the database ignores case, we do not"
    );
    assert_eq!(ids(&store, &[("alertname", "FeatureDriftSevere")]).await, ["b", "a"]);
    assert_eq!(ids(&store, &[("alertname", "Other"), ("label", "feature=AGEP")]).await, [""; 0]);
    // an annotation with the same name and value is no label
    let summary = "summary=A feature of employment has drifted far from its reference";
    assert_eq!(ids(&store, &[("label", summary)]).await, [""; 0]);
}

#[tokio::test]
async fn a_page_is_filled_across_what_does_not_match() {
    let other = || {
        let mut message = samples::firing();
        message.alerts[0].labels.clear();
        // the pattern still matches, so that the database cannot leave it out
        message.alerts[0].annotations.insert("feature".to_owned(), "AGEP".to_owned());
        message
    };
    let rows = [("a", 1, true), ("b", 2, false), ("c", 3, false), ("d", 4, false), ("e", 5, true)];
    let rows = rows.map(|(id, second, matches)| {
        let message = if matches { samples::firing() } else { other() };
        Remembered { message, ..row(id, second) }
    });
    let (_folder, store) = store_with(rows.into()).await;
    assert_eq!(ids(&store, &[("label", "feature=AGEP"), ("limit", "2")]).await, ["e", "a"]);
}

#[tokio::test]
async fn one_is_found_by_its_id_and_none_by_another() {
    let (_folder, store) = store_with(vec![row("a", 1)]).await;
    assert_eq!(one(&store, "a").await.unwrap().unwrap().attempts.len(), 1);
    assert!(one(&store, "b").await.unwrap().is_none());
}

#[test]
fn a_parameter_that_cannot_be_used_is_named() {
    let error = |name: &str, value: &str| {
        let raw: RawFilter = serde_json::from_value(serde_json::json!({ name: value })).unwrap();
        raw.validate(at(0)).unwrap_err().to_string()
    };
    for (name, value) in [
        ("since", "yesterday"),
        ("until", "-1h"),
        ("status", "lost"),
        ("label", "novalue"),
        ("label", "=x"),
        ("limit", "0"),
        ("limit", "1001"),
        ("cursor", "zzz"),
    ] {
        assert!(error(name, value).starts_with(&format!("{name}: `{value}`")), "{}", error(name, value));
    }
}
