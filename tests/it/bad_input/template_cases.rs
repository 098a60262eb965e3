//! Templates that the receiver does not use: named by file, line and column before anything is sent with them.

use super::command_line::Case;
use super::command_line::Content::{self, Bytes, Folder, Text};

/// A receiver with a log and a Slack channel, whose templates stand in `templates`.
const CONFIG: (&str, Content) = (
    "receiver.yaml",
    Text(
        "storage: {url: \"sqlite:receiver.db\"}\nroutes: [{channels: [team]}]\ntemplates: {path: templates}\nchannels:\n  - {name: console, type: log}\n  - {name: team, type: slack, webhook_url: \"https://hooks/x\"}\n",
    ),
);

/// One piece that is wrong, and what has to be named.
macro_rules! piece {
    ($name:literal, $file:literal, $content:expr, $names:expr) => {
        Case::fault($name, &[CONFIG, (concat!("templates/", $file), $content)], $names)
    };
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    piece!(
        "template_that_is_broken",
        "slack/title.hbs",
        Text("one\n{{#if x}}never closed\n"),
        &["templates/slack/title.hbs", "3"]
    ),
    piece!(
        "template_with_an_unknown_name",
        "log/line.hbs",
        Text("{{title}}\n{{colour}}\n"),
        &["templates/log/line.hbs:2", "colour"]
    ),
    piece!(
        "template_with_an_unknown_helper",
        "slack/title.hbs",
        Text("{{shout title}}"),
        &["templates/slack/title.hbs:1", "helper `shout`"]
    ),
    piece!(
        "template_with_a_wrong_argument",
        "slack/title.hbs",
        Text("{{truncate title \"many\"}}"),
        &["templates/slack/title.hbs:1", "truncate"]
    ),
    piece!(
        "template_with_a_missing_argument",
        "slack/title.hbs",
        Text("{{truncate title}}"),
        &["templates/slack/title.hbs:1", "truncate"]
    ),
    piece!(
        "template_that_names_a_missing_label",
        "slack/alert.hbs",
        Text("{{alert.labels.severity}}"),
        &["templates/slack/alert.hbs:1", "severity", "default"]
    ),
    piece!("template_that_is_empty", "slack/title.hbs", Text(" \n"), &["slack/title.hbs", "nothing"]),
    piece!("template_piece_that_is_none", "slack/colour.hbs", Text("red"), &["slack/colour.hbs", "title"]),
    piece!(
        "template_with_a_partial",
        "slack/title.hbs",
        Text("{{title}}\n {{> header}}"),
        &["templates/slack/title.hbs:2:2", "partials"]
    ),
    Case::fault(
        "template_with_partials_in_a_circle",
        &[
            CONFIG,
            ("templates/partials/first.hbs", Text("{{> second}}")),
            ("templates/partials/second.hbs", Text("one\n {{> first}}")),
        ],
        &["templates/partials/second.hbs:2:2", "first → second → first"],
    ),
    Case::fault(
        "templates_in_an_unknown_language_and_zone",
        &[(
            "receiver.yaml",
            Text(
                "routes: [{channels: [console]}]\ntemplates: {language: klingon, timezone: Mars/Olympus}\nchannels: [{name: console, type: log}]\n",
            ),
        )],
        &["templates.language", "en or ko", "templates.timezone", "Asia/Seoul"],
    ),
    piece!(
        "template_with_blocks_too_deep",
        "log/line.hbs",
        Text("{{title}}{{#each alerts}}{{#each labels}}{{#each ../annotations}}x{{/each}}{{/each}}{{/each}}"),
        &["templates/log/line.hbs", "each"]
    ),
    piece!(
        "template_that_writes_too_much",
        "log/line.hbs",
        Text("{{title}}{{#each alerts}}{{#each ../alerts}}0123456789abcdef{{/each}}{{/each}}"),
        &["templates/log/line.hbs", "bytes"]
    ),
    piece!("template_that_is_no_text", "slack/title.hbs", Bytes(b"\xff\xfe"), &["slack/title.hbs", "UTF-8"]),
    piece!("template_that_is_a_folder", "slack/title.hbs", Folder, &["slack/title.hbs"]),
    piece!("templates_of_one_name_in_a_file", "slack", Text("{{title}}"), &["templates/slack"]),
    Case::fault(
        "templates_in_a_folder_that_is_missing",
        &[(
            "receiver.yaml",
            Text(
                "routes: [{channels: [console]}]\ntemplates: {path: gone}\nchannels: [{name: console, type: log, template: mine}]\n",
            ),
        )],
        &["receiver.yaml", "gone"],
    ),
    Case::fault(
        "template_of_a_name_that_is_missing",
        &[
            (
                "receiver.yaml",
                Text(
                    "routes: [{channels: [team]}]\ntemplates: {path: templates}\nchannels: [{name: team, type: slack, template: mine, webhook_url: \"https://hooks/x\"}]\n",
                ),
            ),
            ("templates", Folder),
        ],
        &["templates", "mine"],
    ),
];
