//! Making a value from an alert harmless where it is written.

/// U+2060, which has no width and forbids a line break.
const WORD_JOINER: char = '\u{2060}';

/// How values are written into a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As [`slack`].
    Slack,
    /// As [`html`].
    Html,
    /// As [`text`].
    Text,
    /// As [`line`].
    Line,
    /// As [`quiet_line`].
    Quiet,
    /// As [`json`].
    Json,
    /// As [`rich`].
    Rich,
    /// As [`markdown`].
    Markdown,
}

impl Escape {
    /// The function that does it.
    pub fn function(self) -> fn(&str) -> String {
        match self {
            Self::Slack => slack,
            Self::Html => html,
            Self::Text => text,
            Self::Line => line,
            Self::Quiet => quiet_line,
            Self::Json => json,
            Self::Rich => rich,
            Self::Markdown => markdown,
        }
    }
}

/// Whether a character steers what shows it instead of being shown: controls, line and paragraph separators, and those that
/// turn the direction of what follows, with which a value could rearrange our own words. Right-to-left text needs none of
/// them.
///
/// Source: Unicode Standard Annex #9, explicit directional embeddings, overrides and isolates.
fn steers(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// For Slack's mrkdwn and plain text: `&`, `<` and `>` become entities, so that no value can mention a channel or
/// pretend to be a link; characters that steer, other than line breaks and tabs, are dropped.
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
            steering if steers(steering) => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// For HTML, between tags and in quoted attributes: what could begin or end either becomes an entity, and control
/// characters other than line breaks and tabs are dropped.
///
/// Source: OWASP, "Cross Site Scripting Prevention", its rules for HTML bodies and attributes.
pub fn html(value: &str) -> String {
    slack(value).replace('"', "&quot;").replace('\'', "&#39;")
}

/// For plain text of several lines: characters that steer, other than line breaks and tabs, are dropped.
pub fn text(value: &str) -> String {
    value.chars().filter(|character| matches!(character, '\n' | '\t') || !steers(*character)).collect()
}

/// For one line of text: characters that steer, line breaks among them, become spaces.
pub fn line(value: &str) -> String {
    value.chars().map(|character| if steers(character) { ' ' } else { character }).collect()
}

/// For the inside of a JSON string: quotes, backslashes and line breaks are written as JSON wants them, and other control
/// characters are dropped as in [`text`].
pub fn json(value: &str) -> String {
    let quoted = serde_json::Value::String(text(value)).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// Makes nobody be called: after `@` and `<` stands a word joiner, which nobody sees and no service takes for a part of a
/// mention (`@everyone`, `<@all>`, `<users/all>`).
fn quiet(value: &str) -> String {
    let mut quiet = String::with_capacity(value.len() + 8);
    for character in value.chars() {
        quiet.push(character);
        if matches!(character, '@' | '<') {
            quiet.push(WORD_JOINER);
        }
    }
    quiet
}

/// For one line that a chat shows without markup: as [`line`], and no value calls anybody.
pub(super) fn quiet_line(value: &str) -> String {
    line(&quiet(value))
}

/// For the HTML that chats know, which is a few tags: as [`html`], and no value calls anybody.
///
/// Sources: Telegram, "Bot API", HTML style; Google, "Format a card message".
pub fn rich(value: &str) -> String {
    html(&quiet(value))
}

/// For Markdown: what marks something up is written with a backslash before it, no bracket begins an address, and no value
/// calls anybody. Names such as `model_version` stay as they are, since an underscore within a word marks nothing up.
///
/// Source: `CommonMark` 0.31, sections 2.4 and 6; Discord, Microsoft Teams and Webex read parts of it.
pub fn markdown(value: &str) -> String {
    let value = quiet(&text(value));
    let mut escaped = String::with_capacity(value.len() + 8);
    let mut before = ' ';
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let is_within =
            before.is_alphanumeric() && characters.peek().is_some_and(|next| next.is_alphanumeric());
        match character {
            ']' => escaped.extend([']', WORD_JOINER]),
            '_' if is_within => escaped.push('_'),
            '\\' | '`' | '*' | '_' | '~' | '|' | '#' => escaped.extend(['\\', character]),
            other => escaped.push(other),
        }
        before = character;
    }
    escaped
}

/// All words of a text on one line, a space apart.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
    fn a_value_cannot_leave_its_place_in_html() {
        assert_eq!(html("<b title='x'>\"&\u{1b}\r\n"), "&lt;b title=&#39;x&#39;&gt;&quot;&amp;\n");
    }

    #[test]
    fn text_keeps_its_lines_and_nothing_that_controls_a_terminal() {
        assert_eq!(text("a\r\n\tb\u{1b}[31m\u{0}<&>"), "a\n\tb[31m<&>");
    }

    #[test]
    fn a_value_cannot_leave_its_string_in_json() {
        let escaped = json("\"}]\\ \r\n\t\u{0}\u{1b}é");
        assert_eq!(escaped, r#"\"}]\\ \n\té"#);
        let read: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
        assert_eq!(read, "\"}]\\ \n\té");
    }

    #[test]
    fn a_value_calls_nobody_in_a_chat_and_marks_nothing_up() {
        assert_eq!(rich("@team <b>"), "@\u{2060}team &lt;\u{2060}b&gt;");
        assert_eq!(
            markdown("@everyone <@all> **a** [x](y) a_b _c_"),
            "@\u{2060}everyone <\u{2060}@\u{2060}all> \\*\\*a\\*\\* [x]\u{2060}(y) a_b \\_c\\_"
        );
    }

    #[test]
    fn a_value_cannot_turn_the_words_after_it_around() {
        let (value, harmless) = ("\u{202e}a\u{2066}b\u{2028}אבג\u{200f}", "abאבג\u{200f}");
        assert_eq!([slack(value), html(value), text(value)], [harmless; 3]);
        assert_eq!(line(value), " a b אבג\u{200f}");
    }

    #[test]
    fn a_value_cannot_begin_a_second_line_in_a_log() {
        assert_eq!(line("a\r\nlevel=error b"), "a  level=error b");
    }
}
