//! Requests that the exporter cannot serve.

use crate::support::http::{JSON, NDJSON};

use super::requests::Body::{Bytes, Repeated, Text};
use super::requests::{Body, Request};

macro_rules! key_of_64 {
    () => {
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    };
}

const EVENTS: (&str, &str) = ("POST", "/v1/events");
const EVENT: &str = r#"{"event":"label","model":"loans","id":"1","label":1}"#;
/// 256 characters.
const LONG_KEY: &str = concat!(key_of_64!(), key_of_64!(), key_of_64!(), key_of_64!());

/// A body that cannot be read as a whole.
const fn body(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Body,
    status: u16,
    named: &'static [&'static str],
) -> Request {
    Request { name, target: EVENTS, headers, body, status, named }
}

/// All of them.
pub(super) const REQUESTS: &[Request] = &[
    body("empty_body", &[("content-type", NDJSON)], Text(""), 400, &["no event"]),
    body("empty_lines", &[("content-type", NDJSON)], Text("\n \n"), 400, &["no event"]),
    body("json_that_is_cut_off", &[("content-type", JSON)], Text("{"), 400, &["JSON"]),
    body("json_that_is_a_number", &[("content-type", JSON)], Text("7"), 400, &["object"]),
    body("array_without_events", &[("content-type", JSON)], Text("[]"), 400, &["no event"]),
    body(
        "array_of_unknown_events",
        &[("content-type", JSON)],
        Text(r#"[{"event":"party"}]"#),
        400,
        &["party"],
    ),
    body("bytes_that_are_no_text", &[("content-type", NDJSON)], Bytes(b"\xff\xfe{}"), 400, &["JSON"]),
    body("no_content_type", &[], Text(EVENT), 415, &["content-type", "missing", NDJSON, JSON]),
    body(
        "text_instead_of_json",
        &[("content-type", "text/plain")],
        Text(EVENT),
        415,
        &["text/plain", NDJSON],
    ),
    body(
        "form_instead_of_json",
        &[("content-type", "application/x-www-form-urlencoded")],
        Text("a=b"),
        415,
        &[JSON],
    ),
    body(
        "unknown_encoding",
        &[("content-type", NDJSON), ("content-encoding", "br")],
        Text(EVENT),
        415,
        &["br", "gzip"],
    ),
    body(
        "gzip_that_is_none",
        &[("content-type", NDJSON), ("content-encoding", "gzip")],
        Text(EVENT),
        400,
        &["gzip"],
    ),
    body(
        "gzip_that_is_cut_off",
        &[("content-type", NDJSON), ("content-encoding", "gzip")],
        Bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab"),
        400,
        &["gzip"],
    ),
    body(
        "zstd_that_is_none",
        &[("content-type", NDJSON), ("content-encoding", "zstd")],
        Text(EVENT),
        400,
        &["zstd"],
    ),
    body(
        "zstd_that_is_cut_off",
        &[("content-type", NDJSON), ("content-encoding", "zstd")],
        Bytes(b"\x28\xb5\x2f\xfd\x04\x58\xa9"),
        400,
        &["zstd", "cut short"],
    ),
    body(
        "several_encodings",
        &[("content-type", NDJSON), ("content-encoding", "gzip, zstd")],
        Text(EVENT),
        415,
        &["gzip, zstd", "one of"],
    ),
    body(
        "idempotency_key_that_is_empty",
        &[("content-type", NDJSON), ("idempotency-key", "")],
        Text(EVENT),
        400,
        &["Idempotency-Key", "1 to 255"],
    ),
    body(
        "idempotency_key_that_is_too_long",
        &[("content-type", NDJSON), ("idempotency-key", LONG_KEY)],
        Text(EVENT),
        400,
        &["Idempotency-Key", "1 to 255"],
    ),
    body(
        "idempotency_key_with_a_space",
        &[("content-type", NDJSON), ("idempotency-key", "batch 7")],
        Text(EVENT),
        400,
        &["Idempotency-Key", "visible ASCII"],
    ),
    body(
        "refused_event_with_a_key",
        &[("content-type", NDJSON), ("idempotency-key", "monday")],
        Text(r#"{"event":"party"}"#),
        400,
        &["party"],
    ),
    body(
        "idempotency_key_of_another_body",
        &[("content-type", NDJSON), ("idempotency-key", "monday")],
        Text(EVENT),
        422,
        &["key", "another"],
    ),
    body(
        "body_over_the_limit",
        &[("content-type", NDJSON)],
        Repeated("0123456789abcdef", 4097),
        413,
        &["64KiB"],
    ),
    Request::get("events_that_are_asked_for", "/v1/events", 405, &["method"]),
    Request::get("path_that_is_none", "/v2/events", 404, &["nothing"]),
    Request::get("model_that_nobody_configured", "/api/v1/models/houses", 404, &["houses"]),
    Request {
        name: "page_of_another_site",
        target: EVENTS,
        headers: &[
            ("content-type", NDJSON),
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ],
        body: Text(EVENT),
        status: 403,
        named: &["site"],
    },
];
