//! Commands that call the running receiver, used wrongly or without one.

use super::command_line::Case;
use super::command_line::Content::Text;

const CONFIG: &str = "storage: {url: \"sqlite:receiver.db\"}\nroutes:\n  - {channels: [console]}\nchannels:\n  - {name: console, type: log}\n";

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "replay_without_a_receiver",
        files: &[("receiver.yaml", Text(CONFIG))],
        arguments: &["replay", "--dead", "--web.listen-address=127.0.0.1:1"],
        variables: &[],
        code: 1,
        names: &["no receiver", "127.0.0.1:1", "serve", "--web.listen-address"],
    },
    Case::usage("replay_of_nothing", &["replay"], &["NOTIFICATION_ID"]),
    Case::usage("replay_of_one_and_of_all", &["replay", "--dead", "1"], &["--dead", "NOTIFICATION_ID"]),
    Case::usage("replay_of_one_in_a_channel", &["replay", "1", "--channel=console"], &["--dead"]),
    Case::usage("replay_since_when", &["replay", "--dead", "--since=soon"], &["--since", "soon", "24h"]),
    Case {
        name: "replay_help",
        files: &[],
        arguments: &["replay", "--help"],
        variables: &[],
        code: 0,
        names: &["NOTIFICATION_ID", "--dead", "--channel", "--since", "late", "history"],
    },
    Case {
        name: "send_test_without_a_receiver",
        files: &[("receiver.yaml", Text(CONFIG))],
        arguments: &["send-test", "--web.listen-address=127.0.0.1:1"],
        variables: &[],
        code: 1,
        names: &["no receiver", "127.0.0.1:1", "serve", "--web.listen-address"],
    },
    Case::usage(
        "send_test_of_no_label",
        &["send-test", "--route=critical"],
        &["--route", "critical", "LABEL=VALUE"],
    ),
    Case::usage(
        "send_test_of_one_label_twice",
        &["send-test", "--route=a=b", "--route=a=c"],
        &["--route", "`a`", "twice"],
    ),
    Case::usage(
        "send_test_to_a_channel_and_by_the_routes",
        &["send-test", "--channel=console", "--route=severity=critical"],
        &["--channel", "--route"],
    ),
    Case::usage("send_test_until_when", &["send-test", "--timeout=soon"], &["--timeout", "soon", "30s"]),
];
