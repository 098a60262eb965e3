//! The buttons under a message: where to read, look and act. None leads anywhere but to a web address.

use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::{Language, is_web_address};
use serde_json::{Value, json};

use super::cut::length;

/// The whole row, counted as JSON, so that long addresses leave room for words; a button that does not fit is left out.
const MAX_BUTTONS: usize = 3_000;

/// The row of buttons, if there is anywhere to go: at most four, of the 25 that Slack takes.
pub(super) fn row(message: &Message, language: Language) -> Option<Value> {
    let urgent = message.by_urgency().into_iter().next()?;
    let runbook =
        |annotations: &modelwatch_receiver_core::alert::Labels| annotations.get("runbook_url").cloned();
    let links = [
        ("runbook_icon", runbook(&message.common_annotations()).or_else(|| runbook(&urgent.annotations))),
        ("graph_icon", Some(urgent.generator_url.clone())),
        ("silence_icon", message.silence_url()),
        ("history_icon", message.history_url.clone()),
    ];
    let mut buttons: Vec<Value> = Vec::new();
    for (key, url) in links {
        let Some(url) = url.filter(|url| is_web_address(url)) else { continue };
        buttons.push(button(&language.say(key, &[]), &url));
        if length(&actions(&buttons).to_string()) > MAX_BUTTONS {
            buttons.pop();
        }
    }
    (!buttons.is_empty()).then(|| actions(&buttons))
}

fn actions(buttons: &[Value]) -> Value {
    json!({"type": "actions", "elements": buttons})
}

fn button(words: &str, url: &str) -> Value {
    json!({"type": "button", "text": {"type": "plain_text", "text": words, "emoji": true}, "url": url})
}

#[cfg(test)]
mod tests {
    use modelwatch_receiver_core::template::samples;

    use super::*;

    fn urls(message: &Message) -> Vec<String> {
        let row = row(message, Language::default()).unwrap_or_default();
        let buttons = row["elements"].as_array().cloned().unwrap_or_default();
        buttons.iter().map(|button| button["url"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn they_lead_to_the_runbook_the_graph_a_silence_and_the_history() {
        let message = samples::firing();
        let [runbook, graph, silence, history] = urls(&message).try_into().unwrap();
        assert_eq!(Some(&runbook), message.alerts[0].annotations.get("runbook_url"));
        assert_eq!((graph, Some(silence)), (message.alerts[0].generator_url.clone(), message.silence_url()));
        assert_eq!(Some(history), message.history_url);
    }

    #[test]
    fn what_is_over_cannot_be_silenced() {
        assert_eq!(urls(&samples::resolved()).len(), 3);
    }

    #[test]
    fn only_web_addresses_are_led_to() {
        for url in ["javascript:alert(1)", "https://a b", "ftp://a", "//a", "", "https://a\n"] {
            let mut message = Message {
                alertmanager_url: url.to_owned(),
                history_url: Some(url.to_owned()),
                ..samples::firing()
            };
            message.alerts[0].generator_url = url.to_owned();
            message.alerts[0].annotations.insert("runbook_url".to_owned(), url.to_owned());
            assert_eq!(row(&message, Language::default()), None, "{url}");
        }
    }

    #[test]
    fn the_row_holds_3000_characters() {
        let with = |length: usize| {
            let mut message =
                Message { history_url: None, alertmanager_url: String::new(), ..samples::firing() };
            message.alerts[0].generator_url = format!("https://{}", "g".repeat(length));
            message.alerts[0]
                .annotations
                .insert("runbook_url".to_owned(), format!("https://{}", "r".repeat(1_900)));
            message
        };
        let left = MAX_BUTTONS - length(&row(&with(1), Language::default()).unwrap().to_string()) + 1;
        for (length, count) in [(left - 1, 2), (left, 2), (left + 1, 1)] {
            assert_eq!(urls(&with(length)).len(), count, "{length} of {left}");
        }
    }
}
