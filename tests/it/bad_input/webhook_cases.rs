//! Webhook channels that cannot be used, and templates of theirs that make no JSON.

use super::command_line::Case;
use super::command_line::Content::Text;

/// A receiver whose only channel is this webhook.
macro_rules! hook {
    ($keys:literal) => {
        concat!(
            "storage: {url: \"sqlite:receiver.db\"}\nroutes: [{channels: [hook]}]\ntemplates: {path: templates}\nchannels: [{name: hook, type: webhook",
            $keys,
            "}]\n"
        )
    };
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case::fault(
        "webhook_with_everything_wrong",
        &[(
            "receiver.yaml",
            Text(hook!(
                ", template: telegram, body: xml, method: post, url: hunter2, headers: {Host: hunter2}, success: {status: [7]}, signature: {}, rate: often"
            )),
        )],
        &[
            "channels[0]",
            "url",
            "values.chat_id",
            "headers.Host",
            "method",
            "success.status",
            "secret",
            "rate",
        ],
    ),
    Case::fault(
        "webhook_with_an_unknown_key",
        &[("receiver.yaml", Text(hook!(", url: \"https://hook/hunter2\", routing_key: hunter2")))],
        &["channels[0]", "routing_key", "values"],
    ),
    Case::fault(
        "webhook_body_that_is_not_json",
        &[
            ("receiver.yaml", Text(hook!(", url: \"https://hook/hunter2\", template: own"))),
            ("templates/own/body.hbs", Text("{\n  \"title\": {{title}}\n}\n")),
        ],
        &["templates/own/body.hbs", "not JSON", "line 2"],
    ),
];
