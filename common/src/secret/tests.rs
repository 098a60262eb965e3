use super::*;

#[test]
fn a_secret_never_prints_itself() {
    let secret = Secret::new("hunter2");
    assert_eq!(format!("{secret} {secret:?}"), "<secret> <secret>");
    assert_eq!(serde_json::to_string(&secret).unwrap(), "\"<secret>\"");
    assert_eq!(secret.expose(), "hunter2");
}

#[test]
fn a_secret_of_the_wrong_type_is_not_repeated_in_the_error() {
    let error = serde_json::from_str::<Secret>("1234567").unwrap_err().to_string();
    assert!(error.starts_with("expected text, in quotes"), "{error}");
    assert!(!error.contains("1234567"), "{error}");
}

#[test]
fn a_url_pasted_where_a_file_belongs_is_not_repeated() {
    let pasted = Path::new("/etc/modelwatch/https://hooks.example/T0/hunter2");
    let error = Secret::from_either("webhook_url", None, Some(pasted)).unwrap_err().to_string();
    assert_eq!(error, "expected the path of a file that holds the secret, found a URL");
}

#[test]
fn a_secret_comes_from_its_value_or_its_file_without_the_line_break() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "  from file\r\n").unwrap();
    let read = |value: Option<&str>, file: Option<&Path>| {
        Secret::from_either("token", value.map(Secret::new), file).unwrap().map(|s| s.expose().to_owned())
    };
    assert_eq!(read(Some("from value"), None).as_deref(), Some("from value"));
    assert_eq!(read(None, Some(&file)).as_deref(), Some("from file"));
    assert_eq!(read(None, None), None);
}

#[test]
fn both_an_empty_and_an_unreadable_secret_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let missing = dir.path().join("missing");
    let error = |value: Option<&str>, file: Option<&Path>| {
        Secret::from_either("token", value.map(Secret::new), file).unwrap_err().to_string()
    };
    assert_eq!(error(Some("a"), Some(&empty)), "token and its file are both given, keep one of them");
    assert_eq!(error(Some(""), None), "the secret is empty");
    assert_eq!(error(None, Some(&empty)), format!("the secret is empty in {}", empty.display()));
    assert!(
        error(None, Some(&missing))
            .starts_with(&format!("cannot read the secret in {}: ", missing.display()))
    );
}
