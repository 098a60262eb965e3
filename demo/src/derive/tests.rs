use super::*;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn addresses() -> Addresses {
    Addresses { exporter: 10_001, receiver: 10_002, prometheus: 10_003, alertmanager: 10_004 }
}

fn derived(extras: &Extras) -> tempfile::TempDir {
    let into = tempfile::tempdir().unwrap();
    derive(ROOT.as_ref(), into.path(), &addresses(), extras).unwrap();
    into
}

fn text(into: &tempfile::TempDir, file: &str) -> String {
    fs::read_to_string(into.path().join(file)).unwrap()
}

/// Every (key, string) of a tree.
fn strings(yaml: &Yaml) -> Vec<(String, String)> {
    let seen = std::cell::RefCell::new(Vec::new());
    rewrite(yaml.clone(), "", &|key, value| {
        seen.borrow_mut().push((key.to_owned(), value.to_owned()));
        value.to_owned()
    });
    seen.into_inner()
}

#[test]
fn derived_rules_differ_from_the_shipped_ones_in_times_only() {
    let into = derived(&Extras::default());
    for file in rule_files(ROOT.as_ref()).unwrap() {
        let shipped = strings(&read(ROOT.as_ref(), &file).unwrap());
        let derived = strings(&read(into.path(), &file).unwrap());
        assert_eq!(shipped.len(), derived.len());
        for ((key, before), (_, after)) in shipped.iter().zip(&derived) {
            let timed = ["for", "interval", "expr", "keep_firing_for"].contains(&key.as_str());
            assert!(timed || before == after, "{}: {key}: {before} became {after}", file.display());
        }
    }
}

#[test]
fn rules_about_models_are_shortened_and_those_about_the_programs_are_not() {
    let into = derived(&Extras::default());
    assert!(text(&into, "rules/drift.rules.yml").contains("for: 3000ms"));
    let file = Path::new("rules/modelwatch.rules.yml");
    assert_eq!(read(ROOT.as_ref(), file).unwrap(), read(into.path(), file).unwrap());
}

#[test]
fn every_address_becomes_the_running_one() {
    let into = derived(&Extras::default());
    let prometheus = text(&into, PROMETHEUS);
    assert!(prometheus.contains("127.0.0.1:10001"), "{prometheus}");
    assert!(prometheus.contains("127.0.0.1:10002"), "{prometheus}");
    assert!(prometheus.contains("127.0.0.1:10004"), "{prometheus}");
    let alertmanager = text(&into, ALERTMANAGER);
    assert!(alertmanager.contains("http://127.0.0.1:10002/webhook"), "{alertmanager}");
    assert!(alertmanager.contains("repeat_interval: 3000ms"), "{alertmanager}");
}

#[test]
fn slack_is_told_as_well_when_asked_for_and_its_url_stands_in_a_file_of_its_own() {
    let without = text(&derived(&Extras::default()), RECEIVER);
    assert!(!without.contains("slack"), "{without}");
    let into = derived(&Extras { slack: Some("https://hooks.example.com/secret".to_owned()), mail: None });
    let receiver = read(into.path(), RECEIVER.as_ref()).unwrap();
    let routed = receiver["routes"][0]["channels"].as_vec().unwrap();
    assert!(routed.contains(&Yaml::String("slack".into())), "{routed:?}");
    assert_eq!(receiver["channels"][1]["webhook_url_file"].as_str(), Some("slack-webhook-url"));
    assert!(!text(&into, RECEIVER).contains("secret"));
    assert_eq!(text(&into, "demo/slack-webhook-url"), "https://hooks.example.com/secret");
}

#[test]
fn mail_is_told_as_well_when_asked_for_and_its_password_stands_in_a_file_of_its_own() {
    let mail = Mail::parse("smtp://ops:hunter2@mail.example.com?to=me@example.com").unwrap();
    let extras = Extras { slack: None, mail: Some(mail) };
    assert_eq!(extras.names().collect::<Vec<_>>(), ["mail"]);
    let into = derived(&extras);
    let receiver = read(into.path(), RECEIVER.as_ref()).unwrap();
    for section in ["routes", "heartbeats"] {
        let told = receiver[section][0]["channels"].as_vec().unwrap();
        assert!(told.contains(&Yaml::String("mail".into())), "{section}: {told:?}");
    }
    assert_eq!(receiver["channels"][1]["smtp"]["password_file"].as_str(), Some("smtp-password"));
    assert!(!text(&into, RECEIVER).contains("hunter2"));
    assert_eq!(text(&into, "demo/smtp-password"), "hunter2");
}
