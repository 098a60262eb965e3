use super::*;

fn catalog() -> Catalog {
    Catalog::new([("m".into(), Arc::new(FeatureNames::new(["age", "kind"], ["kind", "shop"])))])
}

fn read(text: &str) -> Result<Event, Rejection> {
    parse(text.as_bytes(), &catalog())
}

fn prediction(text: &str) -> Prediction {
    match read(text).unwrap() {
        Event::Prediction(prediction) => prediction,
        Event::Label(label) => panic!("{label:?}"),
    }
}

fn reason(text: &str) -> Reason {
    read(text).unwrap_err().reason
}

#[test]
fn a_whole_prediction_is_read() {
    let text = r#"{"event":"prediction","model":"m","version":"2015","id":"68785","time":"2016-01-01T00:00:00Z",
        "features":{"kind":"21","other":[1],"age":46},"prediction":1,"score":0.9488,"latency_seconds":0.012,
        "status":"success","segment":{"sex":"2"},"trace":{"user":{"id":7}}}"#;
    let read = prediction(text);
    assert_eq!(read.features, [(1, Value::Text("21".into())), (0, Value::Number(46.0))]);
    assert_eq!((&*read.version, read.class.as_deref(), read.score), ("2015", Some("1"), Some(0.9488)));
    assert_eq!(read.time, Some(Time(1_451_606_400_000)));
    assert_eq!((read.id, read.latency), (Some(Id::of("68785")), Some(0.012)));
}

#[test]
fn features_of_any_shape_never_reject_an_event() {
    let read = prediction(
        r#"{"event":"prediction","model":"m","prediction":true,"features":{"age":null,"kind":[1,{"a":2}]}}"#,
    );
    assert_eq!(read.features, [(0, Value::Null), (1, Value::Other)]);
    assert_eq!(prediction(r#"{"event":"prediction","model":"m","prediction":0}"#).features, []);
}

#[test]
fn values_that_nothing_can_hold_cost_only_themselves() {
    let text =
        r#"{"event":"prediction","model":"m","prediction":1,"features":{"age":-1e999,"kind":"\ud800"}}"#;
    let mut features = prediction(text).features;
    features.sort_by_key(|(at, _)| *at);
    assert_eq!(features, [(0, Value::Number(f64::NEG_INFINITY)), (1, Value::Other)]);
}

#[test]
fn bare_not_a_number_and_infinities_are_taken_as_python_writes_them() {
    let read = prediction(
        r#"{"event":"prediction","model":"m","prediction":1,"features":{"age":NaN,"kind":-Infinity}}"#,
    );
    assert!(matches!(read.features[0], (0, Value::Number(number)) if number.is_nan()));
    assert_eq!(read.features[1], (1, Value::Number(f64::NEG_INFINITY)));
    let kept =
        prediction(r#"{"event":"prediction","model":"m","prediction":"a \" NaN","features":{"age":NaN}}"#);
    assert_eq!(kept.class.as_deref(), Some(r#"a " NaN"#));
}

#[test]
fn ids_are_the_same_as_numbers_and_as_text() {
    let id = |id: &str| {
        prediction(&format!(r#"{{"event":"prediction","model":"m","prediction":1,"id":{id}}}"#)).id
    };
    assert_eq!(id("7"), id("\"7\""));
    assert_eq!(id("7.0"), id("7"));
    assert_ne!(id("12345678901234567891"), id("12345678901234567892"));
    assert_ne!(id("\"07\""), id("7"));
}

#[test]
fn classes_compare_by_canonical_text() {
    let class =
        |c: &str| prediction(&format!(r#"{{"event":"prediction","model":"m","prediction":{c}}}"#)).class;
    for one in ["1", "1.0", "\"1\"", "\"1.0\""] {
        assert_eq!(class(one).as_deref(), Some("1"), "{one}");
    }
    for truth in ["true", "\"true\"", "\"True\""] {
        assert_eq!(class(truth).as_deref(), Some("true"), "{truth}");
    }
}

#[test]
fn every_fault_has_its_reason() {
    for (text, expected) in [
        ("[1]", Reason::InvalidJson),
        (r#"["label", "m", null]"#, Reason::InvalidJson),
        ("not json", Reason::InvalidJson),
        (r#"{"event":"prediction""#, Reason::InvalidJson),
        (r#"{"model":"m"}"#, Reason::UnknownEvent),
        (r#"{"event":"party","model":"m"}"#, Reason::UnknownEvent),
        (r#"{"event":"prediction","prediction":1}"#, Reason::UnknownModel),
        (r#"{"event":"prediction","model":"n","prediction":1}"#, Reason::UnknownModel),
        (r#"{"event":"prediction","model":"m","prediction":1,"extra":1}"#, Reason::UnknownField),
        (r#"{"event":"prediction","model":"m","prediction":1,"label":1}"#, Reason::UnknownField),
        (r#"{"event":"label","model":"m","id":1,"label":1,"score":0.5}"#, Reason::UnknownField),
        (r#"{"event":"prediction","model":"m"}"#, Reason::NoPrediction),
        (r#"{"event":"prediction","model":"m","prediction":null}"#, Reason::NoPrediction),
        (r#"{"event":"prediction","model":"m","prediction":[1,2]}"#, Reason::NoPrediction),
        (r#"{"event":"prediction","model":"m","prediction":NaN}"#, Reason::NoPrediction),
        (r#"{"event":"prediction","model":"m","prediction":1,"id":NaN}"#, Reason::InvalidField),
        (r#"{"event":"label","model":"m","id":1,"label":NaN}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":""}"#, Reason::NoPrediction),
        (r#"{"event":"prediction","model":"m","prediction":1,"score":1.5}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"score":"high"}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"latency_seconds":-1}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"features":[1]}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"segment":3}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"id":""}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"id":[1]}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"version":{}}"#, Reason::InvalidField),
        (r#"{"event":"prediction","model":"m","prediction":1,"time":"yesterday"}"#, Reason::InvalidTime),
        (
            r#"{"event":"prediction","model":"m","prediction":1,"time":"1989-12-31T23:59:59Z"}"#,
            Reason::InvalidTime,
        ),
        (r#"{"event":"prediction","model":"m","prediction":1,"time":1e300}"#, Reason::InvalidTime),
        (r#"{"event":"label","model":"m","label":1}"#, Reason::InvalidField),
        (r#"{"event":"label","model":"m","id":1}"#, Reason::InvalidField),
        (r#"{"event":"label","model":"m","id":1,"label":[]}"#, Reason::InvalidField),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
}

#[test]
fn a_failed_request_needs_no_prediction() {
    let failed = prediction(r#"{"event":"prediction","model":"m","status":"error"}"#);
    assert_eq!((failed.class, &*failed.status), (None, "error"));
}

#[test]
fn an_unknown_field_is_named() {
    let rejection = read(r#"{"event":"prediction","model":"m","prediction":1,"scroe":0.5}"#).unwrap_err();
    assert!(rejection.message.contains("unknown field `scroe`"), "{rejection}");
}

#[test]
fn times_may_be_seconds_with_a_fraction() {
    let read = prediction(r#"{"event":"prediction","model":"m","prediction":1,"time":1700000000.25}"#);
    assert_eq!(read.time, Some(Time(1_700_000_000_250)));
}

#[test]
fn a_line_of_more_than_a_mebibyte_is_too_long() {
    let long = format!(r#"{{"event":"prediction","model":"m","prediction":"{}"}}"#, "x".repeat(MAX_LINE));
    assert_eq!(reason(&long), Reason::TooLong);
}

#[test]
fn a_score_by_class_is_that_of_the_positive_class() {
    let names = FeatureNames::new(["age"], []).scored_by("true");
    let catalog = Catalog::new([("m".into(), Arc::new(names))]);
    let read = |score: &str| -> Result<Option<f64>, Rejection> {
        let text = format!(r#"{{"event":"prediction","model":"m","prediction":true,"score":{score}}}"#);
        match parse(text.as_bytes(), &catalog)? {
            Event::Prediction(prediction) => Ok(prediction.score),
            Event::Label(label) => panic!("{label:?}"),
        }
    };
    assert_eq!(read(r#"{"False":0.25,"True":0.75}"#), Ok(Some(0.75)));
    assert_eq!(read(" 0.5"), Ok(Some(0.5)));
    assert_eq!(read("null"), Ok(None));
    for wrong in [r#"{"false":0.25}"#, r#"{"true":"high"}"#, r#"{"true":1.5}"#, r#"{"true":NaN}"#, "{}"] {
        let refused = read(wrong).unwrap_err();
        let message = "`score` must hold a number from 0 to 1 for the positive class `true`";
        assert_eq!((refused.reason, &*refused.message), (Reason::InvalidField, message), "{wrong}");
    }
    for wrong in ["1.01", "-0.1", "NaN", "true", r#""0.5""#, "[0.5]"] {
        assert_eq!(read(wrong).unwrap_err().message, "`score` must be a number from 0 to 1", "{wrong}");
    }
}

#[test]
fn a_key_of_segments_is_looked_up_in_segment_and_then_in_features() {
    let segments = |rest: &str| {
        let read = prediction(&format!(r#"{{"event":"prediction","model":"m","prediction":1,{rest}}}"#));
        read.segments.into_iter().map(|(key, value)| (key, value.into())).collect::<Vec<(u16, String)>>()
    };
    let (kind, shop) = (|text: &str| (0, text.to_owned()), |text: &str| (1, text.to_owned()));
    assert_eq!(segments(r#""segment":{"shop":"x","who":1},"features":{"kind":1.0}"#), [kind("1"), shop("x")]);
    assert_eq!(
        segments(r#""segment":{"kind":"True"},"features":{"kind":"b","shop":3}"#),
        [kind("true"), shop("3")]
    );
    assert_eq!(segments(r#""segment":{"kind":null},"features":{"kind":true}"#), [kind("true")]);
    assert_eq!(segments(r#""segment":{"kind":""},"features":{"kind":[1],"shop":NaN}"#), []);
    assert_eq!(segments(r#""segment":{"kind":1e999,"shop":2}"#), [shop("2")]);
    assert_eq!(segments(r#""score":0.5"#), []);
}

#[test]
fn a_column_that_only_slices_rows_stands_behind_the_features() {
    let read =
        prediction(r#"{"event":"prediction","model":"m","prediction":1,"features":{"shop":"x","kind":"b"}}"#);
    assert_eq!(read.features, [(2, Value::Text("x".into())), (1, Value::Text("b".into()))]);
    assert_eq!(FeatureNames::new(["age"], ["shop", "age"]).len(), 1);
}
