//! From webhooks to another service's: what a recipe sends through the running receiver, and what its history keeps of it.

use crate::support::alerts::{Alert, webhook};
use crate::support::history::{attempts, history, quiet};
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::service::Service;
use crate::support::{home, write};

/// The integration's key, which only requests hold.
const KEY: &str = "hunter2routingkey";

async fn say(receiver: &Program, alerts: &[&Alert]) {
    let body = webhook("g", alerts.iter().copied()).to_string();
    assert_eq!(post(&format!("{}/webhook", receiver.url), JSON, body).await.status, 200);
    quiet(receiver).await;
}

#[tokio::test]
async fn an_incident_is_triggered_once_and_resolved_under_the_same_key() {
    let (home, pagerduty) = (home(), Service::start((202, "{\"status\": \"success\"}")).await);
    write(home.path(), "pagerduty.key", KEY);
    let channel = format!(
        "{{name: oncall, type: webhook, template: pagerduty, url: \"{}/v2/enqueue\", values: {{routing_key_file: pagerduty.key}}}}",
        pagerduty.url
    );
    write(
        home.path(),
        "receiver.yaml",
        format!(
            "environment: prod\nstorage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [oncall]}}]\nchannels: [{channel}]\ndelivery: {{retry: {{initial: 100ms, max: 1s}}}}\n"
        ),
    );
    let receiver = Program::receiver(home.path()).await;
    let [first, second] = ["a", "b"].map(|name| Alert::firing("Drift", START).with("feature", name));
    pagerduty.answer_next((503, "busy"));
    say(&receiver, &[&first, &second]).await;
    say(&receiver, &[&first.clone().resolved(START + 60), &second]).await;
    say(&receiver, &[&second.clone().resolved(START + 90)]).await;

    let taken = pagerduty.taken();
    let told: Vec<_> = taken.iter().map(|one| one.body["event_action"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        ["trigger", "trigger", "trigger", "resolve"],
        "the first one again, and while one fires"
    );
    for one in &taken {
        assert_eq!(one.body["routing_key"], KEY);
        assert_eq!(one.body["dedup_key"], taken[0].body["dedup_key"]);
    }
    let identity = |index: usize| taken[index].headers["idempotency-key"].clone();
    assert_eq!(identity(0), identity(1), "an attempt has the identity of the one before it");
    assert_ne!(identity(1), identity(2));

    let told = history(&receiver).await;
    assert_eq!(attempts(&told[2]), ["retryable server_error", "delivered"]);
    let id = told[0]["id"].as_str().unwrap();
    let (api, page) = (format!("/api/v1/notifications/{id}"), format!("/notifications/{id}"));
    for path in [api.as_str(), page.as_str(), "/", "/metrics"] {
        assert!(!receiver.get(path).await.body.contains("hunter2"), "{path} shows the key");
    }
    assert!(receiver.get(&api).await.body.contains("⟪routing_key⟫"), "the history keeps its mark");
    assert!(!receiver.output().contains("hunter2"), "{}", receiver.output());
}
