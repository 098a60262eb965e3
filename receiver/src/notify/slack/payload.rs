//! Texts into Block Kit, never over Slack's limits: what does not fit is cut and counted, so that no length of
//! anything makes Slack refuse a message.
//!
//! Sources: Slack's Block Kit reference (50 blocks, header 150, section 3 000, context) and the observed
//! `msg_blocks_too_long` at about 13 200 characters over all blocks.

use modelwatch_receiver_core::alert::Kind;
use modelwatch_receiver_core::message::{Message, Severity};
use modelwatch_receiver_core::template::{Language, one_line};
use serde_json::{Value, json};

use super::buttons;
use super::cut::{cut, length};
use super::pieces::{Alert, Pieces};

/// Blocks of one message, the header among them.
pub(super) const MAX_BLOCKS: usize = 50;

/// All blocks together, counted as JSON and well below what Slack was seen to refuse, since nobody says how it counts.
const MAX_CHARACTERS: usize = 11_500;

const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3_000;
const MAX_TEXT: usize = 1_000;

/// Shares of the whole that leave room for labels, whatever annotations hold.
const MAX_SUMMARY: usize = 2_000;
const MAX_ACTION: usize = 2_000;
const MAX_ALERT: usize = 1_500;
const MAX_LABEL: usize = 700;
const MAX_SMALL: usize = 700;

/// What stands between two labels.
const SEPARATOR: &str = " · ";

/// The body of the request: the title on top, the rest beside a bar in the colour of its severity.
pub(super) fn build(pieces: &Pieces, message: &Message) -> Value {
    let header = header(&pieces.title, message);
    let last = last(pieces);
    let mut room = Room::new(&header, &last, pieces.language);
    room.add_all(sections(&pieces.summary, MAX_SUMMARY, &[]));
    room.add_all(sections(&pieces.action, MAX_ACTION, &[]));
    room.add_all(buttons::row(message, pieces.language).into_iter().collect());
    room.add_labels(&pieces.labels, pieces.more_labels);
    room.add_alerts(pieces, message);
    room.blocks.extend(last);
    let text = cut(&pieces.text, MAX_TEXT);
    let attachment = json!({"color": colour(message), "fallback": text, "blocks": room.blocks});
    json!({"text": text, "blocks": [header], "attachments": [attachment]})
}

/// `danger`, `warning` and `good` are Slack's own names of the colours of attachments. A fire drill frightens nobody.
fn colour(message: &Message) -> &'static str {
    if message.kind == Kind::Test {
        return "good";
    }
    match message.severity() {
        Some(Severity::Critical) => "danger",
        Some(Severity::Warning | Severity::Unknown) => "warning",
        Some(Severity::Info) | None => "good",
    }
}

fn header(title: &str, message: &Message) -> Value {
    let words = one_line(title);
    let title = if words.is_empty() { message.status.as_str().to_owned() } else { words };
    json!({"type": "header", "text": {"type": "plain_text", "text": cut(&title, MAX_HEADER), "emoji": true}})
}

/// The blocks at the end, for which room is kept.
fn last(pieces: &Pieces) -> Vec<Value> {
    let small = [pieces.problem.as_deref().unwrap_or_default(), &pieces.footer];
    small
        .into_iter()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| context(&cut(text, MAX_SMALL)))
        .collect()
}

/// `verbatim`: Slack is not to look for channels, people and links in text that came from an alert.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": mrkdwn(text)})
}

fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [mrkdwn(text)]})
}

/// `lead`, cut, and after it the labels, in as many sections as that needs.
fn sections(lead: &str, most: usize, labels: &[String]) -> Vec<Value> {
    let mut texts = vec![cut(lead, most)];
    let mut separator = if lead.is_empty() { "" } else { "\n" };
    for label in labels.iter().map(|label| cut(label, MAX_LABEL)) {
        match texts.last_mut() {
            Some(text) if length(text) + length(separator) + length(&label) <= MAX_SECTION => {
                text.push_str(separator);
                text.push_str(&label);
            }
            _ => texts.push(label),
        }
        separator = SEPARATOR;
    }
    let trimmed = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    trimmed.map(section).collect()
}

/// The attachment's blocks and what may still be added.
struct Room {
    blocks: Vec<Value>,
    blocks_left: usize,
    characters_left: usize,
    language: Language,
}

impl Room {
    /// What the header, the last blocks and a line "and N more" leave of the whole.
    fn new(header: &Value, last: &[Value], language: Language) -> Self {
        let kept: usize = last.iter().chain([header, &more(usize::MAX, language)]).map(size).sum();
        Self {
            blocks: Vec::new(),
            blocks_left: MAX_BLOCKS - 2 - last.len(),
            characters_left: MAX_CHARACTERS.saturating_sub(kept),
            language,
        }
    }

    fn fits(&self, blocks: &[Value]) -> bool {
        blocks.len() <= self.blocks_left && characters(blocks) <= self.characters_left
    }

    /// Adds all of `blocks` or, if they do not fit, none.
    fn add_all(&mut self, blocks: Vec<Value>) -> bool {
        if !self.fits(&blocks) {
            return false;
        }
        self.blocks_left -= blocks.len();
        self.characters_left -= characters(&blocks);
        self.blocks.extend(blocks);
        true
    }

    /// Adds as many labels as fit; an alert with that many is told by its first ones.
    fn add_labels(&mut self, labels: &[String], more: usize) {
        let labels: Vec<String> = labels.iter().map(|label| cut(label, MAX_LABEL)).collect();
        let most: Vec<usize> = (1..=labels.len()).collect();
        let with_rest = |shown: usize| with_rest(&labels, shown, more, self.language);
        // all of them need no line that counts the rest, so they may fit where one less does not
        let all = more == 0 && self.fits(&with_rest(labels.len()));
        let fitting = most.partition_point(|shown| self.fits(&with_rest(*shown)));
        let fitting = if all { labels.len() } else { fitting };
        if fitting > 0 {
            let blocks = with_rest(fitting);
            self.add_all(blocks);
        }
    }

    /// Adds alerts until one does not fit, and says how many are not shown.
    fn add_alerts(&mut self, pieces: &Pieces, message: &Message) {
        let fits = |alert: &&Alert| self.add_all(sections(&alert.text, MAX_ALERT, &alert.labels));
        let shown = pieces.alerts.iter().take_while(fits).count();
        let hidden = message.alerts.len() - shown;
        if message.alerts.len() > 1 && hidden > 0 {
            self.blocks.push(more(hidden, self.language));
        }
    }
}

fn with_rest(labels: &[String], fitting: usize, more: usize, language: Language) -> Vec<Value> {
    let (shown, hidden) = labels.split_at(fitting);
    let (mut shown, hidden) = (shown.to_vec(), hidden.len() + more);
    if hidden > 0 {
        shown.push(format!("_{}_", language.say("more_labels", &[hidden.to_string()])));
    }
    sections("", 0, &shown)
}

fn more(hidden: usize, language: Language) -> Value {
    context(&format!("_{}_", language.say("more", &[hidden.to_string()])))
}

fn characters(blocks: &[Value]) -> usize {
    blocks.iter().map(size).sum()
}

fn size(block: &Value) -> usize {
    length(&block.to_string()) + ",".len()
}

#[cfg(test)]
mod tests;
