//! What Slack refuses in a message to an incoming webhook.
//!
//! Source: Slack's reference of Block Kit and of incoming webhooks; the total of 13 200 characters is what Slack was seen
//! to take. A refusal begins with Slack's own word, before a colon.

use serde_json::{Map, Value};

const MAX_TEXT: usize = 40_000;
const MAX_BLOCKS: usize = 50;
const MAX_ALL_BLOCKS: usize = 13_200;
const MAX_BLOCK_ID: usize = 255;
const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3_000;
const MAX_FIELD: usize = 2_000;
const MAX_FIELDS: usize = 10;
const MAX_ELEMENTS: usize = 10;
const MAX_ACTIONS: usize = 25;
const MAX_BUTTON: usize = 75;
const MAX_URL: usize = 3_000;

/// The message, or why Slack would not take it.
pub(super) fn check(body: &[u8]) -> Result<Value, String> {
    let payload: Value = serde_json::from_slice(body).map_err(|error| format!("invalid_payload: {error}"))?;
    let message = payload.as_object().ok_or("invalid_payload: not an object")?;
    let text =
        message.get("text").map_or(Some(""), Value::as_str).ok_or("invalid_payload: text is not text")?;
    if length(text) > MAX_TEXT {
        return Err(format!("invalid_payload: text has {} characters", length(text)));
    }
    let blocks = list(message.get("blocks"), "invalid_blocks")?;
    let attachments = list(message.get("attachments"), "invalid_attachments")?;
    if text.trim().is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err("no_text: nothing to show".to_owned());
    }
    blocks.iter().try_for_each(|block| self::block(block).map_err(|why| format!("invalid_blocks: {why}")))?;
    let mut all = blocks.len();
    for attachment in attachments {
        let within = list(attachment.get("blocks"), "invalid_attachments")?;
        within
            .iter()
            .try_for_each(|block| self::block(block).map_err(|why| format!("invalid_attachments: {why}")))?;
        all += within.len();
    }
    let characters: usize = texts(&payload).iter().map(|text| length(text)).sum();
    match (all > MAX_BLOCKS, characters > MAX_ALL_BLOCKS) {
        (true, _) => Err(format!("invalid_blocks: {all} blocks")),
        (_, true) => Err(format!("invalid_blocks: {characters} characters over all blocks")),
        _ => Ok(payload),
    }
}

/// Everything that the blocks show, in their order.
pub(super) fn texts(payload: &Value) -> Vec<String> {
    let of = |value: &Value| value["blocks"].as_array().cloned().unwrap_or_default();
    let attachments = payload["attachments"].as_array().cloned().unwrap_or_default();
    let blocks = of(payload).into_iter().chain(attachments.iter().flat_map(of));
    let mut texts = Vec::new();
    for block in blocks {
        let several = ["fields", "elements"].into_iter().filter_map(|name| block[name].as_array()).flatten();
        let objects = several.chain(block.get("text"));
        texts.extend(objects.filter_map(|object| object["text"].as_str()).map(str::to_owned));
    }
    texts
}

fn list<'a>(value: Option<&'a Value>, word: &str) -> Result<&'a [Value], String> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{word}: not a list")),
    }
}

fn block(block: &Value) -> Result<(), String> {
    let block = block.as_object().ok_or("not an object")?;
    if block.get("block_id").is_some_and(|id| id.as_str().is_none_or(|id| length(id) > MAX_BLOCK_ID)) {
        return Err("block_id is too long".to_owned());
    }
    match block.get("type").and_then(Value::as_str) {
        Some("header") => {
            only(block, &["text"])?;
            text(block.get("text"), &["plain_text"], MAX_HEADER)
        }
        Some("section") => section(block),
        Some("context") => {
            only(block, &["elements"])?;
            let elements = list(block.get("elements"), "elements")?;
            counted("elements", elements, MAX_ELEMENTS)?;
            elements
                .iter()
                .try_for_each(|element| text(Some(element), &["plain_text", "mrkdwn"], MAX_SECTION))
        }
        Some("actions") => {
            only(block, &["elements"])?;
            let elements = list(block.get("elements"), "elements")?;
            counted("elements", elements, MAX_ACTIONS)?;
            elements.iter().try_for_each(button)
        }
        Some("divider") => only(block, &[]),
        other => Err(format!("no block of type {other:?}")),
    }
}

fn section(block: &Map<String, Value>) -> Result<(), String> {
    only(block, &["text", "fields", "expand"])?;
    if block.get("text").is_none() && block.get("fields").is_none() {
        return Err("a section without text and fields".to_owned());
    }
    if block.contains_key("text") {
        text(block.get("text"), &["plain_text", "mrkdwn"], MAX_SECTION)?;
    }
    let Some(fields) = block.get("fields") else { return Ok(()) };
    let fields = list(Some(fields), "fields")?;
    counted("fields", fields, MAX_FIELDS)?;
    fields.iter().try_for_each(|field| text(Some(field), &["plain_text", "mrkdwn"], MAX_FIELD))
}

fn button(button: &Value) -> Result<(), String> {
    let button = button.as_object().ok_or("not an object")?;
    only(button, &["text", "url", "action_id"])?;
    if button.get("type").and_then(Value::as_str) != Some("button") {
        return Err("an action that is no button".to_owned());
    }
    let url = button.get("url").and_then(Value::as_str).unwrap_or_default();
    if !(url.starts_with("http://") || url.starts_with("https://")) || length(url) > MAX_URL {
        return Err(format!("a button that leads to {url:?}"));
    }
    text(button.get("text"), &["plain_text"], MAX_BUTTON)
}

fn counted(what: &str, items: &[Value], most: usize) -> Result<(), String> {
    if items.is_empty() || items.len() > most { Err(format!("{} {what}", items.len())) } else { Ok(()) }
}

fn only(block: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let unknown = block
        .keys()
        .find(|key| !["type", "block_id"].contains(&key.as_str()) && !known.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(format!("unknown field {key}")))
}

fn text(object: Option<&Value>, types: &[&str], most: usize) -> Result<(), String> {
    let object = object.and_then(Value::as_object).ok_or("a text that is no text object")?;
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    if !types.contains(&kind) {
        return Err(format!("a text object of type {kind:?}"));
    }
    let own = if kind == "mrkdwn" { "verbatim" } else { "emoji" };
    if let Some(unknown) = object.keys().find(|key| !["type", "text", own].contains(&key.as_str())) {
        return Err(format!("unknown field {unknown} in a text object"));
    }
    let text = object.get("text").and_then(Value::as_str).unwrap_or_default();
    match length(text) {
        0 => Err("an empty text".to_owned()),
        long if long > most => Err(format!("a text of {long} characters, at most {most}")),
        _ => Ok(()),
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_slack_refuses_is_refused_with_its_word() {
        let section = |text: &str| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
        let header = |text: &str| json!({"type": "header", "text": {"type": "plain_text", "text": text}});
        let button =
            |url: &str| json!({"type": "button", "text": {"type": "plain_text", "text": "b"}, "url": url});
        let actions = |buttons: Vec<Value>| json!({"type": "actions", "elements": buttons});
        let table = [
            (json!([]), "invalid_payload"),
            (json!({}), "no_text"),
            (json!({"text": " "}), "no_text"),
            (json!({"text": "x".repeat(40_001)}), "invalid_payload"),
            (json!({"blocks": "x"}), "invalid_blocks"),
            (json!({"blocks": [header(&"x".repeat(151))]}), "invalid_blocks"),
            (json!({"blocks": [section("")]}), "invalid_blocks"),
            (json!({"blocks": [section(&"x".repeat(3_001))]}), "invalid_blocks"),
            (json!({"blocks": vec![section("x"); 51]}), "invalid_blocks"),
            (json!({"blocks": vec![section(&"x".repeat(2_900)); 5]}), "invalid_blocks"),
            (json!({"blocks": [{"type": "party"}]}), "invalid_blocks"),
            (json!({"blocks": [{"type": "context", "elements": []}]}), "invalid_blocks"),
            (json!({"blocks": [{"type": "divider", "colour": 1}]}), "invalid_blocks"),
            (json!({"blocks": [actions(Vec::new())]}), "invalid_blocks"),
            (json!({"blocks": [actions(vec![button("https://a"); 26])]}), "invalid_blocks"),
            (json!({"blocks": [actions(vec![button("javascript:a")])]}), "invalid_blocks"),
            (
                json!({"blocks": [actions(vec![button(&format!("https://{}", "a".repeat(3_000)))])]}),
                "invalid_blocks",
            ),
            (json!({"attachments": [{"blocks": [section("")]}]}), "invalid_attachments"),
        ];
        for (payload, word) in table {
            let refused = check(payload.to_string().as_bytes()).expect_err(word);
            assert_eq!(refused.split(':').next(), Some(word), "{refused}");
        }
        assert!(check(b"{").is_err());
    }

    #[test]
    fn every_limit_is_one_more_than_what_is_taken() {
        let text = |kind: &str, size: usize| json!({"type": kind, "text": "x".repeat(size)});
        let blocks = |block: Value| json!({"blocks": [block]});
        let button = json!({"type": "button", "text": text("plain_text", 75), "url": "https://a"});
        type Make<'a> = (usize, &'a dyn Fn(usize) -> Value);
        let table: [Make; 9] = [
            (40_000, &|size| json!({"text": "x".repeat(size)})),
            (150, &|size| blocks(json!({"type": "header", "text": text("plain_text", size)}))),
            (3_000, &|size| blocks(json!({"type": "section", "text": text("mrkdwn", size)}))),
            (2_000, &|size| blocks(json!({"type": "section", "fields": [text("mrkdwn", size)]}))),
            (10, &|count| blocks(json!({"type": "section", "fields": vec![text("mrkdwn", 1); count]}))),
            (25, &|count| blocks(json!({"type": "actions", "elements": vec![button.clone(); count]}))),
            (255, &|size| blocks(json!({"type": "divider", "block_id": "x".repeat(size)}))),
            (50, &|count| json!({"blocks": vec![json!({"type": "divider"}); count]})),
            (13_200, &|size| {
                let section = |size: usize| json!({"type": "section", "text": text("mrkdwn", size)});
                let mut blocks = vec![section(3_000); 4];
                blocks.push(section(size - 12_000));
                json!({"blocks": blocks})
            }),
        ];
        for (most, make) in table {
            for (given, taken) in [(most - 1, true), (most, true), (most + 1, false)] {
                assert_eq!(check(make(given).to_string().as_bytes()).is_ok(), taken, "{given} of {most}");
            }
        }
    }

    #[test]
    fn what_slack_takes_is_taken() {
        let block = json!({"type": "section", "text": {"type": "mrkdwn", "text": "b", "verbatim": true}});
        let payload =
            json!({"text": "a", "blocks": [block], "attachments": [{"color": "good", "blocks": [block]}]});
        assert_eq!(texts(&check(payload.to_string().as_bytes()).expect("taken")), ["b", "b"]);
    }
}
