use super::*;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn addresses() -> Addresses {
    Addresses { exporter: 10_001, receiver: 10_002, prometheus: 10_003, alertmanager: 10_004 }
}

fn derived(slack: Option<&str>) -> tempfile::TempDir {
    let into = tempfile::tempdir().unwrap();
    derive(ROOT.as_ref(), into.path(), &addresses(), slack).unwrap();
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
    let into = derived(None);
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
    let into = derived(None);
    assert!(text(&into, "rules/drift.rules.yml").contains("for: 3000ms"));
    let file = Path::new("rules/modelwatch.rules.yml");
    assert_eq!(read(ROOT.as_ref(), file).unwrap(), read(into.path(), file).unwrap());
}

#[test]
fn every_address_becomes_the_running_one() {
    let into = derived(None);
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
    let without = text(&derived(None), RECEIVER);
    assert!(!without.contains("slack"), "{without}");
    let into = derived(Some("https://hooks.example.com/secret"));
    let receiver = read(into.path(), RECEIVER.as_ref()).unwrap();
    let routed = receiver["routes"][0]["channels"].as_vec().unwrap();
    assert!(routed.contains(&Yaml::String("slack".into())), "{routed:?}");
    assert_eq!(receiver["channels"][1]["webhook_url_file"].as_str(), Some("slack-webhook-url"));
    assert!(!text(&into, RECEIVER).contains("secret"));
    assert_eq!(text(&into, "demo/slack-webhook-url"), "https://hooks.example.com/secret");
}
