//! A message's blocks as the text that people read, for terminals.

use serde_json::Value;

/// The texts of all blocks in their order, an empty line between two.
pub(super) fn text(payload: &Value) -> String {
    let attached = list(&payload["attachments"]).flat_map(|attachment| list(&attachment["blocks"]));
    let texts = list(&payload["blocks"]).chain(attached).flat_map(block);
    texts.map(readable).collect::<Vec<_>>().join("\n\n")
}

fn block(block: &Value) -> Vec<&str> {
    let elements = list(&block["elements"]).filter_map(|element| element["text"].as_str());
    block["text"]["text"].as_str().into_iter().chain(elements).collect()
}

/// Links as `words: address`, and the three characters that Slack escapes.
fn readable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        let (inside, after) = tag.split_once('>').unwrap_or((tag, ""));
        plain.push_str(before);
        match inside.split_once('|') {
            Some((address, words)) => plain.extend([words, ": ", address]),
            None => plain.push_str(inside),
        }
        rest = after;
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_read_from_top_to_bottom() {
        let payload = json!({
            "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "a &amp; b"}}],
            "attachments": [{"blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": "x <https://a?b&amp;c|Graph>  &lt;!channel&gt;"}},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": "<https://a>"}]}
            ]}]
        });
        assert_eq!(text(&payload), "a & b\n\nx Graph: https://a?b&c  <!channel>\n\nhttps://a");
    }
}
