//! Events that are refused, each with what its error has to name.

use super::requests::Request;

/// All of them, one line each.
pub(super) const EVENTS: &[Request] = &[
    Request::event("no_json", "no json", &["JSON"]),
    Request::event("cut_off_json", r#"{"event":"prediction","#, &["JSON"]),
    Request::event("list_instead_of_an_event", "[1]", &["JSON object"]),
    Request::event("list_that_looks_like_an_event", r#"["label","loans"]"#, &["JSON object"]),
    Request::event("unknown_kind", r#"{"event":"party","model":"loans"}"#, &["party"]),
    Request::event("kind_missing", r#"{"model":"loans","id":"1","label":1}"#, &["event"]),
    Request::event(
        "unknown_model",
        r#"{"event":"prediction","model":"houses","id":"1","prediction":1}"#,
        &["houses"],
    ),
    Request::event("model_missing", r#"{"event":"prediction","id":"1","prediction":1}"#, &["model"]),
    Request::event(
        "unknown_field",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"colour":"red"}"#,
        &["colour"],
    ),
    Request::event(
        "field_of_another_kind",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"label":1}"#,
        &["label"],
    ),
    Request::event(
        "features_of_a_label",
        r#"{"event":"label","model":"loans","id":"1","label":1,"features":{}}"#,
        &["features"],
    ),
    Request::event(
        "prediction_missing",
        r#"{"event":"prediction","model":"loans","id":"1"}"#,
        &["prediction"],
    ),
    Request::event(
        "prediction_null",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":null}"#,
        &["prediction"],
    ),
    Request::event(
        "prediction_nan",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":NaN}"#,
        &["prediction"],
    ),
    Request::event(
        "prediction_object",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":{"a":1}}"#,
        &["prediction"],
    ),
    Request::event(
        "time_before_1990",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"time":"1989-12-31T23:59:59Z"}"#,
        &["1990"],
    ),
    Request::event(
        "time_in_seconds_before_1990",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"time":1000}"#,
        &["1990"],
    ),
    Request::event(
        "time_in_words",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"time":"yesterday"}"#,
        &["time"],
    ),
    Request::event(
        "score_over_one",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"score":2}"#,
        &["score"],
    ),
    Request::event(
        "features_in_a_list",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"features":[1]}"#,
        &["features"],
    ),
    Request::event("label_without_id", r#"{"event":"label","model":"loans","label":1}"#, &["id"]),
    Request::event("label_missing", r#"{"event":"label","model":"loans","id":"1"}"#, &["label"]),
    Request::event("label_null", r#"{"event":"label","model":"loans","id":"1","label":null}"#, &["label"]),
    Request::event("label_nan", r#"{"event":"label","model":"loans","id":"1","label":NaN}"#, &["label"]),
    Request::event("id_nan", r#"{"event":"label","model":"loans","id":NaN,"label":1}"#, &["id"]),
    Request::event(
        "duplicate_field_of_an_event",
        r#"{"event":"label","model":"loans","id":"1","label":1,"label":0}"#,
        &["label"],
    ),
    Request::event(
        "infinite_score",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"score":Infinity}"#,
        &["score"],
    ),
    Request::event(
        "negative_score",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"score":-0.1}"#,
        &["score"],
    ),
    Request::event(
        "negative_latency",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"latency_seconds":-1}"#,
        &["latency_seconds"],
    ),
    Request::event(
        "latency_in_words",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"latency_seconds":"12ms"}"#,
        &["latency_seconds"],
    ),
    Request::event(
        "model_that_is_a_number",
        r#"{"event":"prediction","model":7,"id":"1","prediction":1}"#,
        &["model", "7", "string"],
    ),
    Request::event(
        "status_that_is_a_number",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"status":200}"#,
        &["status", "200", "string"],
    ),
    Request::event(
        "id_that_is_a_list",
        r#"{"event":"prediction","model":"loans","id":["1"],"prediction":1}"#,
        &["id"],
    ),
    Request::event(
        "segment_in_a_list",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"segment":["2"]}"#,
        &["segment"],
    ),
    Request::event(
        "time_that_no_calendar_has",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"time":"2024-02-30T00:00:00Z"}"#,
        &["time"],
    ),
    Request::event(
        "time_without_a_zone",
        r#"{"event":"prediction","model":"loans","id":"1","prediction":1,"time":"2024-02-03T00:00:00"}"#,
        &["time"],
    ),
    Request::event(
        "label_that_is_a_list",
        r#"{"event":"label","model":"loans","id":"1","label":[1]}"#,
        &["label"],
    ),
    Request::event(
        "two_events_in_a_line",
        r#"{"event":"label","model":"loans","id":"1","label":1}{}"#,
        &["JSON"],
    ),
];
