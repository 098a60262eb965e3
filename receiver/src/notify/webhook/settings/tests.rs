use serde_json::{Value, json};

use super::*;

fn validated(mut json: Value, directory: &Path) -> Result<Hook, Vec<String>> {
    json["name"] = "hook".into();
    let raw: RawHook = serde_json::from_value(json).unwrap();
    raw.validate(directory).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn faults(json: Value) -> Vec<String> {
    validated(json, Path::new("/nowhere")).unwrap_err()
}

#[test]
fn an_address_is_enough() {
    let hook = validated(json!({"url": "https://example.com/hunter2"}), Path::new(".")).unwrap();
    assert_eq!((hook.body(), hook.method()), (Body::Json, &Method::POST));
    assert!(!format!("{hook:?}").contains("hunter2"));
}

#[test]
fn a_recipe_knows_its_address_and_names_what_it_needs() {
    let hook = validated(json!({"template": "pagerduty", "values": {"routing_key": "k"}}), Path::new("."));
    assert_eq!(hook.unwrap().url().expose(), "https://events.pagerduty.com/v2/enqueue");
    let missing = "values.routing_key is missing, the recipe `pagerduty` needs it (or routing_key_file)";
    assert_eq!(faults(json!({"template": "pagerduty"})), [missing]);
    let found = faults(json!({"template": "webex", "body": "text"}));
    let expected = [
        "body cannot be chosen for the recipe `webex`, leave it out",
        "values.room_id is missing, the recipe `webex` needs it (or room_id_file)",
        "headers.authorization is missing, the recipe `webex` needs it (or authorization_file)",
    ];
    assert_eq!(found, expected);
    assert_eq!(
        faults(json!({"template": "telegram", "values": {"chat_id": "-1"}})).len(),
        1,
        "url is missing"
    );
}

#[test]
fn every_secret_can_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["url", "token", "key", "secret"] {
        std::fs::write(folder.path().join(name), format!("https://{name}\n")).unwrap();
    }
    let json = json!({"url_file": "url", "headers": {"Authorization_file": "token"},
        "values": {"routing_key_file": "key"}, "signature": {"secret_file": "secret"}});
    let hook = validated(json, folder.path()).unwrap();
    assert_eq!(hook.url().expose(), "https://url");
    assert_eq!(hook.headers().get("authorization").unwrap(), "https://token");
    assert_eq!(hook.value("routing_key").unwrap().expose(), "https://key");
    assert_eq!(hook.signature().unwrap().expose(), "https://secret");
    assert!(!format!("{hook:?}").contains("https://"));
    assert_eq!(hook.secrets().len(), 4);
}

#[test]
fn every_fault_is_named_and_no_value_repeated() {
    let json = json!({"url": "hunter2", "method": "P OST", "body": "xml", "success": {"status": [2]},
        "headers": {"a b": "hunter2", "X-Line": "hunter2\nX: y", "Host": "hunter2", "Empty": ""},
        "values": {"a.b": "hunter2", "two": "hunter2", "two_file": "x", "gone_file": "nowhere"},
        "signature": {}});
    let found = faults(json).join("\n");
    for part in [
        "url is not an http or https URL",
        "method is not one of HTTP",
        "body: expected json or text, found `xml`",
        "success.status: 2 is not",
        "headers: `a b` is not the name",
        "headers.X-Line: expected one line",
        "headers.Host: the receiver writes this header itself",
        "headers.Empty: the secret is empty",
        "values: `a.b` is not a name",
        "values.two: values.two and its file are both given",
        "values.gone_file: cannot read the secret in /nowhere/nowhere",
        "signature.secret or signature.secret_file is missing",
    ] {
        assert!(found.contains(part), "{part} is missing in\n{found}");
    }
    assert!(!found.contains("hunter2"), "{found}");
}
