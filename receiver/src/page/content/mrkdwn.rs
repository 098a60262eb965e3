//! Slack's markup as HTML: links, bold, italic, code, and its three escapes. What is not understood stays as it is.
//!
//! Source: Slack, "Formatting text for app surfaces".

use modelwatch_common::http::page::escape;
use modelwatch_receiver_core::template::is_web_address;

use crate::page::parts;

/// `text` as it is shown.
pub(super) fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        html += &emphasised(before);
        let Some(end) = tag.find('>') else {
            rest = tag;
            break;
        };
        html += &reference(&tag[1..end]);
        rest = &tag[end + 1..];
    }
    html + &emphasised(rest)
}

/// A link that is one, else its words and where it would have led.
pub(super) fn link(url: &str, words: &str) -> String {
    match url {
        "" => escape(words),
        url if is_web_address(url) => parts::link(url, words),
        url => format!("{} ({})", escape(words), escape(url)),
    }
}

/// What stands between angle brackets: a link, or a mention.
fn reference(inside: &str) -> String {
    let (target, words) = inside.split_once('|').unwrap_or((inside, inside));
    let (target, words) = (unescaped(target), unescaped(words));
    if target.starts_with(['@', '#', '!']) {
        return format!("<strong>{}</strong>", escape(&words));
    }
    link(&target, &words)
}

/// Text between references, its marks turned into elements.
fn emphasised(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text;
    while let Some((before, mark, inside, after)) = marked(rest) {
        html += &plain(before);
        let element = match mark {
            '*' => "strong",
            '_' => "em",
            _ => "code",
        };
        html += &format!("<{element}>{}</{element}>", plain(inside));
        rest = after;
    }
    html + &plain(rest)
}

/// The first part between two equal marks that stand at the edges of words, in one line.
fn marked(text: &str) -> Option<(&str, char, &str, &str)> {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let mut before = None;
    for (start, mark) in text.char_indices() {
        let opens = matches!(mark, '*' | '_' | '`') && is_edge(before);
        before = Some(mark);
        let inside = &text[start + mark.len_utf8()..];
        let line = inside.split('\n').next().unwrap_or_default();
        if !opens || line.starts_with(char::is_whitespace) {
            continue;
        }
        let closes = |at: &usize| {
            *at > 0
                && !line[..*at].ends_with(char::is_whitespace)
                && is_edge(line[at + mark.len_utf8()..].chars().next())
        };
        if let Some(end) = line.match_indices(mark).map(|(at, _)| at).take(MOST_MARKS).find(closes) {
            return Some((&text[..start], mark, &inside[..end], &inside[end + mark.len_utf8()..]));
        }
    }
    None
}

/// A line with more marks than this is no writing of people's, and looking at each with each would take long.
const MOST_MARKS: usize = 20;

/// Text without markup; Slack takes its three escapes back in every text.
pub(super) fn plain(text: &str) -> String {
    escape(&unescaped(text))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
