//! Wrong starts of the receiver.

use super::command_line::Case;
use super::command_line::Content::{Folder, Text};

/// A configuration without a fault, with something more.
macro_rules! config {
    ($more:literal) => {
        concat!(
            "storage: {url: \"sqlite:receiver.db\"}\nroutes:\n  - {channels: [console]}\n",
            $more,
            "channels:\n  - {name: console, type: log}\n"
        )
    };
    ($more:literal, channels: $channels:literal) => {
        concat!(config!($more), $channels)
    };
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "nothing_wrong",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["check-config"],
        variables: &[],
        code: 0,
        names: &[],
    },
    Case::usage("unknown_flag", &["serve", "--colour=red"], &["--colour"]),
    Case::usage("unknown_subcommand", &["dance"], &["dance"]),
    Case::usage("unknown_log_level", &["serve", "--log.level=loud"], &["--log.level", "loud", "info"]),
    Case {
        name: "history_since_when",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["history", "--since=yesterday"],
        variables: &[],
        code: 64,
        names: &["since", "yesterday", "24h"],
    },
    Case::usage("history_in_an_unknown_format", &["history", "--format=xml"], &["--format", "xml", "csv"]),
    Case {
        name: "history_without_a_store",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["history"],
        variables: &[],
        code: 1,
        names: &["storage.url", "receiver.db"],
    },
    Case::fault(
        "fallback_to_nobody",
        &[(
            "receiver.yaml",
            Text(
                "routes: [{channels: [a]}]\nchannels: [{name: a, type: log, fallback: a}, {name: b, type: log, fallback: c}]\n",
            ),
        )],
        &["channels[0].fallback", "itself", "channels[1].fallback", "`c`", "`a`"],
    ),
    Case::usage("missing_file", &["check-config", "--config.file=gone.yaml"], &["gone.yaml"]),
    Case::usage("missing_file_when_serving", &["serve"], &["receiver.yaml", "--config.file"]),
    Case::fault("directory", &[("receiver.yaml", Folder)], &["receiver.yaml", "directory", "YAML"]),
    Case::fault(
        "invalid_yaml",
        &[("receiver.yaml", Text("web: [1\nroutes: 2\n"))],
        &["receiver.yaml", "YAML", "line 2"],
    ),
    Case::fault("empty_file", &[("receiver.yaml", Text(""))], &["receiver.yaml", "channels", "routes"]),
    Case::fault(
        "unknown_section",
        &[("receiver.yaml", Text(config!("colour: red\n")))],
        &["receiver.yaml", "colour"],
    ),
    Case::fault(
        "unknown_key_of_a_section",
        &[("receiver.yaml", Text(config!("dedupe: {repeat: 4h}\n")))],
        &["receiver.yaml", "dedupe.repeat", "repeat_interval"],
    ),
    Case::fault(
        "number_where_a_duration_is_expected",
        &[("receiver.yaml", Text(config!("dedupe: {repeat_interval: 4}\n")))],
        &["receiver.yaml", "dedupe.repeat_interval", "`4`", "30s"],
    ),
    Case::fault(
        "duration_that_is_none",
        &[("receiver.yaml", Text(config!("delivery: {give_up_after: never}\n")))],
        &["receiver.yaml", "delivery.give_up_after", "never", "30s"],
    ),
    Case::fault(
        "retry_that_shrinks",
        &[(
            "receiver.yaml",
            Text(config!("delivery: {workers: 0, retry: {initial: 10s, max: 1s, jitter: 2}}\n")),
        )],
        &["receiver.yaml", "delivery.workers", "delivery.retry.max", "delivery.retry.jitter"],
    ),
    Case::fault(
        "store_of_an_unknown_kind",
        &[(
            "receiver.yaml",
            Text(
                "storage: {url: \"mysql://user:hunter2@db/x\"}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n",
            ),
        )],
        &["receiver.yaml", "storage.url", "sqlite:"],
    ),
    Case::fault(
        "store_in_a_database_without_a_name",
        &[(
            "receiver.yaml",
            Text(
                "storage: {url: \"postgres://user:hunter2@db\"}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n",
            ),
        )],
        &["receiver.yaml", "storage.url", "postgres://"],
    ),
    Case::fault(
        "route_to_an_unknown_channel",
        &[("receiver.yaml", Text(config!("  - {channels: [pager]}\n")))],
        &["receiver.yaml", "routes[1].channels", "pager", "console"],
    ),
    Case::fault(
        "route_with_a_wrong_matcher",
        &[("receiver.yaml", Text(config!("  - {match: ['severity=~\"(\"'], channels: [console]}\n")))],
        &["receiver.yaml", "routes[1].match", "regular expression"],
    ),
    Case::fault(
        "channel_of_an_unknown_type",
        &[("receiver.yaml", Text(config!("", channels: "  - {name: pigeon, type: pigeon}\n")))],
        &["receiver.yaml", "channels[1]", "pigeon", "slack", "email", "log"],
    ),
    Case::fault(
        "channel_twice",
        &[("receiver.yaml", Text(config!("", channels: "  - {name: console, type: log}\n")))],
        &["receiver.yaml", "channels[1].name", "console"],
    ),
    Case::fault(
        "email_with_nothing",
        &[("receiver.yaml", Text(config!("", channels: "  - {name: oncall, type: email}\n")))],
        &["receiver.yaml", "channels[1]", "smtp.host", "from", "to"],
    ),
    Case::fault(
        "email_with_everything_wrong",
        &[(
            "receiver.yaml",
            Text(
                config!("", channels: "  - {name: oncall, type: email, smtp: {host: \"smtp://ops:hunter2@mail\", port: 0, tls: none, username: ops, ca_file: gone.pem}, from: nobody, to: [a@x.org, \"b@x.org, c@x.org\", A@x.org], rate: often}\n"),
            ),
        )],
        &[
            "smtp.host",
            "smtp.port",
            "smtp.username",
            "smtp.ca_file",
            "gone.pem",
            "from",
            "to[1]",
            "to[2]",
            "rate",
        ],
    ),
    Case::fault(
        "email_password_in_the_clear",
        &[(
            "receiver.yaml",
            Text(
                config!("", channels: "  - {name: oncall, type: email, smtp: {host: mail.example.com, tls: none, username: ops, password: hunter2}, from: a@x.org, to: [b@x.org]}\n"),
            ),
        )],
        &["channels[1]", "smtp.tls", "starttls", "mail.example.com"],
    ),
    Case::fault(
        "email_with_an_unknown_protection",
        &[(
            "receiver.yaml",
            Text(
                config!("", channels: "  - {name: oncall, type: email, smtp: {host: mail, tls: ssl}, from: a@x.org, to: [b@x.org]}\n"),
            ),
        )],
        &["channels[1]", "tls", "ssl", "starttls", "implicit", "none"],
    ),
    Case::fault(
        "email_with_a_password_file_that_is_gone",
        &[(
            "receiver.yaml",
            Text(
                config!("", channels: "  - {name: oncall, type: email, smtp: {host: mail, username: ops, password_file: gone}, from: a@x.org, to: [b@x.org]}\n"),
            ),
        )],
        &["channels[1]", "smtp.password_file", "gone"],
    ),
    Case::fault(
        "secret_file_that_is_missing",
        &[(
            "receiver.yaml",
            Text(config!("", channels: "  - {name: team, type: slack, webhook_url_file: gone.url}\n")),
        )],
        &["receiver.yaml", "channels[1]", "gone.url"],
    ),
    Case::fault(
        "secret_file_that_is_empty",
        &[
            (
                "receiver.yaml",
                Text(config!("", channels: "  - {name: team, type: slack, webhook_url_file: empty.url}\n")),
            ),
            ("empty.url", Text("\n")),
        ],
        &["receiver.yaml", "channels[1]", "empty.url", "empty"],
    ),
    Case::fault(
        "variable_that_is_not_set",
        &[(
            "receiver.yaml",
            Text(config!("", channels: "  - {name: team, type: slack, webhook_url: \"${SLACK_URL}\"}\n")),
        )],
        &["receiver.yaml", "channels[1].webhook_url", "SLACK_URL"],
    ),
    Case {
        name: "variable_with_a_wrong_value",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["check-config"],
        variables: &[("MODELWATCH_RECEIVER__DELIVERY__WORKERS", "many")],
        code: 64,
        names: &["MODELWATCH_RECEIVER__DELIVERY__WORKERS", "number"],
    },
    Case::fault(
        "heartbeat_to_an_unknown_channel",
        &[(
            "receiver.yaml",
            Text(config!(
                "heartbeats:\n  - {name: prometheus, match: ['alertname=\"Watchdog\"'], every: 5m, grace: 1m, channels: [pager]}\n"
            )),
        )],
        &["receiver.yaml", "heartbeats[0].channels", "pager", "console"],
    ),
    Case::fault(
        "faults_in_many_sections",
        &[(
            "receiver.yaml",
            Text(
                "web: {max_body: 1 elephant}\nstorage: {url: nowhere}\nhistory: {retention: 0s}\ndedupe: {stale_after: x}\nroutes: [{match: ['='], channels: [console]}]\nchannels: [{name: console, type: log}]\ncolour: red\n",
            ),
        )],
        &[
            "web.max_body",
            "storage.url",
            "history.retention",
            "dedupe.stale_after",
            "routes[0].match",
            "colour",
        ],
    ),
    Case::usage("flag_without_value", &["check-config", "--config.file"], &["--config.file"]),
    Case::usage(
        "unknown_log_format",
        &["serve", "--log.format=xml"],
        &["--log.format", "xml", "logfmt", "json"],
    ),
    Case::usage("history_until_when", &["history", "--until=later"], &["until", "later", "24h"]),
    Case {
        name: "listen_address_of_the_flag",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["check-config", "--web.listen-address=127.0.0.1:99999"],
        variables: &[],
        code: 64,
        names: &["--web.listen-address", "HOST:PORT", "99999"],
    },
    Case {
        name: "history_of_a_status_that_is_none",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["history", "--status=lost"],
        variables: &[],
        code: 64,
        names: &["status", "lost", "dead"],
    },
    Case {
        name: "log_channel_that_nobody_hears",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["serve", "--log.level=error", "--web.listen-address=127.0.0.1:0"],
        variables: &[],
        code: 64,
        names: &["receiver.yaml", "channels[0]", "--log.level"],
    },
    Case {
        name: "unknown_extension",
        files: &[("receiver.conf", Text("web=1"))],
        arguments: &["check-config", "--config.file=receiver.conf"],
        variables: &[],
        code: 64,
        names: &["receiver.conf", ".yaml", ".toml", ".json"],
    },
    Case {
        name: "variable_without_a_key",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["check-config"],
        variables: &[("MODELWATCH_RECEIVER__DELIVERY__COLOUR", "red")],
        code: 64,
        names: &["MODELWATCH_RECEIVER__DELIVERY__COLOUR", "workers"],
    },
    Case {
        name: "variable_of_a_section_that_is_none",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["check-config"],
        variables: &[("MODELWATCH_RECEIVER__COLOUR__KEY", "red")],
        code: 64,
        names: &["MODELWATCH_RECEIVER__COLOUR__KEY", "colour"],
    },
    Case {
        name: "variable_for_a_list",
        files: &[("receiver.yaml", Text(config!("")))],
        arguments: &["check-config"],
        variables: &[("MODELWATCH_RECEIVER__CHANNELS__NAME", "console")],
        code: 64,
        names: &["MODELWATCH_RECEIVER__CHANNELS__NAME"],
    },
    Case::fault(
        "route_without_channels",
        &[("receiver.yaml", Text(config!("  - {match: ['a=\"b\"'], channels: []}\n")))],
        &["receiver.yaml", "routes[1].channels"],
    ),
    Case::fault(
        "no_channels",
        &[("receiver.yaml", Text("routes: [{channels: [console]}]\nchannels: []\n"))],
        &["receiver.yaml", "channels", "type: log"],
    ),
    Case::fault(
        "channel_without_a_name",
        &[("receiver.yaml", Text(config!("", channels: "  - {type: log}\n")))],
        &["receiver.yaml", "channels[1]", "name"],
    ),
    Case::fault(
        "external_url_that_is_a_path",
        &[("receiver.yaml", Text(config!("web: {external_url: /alerts}\n")))],
        &["receiver.yaml", "web.external_url", "https://"],
    ),
    Case::fault(
        "heartbeat_that_never_comes",
        &[(
            "receiver.yaml",
            Text(config!(
                "heartbeats:\n  - {name: prometheus, match: ['alertname=\"Watchdog\"'], every: 0s, channels: [console]}\n"
            )),
        )],
        &["receiver.yaml", "heartbeats[0].every"],
    ),
    Case::fault(
        "heartbeat_twice",
        &[(
            "receiver.yaml",
            Text(config!(
                "heartbeats:\n  - &h {name: prometheus, match: ['alertname=\"Watchdog\"'], every: 5m, channels: [console]}\n  - *h\n"
            )),
        )],
        &["receiver.yaml", "heartbeats[1].name", "prometheus"],
    ),
];
