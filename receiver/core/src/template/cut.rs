//! Cutting a text to a service's limit without leaving markup that the service would refuse or misread.

use super::Escape;

/// What `…` and the ends of what is open may take, in any unit.
const ROOM: usize = 64;

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At most so many.
    pub most: usize,
    /// Of these.
    pub unit: Unit,
}

/// What a service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// UTF-16 units, which are never fewer than characters.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
}

impl Unit {
    /// How many of them a text has.
    pub fn of(self, text: &str) -> usize {
        text.chars().map(|character| self.of_one(character)).sum()
    }

    fn of_one(self, character: char) -> usize {
        match self {
            Self::Utf16 => character.len_utf16(),
            Self::Bytes => character.len_utf8(),
        }
    }
}

impl Limit {
    /// `text` if it is short enough, else its beginning, `…`, and the ends of the tags that are open there.
    pub fn cut(self, text: &str, escape: Escape) -> String {
        if self.unit.of(text) <= self.most {
            return text.to_owned();
        }
        let kept = whole(self.beginning(text), escape);
        let ends = if escape == Escape::Rich { ends(kept) } else { String::new() };
        let cut = format!("{}…{ends}", kept.trim_end());
        if self.unit.of(&cut) <= self.most { cut } else { format!("{}…", without_tags(kept)) }
    }

    fn beginning(self, text: &str) -> &str {
        let most = self.most.saturating_sub(ROOM);
        let mut length = 0;
        let end = text.char_indices().find(|(_, character)| {
            length += self.unit.of_one(*character);
            length > most
        });
        text.get(..end.map_or(text.len(), |(index, _)| index)).unwrap_or_default()
    }
}

/// Without a tag, an entity, a link or a backslash that began at the end. Values are escaped, so these are always ours.
fn whole(text: &str, escape: Escape) -> &str {
    match escape {
        Escape::Rich | Escape::Html => unfinished(unfinished(text, '<', '>'), '&', ';'),
        Escape::Markdown => {
            let text = unfinished_link(text);
            let backslashes = text.len() - text.trim_end_matches('\\').len();
            text.get(..text.len() - backslashes % 2).unwrap_or_default()
        }
        _ => text,
    }
}

fn unfinished(text: &str, begins: char, ends: char) -> &str {
    match text.rfind(begins) {
        Some(start) if !text.get(start..).unwrap_or_default().contains(ends) => {
            text.get(..start).unwrap_or_default()
        }
        _ => text,
    }
}

/// Without a link `[words](url` that has no end.
fn unfinished_link(text: &str) -> &str {
    match text.rfind("](") {
        Some(at) if !text.get(at..).unwrap_or_default().contains(')') => {
            let start = text.get(..at).unwrap_or_default().rfind('[').unwrap_or(at);
            text.get(..start).unwrap_or_default()
        }
        _ => text,
    }
}

/// The ends of the tags that are open at the end, the last one first.
fn ends(text: &str) -> String {
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        match tag.strip_prefix('/') {
            Some(_) => drop(open.pop()),
            None => open.extend(tag.split(' ').next()),
        }
    }
    open.into_iter().rev().map(|name| format!("</{name}>")).collect()
}

fn without_tags(text: &str) -> String {
    let mut parts = text.split('<');
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('>').map_or("", |(_, words)| words));
    std::iter::once(first).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { most: 80, unit: Unit::Utf16 };

    #[test]
    fn a_text_at_the_limit_stays_and_one_more_is_cut() {
        for (length, whole) in [(79, true), (80, true), (81, false), (500, false)] {
            let text = "x".repeat(length);
            let cut = LIMIT.cut(&text, Escape::Rich);
            assert_eq!(cut == text, whole, "{length}");
            assert!(Unit::Utf16.of(&cut) <= 80 && (whole || cut.ends_with('…')), "{length}: {cut}");
        }
    }

    #[test]
    fn units_are_those_of_the_service() {
        assert_eq!((Unit::Utf16.of("🧨가a"), Unit::Bytes.of("🧨가a")), (4, 8));
        let bytes = Limit { most: 80, unit: Unit::Bytes };
        assert!(bytes.cut(&"가".repeat(27), Escape::Markdown).len() <= 80);
    }

    #[test]
    fn no_tag_is_left_open_and_no_entity_broken() {
        let text = format!("<b>bold <i>x&amp;{}</i></b>", "y".repeat(80));
        assert_eq!(LIMIT.cut(&text, Escape::Rich), "<b>bold <i>x…</i></b>");
        let link = format!("abc <a href=\"https://a/{}\">x</a>", "y".repeat(80));
        assert_eq!(LIMIT.cut(&link, Escape::Rich), "abc…");
        let deep = format!("{}x{}", "<b>".repeat(5), "y".repeat(90));
        assert_eq!(LIMIT.cut(&deep, Escape::Rich), "<b><b><b><b><b>x…</b></b></b></b></b>");
    }

    #[test]
    fn no_link_and_no_escape_of_markdown_is_broken() {
        let link = format!("abc [x](https://a/{})", "y".repeat(80));
        assert_eq!(LIMIT.cut(&link, Escape::Markdown), "abc…");
        let escaped = format!("{}\\*{}", "a".repeat(15), "b".repeat(80));
        assert_eq!(LIMIT.cut(&escaped, Escape::Markdown), format!("{}…", "a".repeat(15)));
    }
}
