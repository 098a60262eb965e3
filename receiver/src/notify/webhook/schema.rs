//! What services document of their requests: `receiver/templates/recipes/*/schema.json` says it in the words of JSON Schema
//! that are read here, and names its source.

use serde_json::Value;

/// Everything in `value` that `schema` does not allow, with its place.
pub(super) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, value, "$", &mut faults);
    faults
}

fn check(schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    for (word, wanted) in schema.as_object().expect("a schema is an object") {
        let holds = match word.as_str() {
            "$comment" | "properties" | "additionalProperties" | "items" => true,
            "type" => is_of(wanted.as_str().unwrap(), value),
            "enum" => wanted.as_array().unwrap().contains(value),
            "maximum" => value.as_u64() <= wanted.as_u64(),
            "required" => {
                wanted.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "minLength" => length(value) >= number(wanted),
            "maxLength" => length(value) <= number(wanted),
            // not JSON Schema's: some services count bytes, of a text or of a whole message
            "maxBytes" => bytes(value) <= number(wanted),
            "minItems" => value.as_array().unwrap().len() >= number(wanted),
            "maxItems" => value.as_array().unwrap().len() <= number(wanted),
            "pattern" => value.as_str().unwrap().starts_with(wanted.as_str().unwrap()),
            other => panic!("{at}: the word `{other}` is not read"),
        };
        if !holds {
            faults.push(format!("{at}: not {word} {wanted}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        if let Some(schema) = schema.get("items") {
            check(schema, item, &format!("{at}[]"), faults);
        }
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(schema), _) => check(schema, field, &format!("{at}.{name}"), faults),
            (None, Value::Bool(false)) => faults.push(format!("{at}.{name}: unknown")),
            (None, _) => {}
        }
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "null" => value.is_null(),
        other => panic!("the type `{other}` is not read"),
    }
}

fn length(value: &Value) -> usize {
    value.as_str().unwrap().encode_utf16().count()
}

fn bytes(value: &Value) -> usize {
    value.as_str().map_or_else(|| value.to_string().len(), str::len)
}

fn number(wanted: &Value) -> usize {
    usize::try_from(wanted.as_u64().unwrap()).unwrap()
}

#[test]
fn what_a_schema_does_not_allow_is_found() {
    let schema = serde_json::json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties":
        {"a": {"type": "string", "maxLength": 2}, "b": {"type": "array", "items": {"enum": [1]}, "maxItems": 1}}});
    for (value, count) in [
        (serde_json::json!({"a": "xy", "b": [1]}), 0),
        (serde_json::json!({"a": "xyz"}), 1),
        (serde_json::json!({"b": [2, 1]}), 3),
        (serde_json::json!({"a": "x", "c": 1}), 1),
    ] {
        assert_eq!(faults(&schema, &value).len(), count, "{value}");
    }
}
