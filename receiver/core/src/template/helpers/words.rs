//! Texts into texts.

use serde_json::Value;

use super::{Call, text};
use crate::template::language;

/// `{{upper environment}}`
pub(super) fn upper(call: &Call<'_>) -> Result<Value, String> {
    Ok(text(call.argument(0)?).to_uppercase().into())
}

/// `{{lower severity}}`
pub(super) fn lower(call: &Call<'_>) -> Result<Value, String> {
    Ok(text(call.argument(0)?).to_lowercase().into())
}

/// `{{title "data drift"}}`: `Data Drift`. Without an argument it is the message's first line, which has the same name.
pub(super) fn title(call: &Call<'_>) -> Result<Value, String> {
    if call.arguments.is_empty() {
        let title = call.data.get("title").ok_or("there is no title here, give it a text")?;
        return Ok(title.clone());
    }
    let mut titled = String::new();
    let mut begins = true;
    for character in text(call.argument(0)?).chars() {
        match begins {
            true => titled.extend(character.to_uppercase()),
            false => titled.push(character),
        }
        begins = character.is_whitespace();
    }
    Ok(titled.into())
}

/// `{{default annotations.summary "no summary"}}`: the first argument that is not missing or empty.
pub(super) fn default(call: &Call<'_>) -> Result<Value, String> {
    let given = call.arguments.iter().find(|value| !text(value).is_empty());
    Ok(given.map_or_else(|| Value::String(String::new()), |value| (*value).clone()))
}

/// `{{truncate annotations.description 500}}`: at most that many characters, the last one then being `…`.
pub(super) fn truncate(call: &Call<'_>) -> Result<Value, String> {
    let value = text(call.argument(0)?);
    let most = call.argument(1)?.as_u64().filter(|most| *most > 0);
    let most = most.ok_or("the second argument of truncate is a number of characters")?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if value.chars().nth(most).is_none() {
        return Ok(value.into());
    }
    let kept: String = value.chars().take(most - 1).collect();
    Ok(format!("{}…", kept.trim_end()).into())
}

/// `{{paragraphs text}}`: its lines with empty ones between them, for a service that takes single line breaks for spaces.
pub(super) fn paragraphs(call: &Call<'_>) -> Result<Value, String> {
    let text = text(call.argument(0)?);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(lines.join("\n\n").into())
}

/// `{{json alert.labels}}`: as JSON, on one line.
pub(super) fn json(call: &Call<'_>) -> Result<Value, String> {
    serde_json::to_string(call.argument(0)?).map(Value::String).map_err(|error| error.to_string())
}

/// `{{t "since" (datetime at) "1h"}}`: the built-in text of that key in the language of the templates, the other arguments in
/// their places. A word of the data that has no text stays as it is.
pub(super) fn t(call: &Call<'_>) -> Result<Value, String> {
    let language = call.means.locale.language;
    let key = text(call.argument(0)?);
    if call.is_literal && language.text(&key).is_none() {
        let known: Vec<&str> = language::keys().filter(|key| !key.contains(' ')).collect();
        return Err(format!("there is no text `{key}`, only {}", known.join(", ")));
    }
    let values: Vec<String> = call.arguments.iter().skip(1).map(|value| text(value)).collect();
    Ok(language.say(&key, &values).into())
}
