//! Secret values in the body of a request: `{{secret "routing_key"}}` writes a mark, which is what the history keeps, and only
//! who sends the body puts the value in its place.
//!
//! A mark begins with a character that is taken out of everything that comes from an alert, so that no label can ask for
//! somebody's key.

use handlebars::{
    Context, Handlebars, Helper as Call, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason,
};
use serde_json::{Map, Value};

const BEGIN: char = '⟪';
const END: char = '⟫';

/// Whether values can have this name: letters, digits, `-` and `_`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// `content` with every mark replaced by what `value` knows of its name.
///
/// # Errors
/// The first name that it does not know.
pub fn fill(content: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
    let mut parts = content.split(BEGIN);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(END).filter(|(name, _)| is_name(name)) {
            Some((name, rest)) => {
                filled.push_str(&value(name).ok_or(name)?);
                filled.push_str(rest);
            }
            None => {
                filled.push(BEGIN);
                filled.push_str(part);
            }
        }
    }
    Ok(filled)
}

/// The same data, in which no name and no text can begin a mark.
pub(super) fn without_marks(data: Value) -> Value {
    match data {
        Value::String(text) => Value::String(harmless(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_marks).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (harmless(name), without_marks(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn harmless(text: String) -> String {
    if text.contains(BEGIN) { text.replace(BEGIN, "«") } else { text }
}

/// Writes the mark of a value as it is, whatever the piece escapes.
pub(super) struct Helper;

impl HelperDef for Helper {
    fn call<'reg: 'rc, 'rc>(
        &self,
        call: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let name =
            call.param(0).and_then(|parameter| parameter.value().as_str()).filter(|name| is_name(name));
        let wrong = "secret: its argument is the name of one of the channel's values, in quotes";
        let name = name.ok_or_else(|| RenderErrorReason::Other(wrong.to_owned()))?;
        out.write(&format!("{BEGIN}{name}{END}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_places_of_their_marks() {
        let known = |name: &str| (name == "key").then(|| "hunter2".to_owned());
        assert_eq!(fill("a ⟪key⟫ b⟪key⟫", known), Ok("a hunter2 bhunter2".to_owned()));
        assert_eq!(fill("⟪ key⟫ ⟪key", known), Ok("⟪ key⟫ ⟪key".to_owned()));
        assert_eq!(fill("⟪other⟫", known), Err("other"));
    }

    #[test]
    fn no_label_can_ask_for_a_value() {
        let data = serde_json::json!({"a⟪key⟫": ["⟪key⟫", {"b": "x⟪key⟫"}], "n": 1});
        assert_eq!(without_marks(data), serde_json::json!({"a«key⟫": ["«key⟫", {"b": "x«key⟫"}], "n": 1}));
    }
}
