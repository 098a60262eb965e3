use std::time::Duration;

use modelwatch_common::config::Faults;
use modelwatch_common::telemetry::Level;

use crate::store::Place;
use crate::testing::load;

const MINIMAL: &str = "
routes: [{channels: [console]}]
channels: [{name: console, type: log}]
";

fn refusal(yaml: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    load(directory.path(), yaml).err().unwrap_or_else(|| panic!("accepted: {yaml}")).to_string()
}

#[test]
fn a_short_configuration_is_enough_and_the_rest_is_as_documented() {
    let directory = tempfile::tempdir().unwrap();
    let config = load(directory.path(), MINIMAL).unwrap();
    assert_eq!(config.web.listen_address().to_string(), "127.0.0.1:9741");
    assert_eq!(config.store.place, Place::from(&directory.path().join("data/receiver.db")));
    assert_eq!(config.store.retention, Duration::from_secs(30 * 24 * 3600));
    assert_eq!(config.delivery.give_up_after, Duration::from_secs(24 * 3600));
    assert_eq!(config.delivery.late_after, Duration::from_secs(600));
    assert_eq!(config.delivery.workers, 8);
    assert!(config.policy.heartbeats().is_empty());
}

#[test]
fn a_fault_in_every_section_is_named_with_its_key() {
    let refused = refusal(
        "
web: {listen_address: nowhere}
storage: {url: 'postgres://user:hunter2@db'}
history: {retention: soon}
environment: [dev]
templates: {path: 3, folder: x}
dedupe: {repeat: 4h}
delivery: {workers: 0, retry: {initial: 0s, jitter: 2}}
routes: [{match: ['severity'], channels: [missing]}]
channels: [{name: console, type: log}]
heartbeats: [{name: p, match: [], every: 1m, channels: []}]
alertmanager: {url: 'ftp://x', url_files: y}
colour: red
",
    );
    for key in [
        "web.listen_address",
        "storage.url",
        "history.retention",
        "environment",
        "templates",
        "dedupe",
        "delivery.workers",
        "delivery.retry.initial",
        "delivery.retry.jitter",
        "routes[0].match",
        "routes[0].channels",
        "heartbeats[0].match",
        "heartbeats[0].channels",
        "alertmanager.url_files",
        "colour",
    ] {
        assert!(refused.contains(&format!("receiver.yaml: {key}")), "{key} is not named in\n{refused}");
    }
    assert!(refused.contains("there is no channel `missing`"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn a_fault_in_a_channel_is_not_reported_again_at_every_route() {
    let refused = refusal(
        "
routes: [{channels: [slack]}]
channels: [{name: slack, type: slack, webhook_url_file: missing.url}]
",
    );
    assert_eq!(refused.lines().count(), 1, "{refused}");
    assert!(
        refused.contains("receiver.yaml: channels[0]: webhook_url_file: cannot read the secret in"),
        "{refused}"
    );
    let refused = refusal(
        "
routes: [{channels: [slack]}]
channels: [{name: slack, type: carrier-pigeon}]
",
    );
    assert_eq!(refused.lines().count(), 1, "{refused}");
}

#[test]
fn a_log_channel_that_the_log_level_hides_is_a_fault() {
    let directory = tempfile::tempdir().unwrap();
    let config = load(directory.path(), MINIMAL).unwrap();
    let faults = |level| {
        let mut faults = Faults::new(std::path::Path::new("receiver.yaml"));
        config.check_log_level(level, &mut faults);
        faults.to_string()
    };
    for level in [Level::Warn, Level::Error] {
        let expected = "receiver.yaml: channels[0]: --log.level hides what `console` writes";
        assert!(faults(level).starts_with(expected), "{}", faults(level));
    }
    assert_eq!(faults(Level::Info) + &faults(Level::Debug), "");
}

#[test]
fn a_fault_in_a_route_is_not_a_missing_route() {
    let refused = refusal("routes: [{channels: console}]\nchannels: [{name: console, type: log}]");
    assert_eq!(refused.lines().count(), 1, "{refused}");
    assert!(refused.contains("routes[0].channels: "), "{refused}");
}

#[test]
fn two_heartbeats_of_one_name_are_a_fault() {
    let beat = "{name: p, match: [a=b], every: 1m, channels: [console]}";
    let refused = refusal(&format!("{MINIMAL}heartbeats: [{beat}, {beat}]"));
    assert!(refused.contains("heartbeats[1].name: `p` is there twice"), "{refused}");
}

#[test]
fn names_are_unique_and_rates_are_rates() {
    let refused = refusal(
        "
routes: [{channels: [a]}]
channels:
  - {name: a, type: log}
  - {name: a, type: slack, webhook_url: 'http://s/hook', rate: often}
",
    );
    assert!(refused.contains("channels[1].name: `a` is there twice"), "{refused}");
    assert!(refused.contains("`often` is not a rate"), "{refused}");
}

#[test]
fn nothing_to_tell_and_nobody_to_tell_it_to_are_faults() {
    let refused = refusal("environment: dev");
    assert!(refused.contains("channels: expected at least one channel"), "{refused}");
    assert!(refused.contains("routes: expected at least one route"), "{refused}");
}

#[test]
fn a_reload_names_the_keys_that_need_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let started = load(directory.path(), MINIMAL).unwrap();
    assert!(started.needing_restart(&started).is_empty());
    let more = "
web: {listen_address: '127.0.0.1:1', max_body: 1KiB}
storage: {url: 'sqlite:other.db'}
history: {retention: 1d}
templates: {path: templates}
delivery: {workers: 2, give_up_after: 1h}
";
    let newer = load(directory.path(), &format!("{MINIMAL}{more}")).unwrap();
    let keys = started.needing_restart(&newer);
    let expected =
        ["web.listen_address", "web.max_body", "storage.url", "history.retention", "delivery.workers"];
    assert_eq!(keys, expected);
}

#[test]
fn what_the_example_writes_out_is_the_default() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/receiver.yaml");
    let example = std::fs::read_to_string(example).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let print = |yaml: &str| format!("{:#?}", load(directory.path(), yaml).unwrap());
    assert_eq!(print(&example), print(MINIMAL));
}

/// The lines of the example that are commented out, from `first` to the end of its item, without the `#`.
fn commented_out(first: &str) -> Vec<String> {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/receiver.yaml");
    let example = std::fs::read_to_string(example).unwrap();
    let mut lines = example.lines().skip_while(|line| !line.contains(first));
    let head = lines.next().into_iter();
    let item = head.chain(lines.take_while(|line| !line.is_empty() && !line.contains("- name:")));
    let is_key = |line: &&str| !line.trim_start().starts_with("# ");
    item.filter(is_key).map(|line| line.replacen('#', "", 1)).collect()
}

/// What the example says of a channel beside what is `needed` is what holds without it; `unset` has no default.
fn assert_defaults_of_channel(first: &str, needed: &[&str], unset: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    for file in ["slack.url", "hook.url"] {
        std::fs::write(directory.path().join(file), "http://127.0.0.1:1/hook").unwrap();
    }
    std::fs::write(directory.path().join("slack.token"), "xoxb-1").unwrap();
    let lines = commented_out(first);
    let has = |line: &str, keys: &[&str]| {
        keys.iter().any(|key| line.trim_start_matches([' ', '-']).starts_with(key))
    };
    let print = |wanted: &dyn Fn(&str) -> bool| {
        let kept: Vec<&str> = lines.iter().map(String::as_str).filter(|line| wanted(line)).collect();
        let name = first.trim_start_matches("#- name: ");
        let yaml = format!("routes: [{{channels: [{name}]}}]\nchannels:\n{}\n", kept.join("\n"));
        (kept.len(), format!("{:#?}", load(directory.path(), &yaml).unwrap()))
    };
    let (least, defaults) = print(&|line| has(line, needed));
    let (most, written_out) = print(&|line| !has(line, unset));
    assert!(most > least, "{lines:?}");
    assert_eq!(written_out, defaults);
}

#[test]
fn what_the_example_says_of_a_slack_channel_is_the_default() {
    // the secret stands in its file or here
    assert_defaults_of_channel(
        "#- name: team",
        &["name:", "type:", "webhook_url_file:"],
        &["webhook_url:", "fallback:"],
    );
}

#[test]
fn what_the_example_says_of_a_slack_channel_with_a_bot_is_the_default() {
    let needed = ["name:", "type:", "bot_token_file:", "channel:"];
    assert_defaults_of_channel("#- name: chat", &needed, &["bot_token:", "fallback:"]);
}

#[test]
fn what_the_example_says_of_an_email_channel_is_the_default() {
    let unset = ["username:", "password:", "password_file:", "ca_file:", "fallback:", "rate:"];
    let needed = ["name:", "type:", "smtp:", "host:", "from:", "to:"];
    assert_defaults_of_channel("#- name: mails", &needed, &unset);
}

#[test]
fn what_the_example_says_of_a_webhook_channel_is_the_default() {
    let unset = [
        "url:",
        "headers:",
        "Authorization:",
        "values:",
        "routing_key:",
        "success:",
        "status:",
        "json:",
        "ok:",
        "signature:",
        "secret:",
        "secret_file:",
        "fallback:",
        "rate:",
    ];
    assert_defaults_of_channel("#- name: pager", &["name:", "type:", "url_file:"], &unset);
}

#[test]
fn a_channel_falls_back_to_another_that_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let channels = "channels: [{name: a, type: log, fallback: b}, {name: b, type: log, fallback: a}]";
    let config = load(directory.path(), &format!("routes: [{{channels: [a]}}]\n{channels}")).unwrap();
    assert_eq!(config.channel("a").unwrap().fallback(), Some("b"));
    let refused = refusal(
        "
routes: [{channels: [a]}]
channels: [{name: a, type: log, fallback: a}, {name: b, type: log, fallback: c}]
",
    );
    assert!(refused.contains("channels[0].fallback: expected another channel than itself"), "{refused}");
    assert!(
        refused.contains("channels[1].fallback: there is no channel `c`, expected one of `a`"),
        "{refused}"
    );
}

#[test]
fn flapping_takes_more_than_a_beginning_and_its_end() {
    for (flap, key) in [
        ("{changes: 1}", "dedupe.flap.changes"),
        ("{changes: 101}", "dedupe.flap.changes"),
        ("{within: 0s}", "dedupe.flap.within"),
        ("{often: 3}", "dedupe.flap.often"),
    ] {
        let refused = refusal(&format!("{MINIMAL}dedupe: {{flap: {flap}}}\n"));
        assert!(refused.contains(&format!("receiver.yaml: {key}: ")), "{refused}");
    }
}

#[test]
fn alerts_that_only_one_program_can_send_are_asked_about_unless_sources_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let sources = |more: &str| {
        let config = load(directory.path(), &format!("{MINIMAL}{more}")).unwrap();
        config.asked_sources().into_iter().collect::<Vec<_>>().join(" ")
    };
    let asking = "alertmanager: {url: 'http://am/prefix'";
    let prometheus = "{name: prometheus, token: a, allow: [metrics]}";
    let (one, other) = ("{name: am, token: b, allow: [ingest]}", "{name: grafana, token: c}");
    assert_eq!(sources(""), "");
    assert_eq!(sources(&format!("{asking}}}")), "default");
    assert_eq!(sources(&format!("{asking}, sources: [a, b]}}")), "a b");
    assert_eq!(
        sources(&format!("{asking}}}\nweb: {{auth: {{tokens: [{prometheus}, {one}]}}}}")),
        "am default"
    );
    assert_eq!(sources(&format!("{asking}}}\nweb: {{auth: {{tokens: [{one}, {other}]}}}}")), "default");
}
