use super::*;

fn raw(yaml: serde_json::Value) -> Result<RawChannel, String> {
    serde_json::from_value(yaml).map_err(|error| error.to_string())
}

fn faults(yaml: serde_json::Value) -> Vec<String> {
    let faults = raw(yaml).unwrap().validate(Path::new("/nowhere")).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_slack_channel_needs_a_url_and_shows_it_nowhere() {
    let url = "https://hooks.slack.com/services/T/B/hunter2";
    let json = serde_json::json!({"type": "slack", "name": "ops", "webhook_url": url});
    let channel = raw(json).unwrap().validate(Path::new(".")).unwrap();
    assert_eq!((channel.name(), channel.template(), channel.send_resolved()), ("ops", "slack", true));
    assert!(!format!("{channel:?}").contains("hunter2"));
    let missing = faults(serde_json::json!({"type": "slack", "name": "ops"}));
    assert!(missing[0].starts_with("webhook_url or bot_token (or their _file) is missing"), "{missing:?}");
}

#[test]
fn a_bad_url_is_refused_without_being_repeated() {
    for url in ["hunter2", "ftp://host/hunter2", "file:///hunter2"] {
        let found = faults(serde_json::json!({"type": "slack", "name": "ops", "webhook_url": url}));
        assert_eq!(found, ["webhook_url is not an http or https URL"]);
    }
}

#[test]
fn a_url_is_read_from_a_file_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("url"), "https://hooks.slack.com/x\n").unwrap();
    let json = serde_json::json!({"type": "slack", "name": "ops", "webhook_url_file": "url"});
    let channel = raw(json).unwrap().validate(folder.path()).unwrap();
    assert!(
        matches!(channel.r#type(), ChannelType::Slack(Posting::Webhook(url)) if url.expose().ends_with("/x"))
    );
}

#[test]
fn every_fault_of_a_channel_is_named() {
    let json = serde_json::json!({"type": "slack", "name": " ", "template": "../etc", "rate": "often"});
    let found = faults(json);
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn an_unknown_key_or_type_is_refused() {
    let unknown = raw(serde_json::json!({"type": "log", "name": "a", "webhook_url": "x"})).unwrap_err();
    assert!(unknown.contains("webhook_url"), "{unknown}");
    let pigeon = raw(serde_json::json!({"type": "pigeon", "name": "a"})).unwrap_err();
    assert!(pigeon.contains("pigeon"), "{pigeon}");
}
