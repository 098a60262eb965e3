//! Wrong words about channels of Slack.

use super::command_line::Case;
use super::command_line::Content::Text;

/// A configuration without a fault, and a channel of Slack with these keys.
macro_rules! slack {
    ($keys:literal) => {
        concat!(
            "routes:\n  - {channels: [console]}\nchannels:\n  - {name: console, type: log}\n  - {name: team, type: slack",
            $keys,
            "}\n"
        )
    };
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case::fault(
        "slack_without_an_address",
        &[("receiver.yaml", Text(slack!("")))],
        &["receiver.yaml", "channels[1]", "webhook_url", "bot_token"],
    ),
    Case::fault(
        "slack_with_two_addresses",
        &[
            (
                "receiver.yaml",
                Text(slack!(", webhook_url: \"https://hooks/hunter2\", webhook_url_file: url")),
            ),
            ("url", Text("https://hooks/hunter2")),
        ],
        &["receiver.yaml", "channels[1]", "webhook_url"],
    ),
    Case::fault(
        "slack_with_a_webhook_and_a_token",
        &[(
            "receiver.yaml",
            Text(slack!(
                ", webhook_url: \"https://hooks/hunter2\", bot_token: xoxb-hunter2, channel: \"#a\""
            )),
        )],
        &["channels[1]", "webhook_url", "bot_token"],
    ),
    Case::fault(
        "slack_with_a_token_and_faults",
        &[(
            "receiver.yaml",
            Text(slack!(", bot_token: xapp-hunter2, api_url: \"ftp://hunter2\", update: never")),
        )],
        &["channels[1]", "bot_token", "xoxb-", "channel", "api_url", "update", "edit, thread or post"],
    ),
    Case::fault(
        "slack_with_a_webhook_that_is_to_edit",
        &[("receiver.yaml", Text(slack!(", webhook_url: \"https://hooks/hunter2\", update: edit")))],
        &["channels[1]", "update", "bot_token"],
    ),
    Case::fault(
        "slack_with_an_address_of_another_kind",
        &[("receiver.yaml", Text(slack!(", webhook_url: \"ftp://hooks/hunter2\", rate: often")))],
        &["receiver.yaml", "channels[1]", "webhook_url", "http", "rate", "1/s"],
    ),
];
