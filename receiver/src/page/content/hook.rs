//! The body of a request that a recipe made: its title and its text, without the service's markup.

use modelwatch_common::http::page::escape;
use serde_json::Value;

/// Where each service has the title and the texts; the first place tells the services apart.
const PLACES: [[&str; 3]; 6] = [
    ["/payload/summary", "/payload/custom_details/description", "/payload/custom_details/next_action"],
    ["/attachments/0/content/body/0/text", "/attachments/0/content/body/1/text", ""],
    ["/embeds/0/title", "/embeds/0/description", ""],
    ["/cardsV2/0/card/header/title", "/cardsV2/0/card/sections/0/widgets/0/textParagraph/text", ""],
    ["/markdown", "", ""],
    ["/text", "", ""],
];

/// What begins or ends bold text in Markdown.
const BOLD: &str = "**";

/// The message as HTML; `None` when this is not one.
pub(super) fn message(json: &Value) -> Option<String> {
    let is_rich = json["parse_mode"] == "HTML" || json["cardsV2"].is_array();
    let is_recipe = |places: &&[&str; 3]| {
        json.pointer(places[0]).is_some_and(Value::is_string) && (places[0] != "/text" || is_rich)
    };
    let places = PLACES.iter().find(is_recipe)?;
    let texts =
        places.iter().filter(|place| !place.is_empty()).filter_map(|place| json.pointer(place)?.as_str());
    let whole = texts.map(|text| if is_rich { without_tags(text) } else { text.replace(BOLD, "") });
    let whole = whole.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    let (title, text) = whole.split_once('\n').unwrap_or((&whole, ""));
    Some(format!(
        "<div class=\"message\"><p class=\"headline\">{}</p>\n<p class=\"plain\">{}</p></div>\n",
        escape(title),
        escape(text.trim())
    ))
}

/// The words of a text with a few tags and entities.
fn without_tags(text: &str) -> String {
    let mut parts = text.split('<');
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('>').map_or(part, |(_, words)| words));
    let words: String = std::iter::once(first).chain(rest).collect();
    let plain = words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    plain.replace("&amp;", "&")
}
