//! Cutting text to Slack's limits without breaking what Slack would then refuse or misread.

/// How long Slack's limits see a text: in UTF-16 units, never fewer than its characters.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `text` in at most `most` units, the last of them then being `…`; entities and links stay whole or go.
pub(super) fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let mut units = 0;
    let end = text
        .char_indices()
        .find(|(_, character)| {
            units += character.len_utf16();
            units >= most
        })
        .map_or(text.len(), |(index, _)| index);
    let kept = whole(text.get(..end).unwrap_or_default());
    format!("{}…", kept.trim_end())
}

/// Without an entity (`&amp;`) or a link (`<url|words>`) that began but did not end. Values from alerts are escaped, so
/// these characters are always ours.
fn whole(text: &str) -> &str {
    let text = unfinished(text, '<', '>');
    unfinished(text, '&', ';')
}

fn unfinished(text: &str, begins: char, ends: char) -> &str {
    match text.rfind(begins) {
        Some(start) if !text.get(start..).unwrap_or_default().contains(ends) => {
            text.get(..start).unwrap_or_default()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_at_the_limit_stays_and_one_more_is_cut() {
        assert_eq!(cut("abcd", 5), "abcd");
        assert_eq!(cut("abcde", 5), "abcde");
        assert_eq!(cut("abcdef", 5), "abcd…");
    }

    #[test]
    fn characters_outside_the_basic_plane_count_twice_and_are_never_split() {
        assert_eq!(length("🧨a"), 3);
        assert_eq!(cut("🧨🧨", 4), "🧨🧨");
        assert_eq!(cut("🧨🧨a", 4), "🧨…");
    }

    #[test]
    fn entities_and_links_are_never_cut_in_two() {
        assert_eq!(cut("ab&amp;cd", 6), "ab…");
        assert_eq!(cut("ab&amp;cd", 8), "ab&amp;…");
        assert_eq!(cut("see <https://a|b> now", 12), "see…");
    }
}
