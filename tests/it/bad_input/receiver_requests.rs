//! Requests that the receiver cannot serve.

use crate::support::http::JSON;

use super::requests::Body::{Bytes, Repeated, Text};
use super::requests::{Body, Request};

/// Where they are sent.
pub(super) const CONFIG: &str = r#"
web: {max_body: 64KiB}
storage: {url: "sqlite:receiver.db"}
routes: [{channels: [console]}]
channels: [{name: console, type: log}]
"#;

/// A webhook that says why it cannot be accepted.
const fn webhook(name: &'static str, body: Body, status: u16, named: &'static [&'static str]) -> Request {
    Request { name, target: ("POST", "/webhook"), headers: &[("content-type", JSON)], body, status, named }
}

/// A webhook with one alert whose fields begin as given.
macro_rules! alert {
    ($fields:literal) => {
        Text(concat!(r#"{"version":"4","groupKey":"g","alerts":[{"#, $fields, "}]}"))
    };
}

/// All of them.
pub(super) const REQUESTS: &[Request] = &[
    webhook("webhook_without_a_body", Text(""), 400, &["JSON"]),
    webhook("webhook_that_is_no_json", Text("no json"), 400, &["JSON"]),
    webhook("webhook_that_is_cut_off", Text(r#"{"version":"4""#), 400, &["JSON"]),
    webhook("webhook_that_is_a_list", Text("[]"), 400, &["object"]),
    webhook("webhook_that_is_no_text", Bytes(b"\xff\xfe"), 400, &["JSON"]),
    webhook("webhook_without_a_version", Text(r#"{"alerts":[]}"#), 400, &["version"]),
    webhook("webhook_of_an_unknown_version", Text(r#"{"version":"5","alerts":[]}"#), 400, &["version", "4"]),
    webhook("version_that_is_a_number", Text(r#"{"version":4,"alerts":[]}"#), 400, &["version"]),
    webhook("version_1_without_grafana", Text(r#"{"version":"1","alerts":[]}"#), 400, &["orgId"]),
    webhook(
        "webhook_without_alerts",
        Text(r#"{"version":"4","groupKey":"g","alerts":[]}"#),
        400,
        &["alerts"],
    ),
    webhook("alerts_that_are_missing", Text(r#"{"version":"4","groupKey":"g"}"#), 400, &["alerts"]),
    webhook("alerts_in_words", Text(r#"{"version":"4","groupKey":"g","alerts":"many"}"#), 400, &["alerts"]),
    webhook(
        "alert_without_labels",
        alert!(r#""status":"firing","startsAt":"2024-01-01T00:00:00Z""#),
        400,
        &["labels"],
    ),
    webhook(
        "alert_that_starts_soon",
        alert!(r#""status":"firing","labels":{"a":"b"},"startsAt":"soon""#),
        400,
        &["alerts[0].startsAt"],
    ),
    webhook(
        "alert_of_an_unknown_status",
        alert!(r#""status":"sleeping","labels":{"a":"b"},"startsAt":"2024-01-01T00:00:00Z""#),
        400,
        &["alerts[0].status"],
    ),
    webhook(
        "label_that_is_a_number",
        alert!(r#""status":"firing","labels":{"a":7},"startsAt":"2024-01-01T00:00:00Z""#),
        400,
        &["alerts[0].labels"],
    ),
    webhook("webhook_over_the_limit", Repeated("0123456789abcdef", 4097), 413, &["64KiB"]),
    Request {
        name: "source_of_the_receiver_itself",
        target: ("POST", "/webhook?source=(heartbeat)"),
        headers: &[("content-type", JSON)],
        body: Text("{}"),
        status: 400,
        named: &["source"],
    },
    Request {
        name: "source_twice",
        target: ("POST", "/webhook?source=a&source=b"),
        headers: &[("content-type", JSON)],
        body: Text("{}"),
        status: 400,
        named: &["source"],
    },
    Request {
        name: "page_of_another_site",
        target: ("POST", "/webhook"),
        headers: &[
            ("content-type", JSON),
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ],
        body: Text("{}"),
        status: 403,
        named: &["site"],
    },
    Request::get("webhook_that_is_asked_for", "/webhook", 405, &["method"]),
    Request::get("path_that_is_none", "/api/v2/notifications", 404, &["nothing"]),
    Request::get("notification_that_never_was", "/api/v1/notifications/none", 404, &["no such notification"]),
    Request::get("since_when", "/api/v1/notifications?since=yesterday", 400, &["since", "yesterday"]),
    Request::get(
        "status_that_is_none",
        "/api/v1/notifications?status=lost",
        400,
        &["status", "lost", "dead"],
    ),
    Request::get("limit_in_words", "/api/v1/notifications?limit=many", 400, &["limit", "many"]),
    Request::get("limit_that_is_nothing", "/api/v1/notifications?limit=0", 400, &["limit"]),
    Request::get(
        "label_without_a_value",
        "/api/v1/notifications?label=severity",
        400,
        &["label", "severity"],
    ),
    Request::get("cursor_that_is_none", "/api/v1/notifications?cursor=%00", 400, &["cursor"]),
    Request::get("parameter_that_is_none", "/api/v1/notifications?colour=red", 400, &["colour"]),
];
