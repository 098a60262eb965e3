//! Making a value from an alert harmless where it is written.

/// For Slack's mrkdwn and plain text: `&`, `<` and `>` become entities, so that no value can mention a channel or
/// pretend to be a link; control characters other than line breaks and tabs are dropped.
///
/// Source: Slack, "Formatting text for app surfaces", which names exactly these three characters.
pub fn slack(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 8);
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// For one line of text: control characters, line breaks among them, become spaces.
pub fn line(value: &str) -> String {
    value.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_call_the_whole_channel_nor_pretend_to_be_a_link() {
        assert_eq!(
            slack("<!channel> & <https://evil|ok>\u{7}"),
            "&lt;!channel&gt; &amp; &lt;https://evil|ok&gt;"
        );
    }

    #[test]
    fn a_value_cannot_begin_a_second_line_in_a_log() {
        assert_eq!(line("a\r\nlevel=error b"), "a  level=error b");
    }
}
