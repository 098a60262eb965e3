//! Alertmanager's label matchers: `name="value"`, `!=`, `=~`, `!~`, quoted or not, several in braces or by commas.

use regex::Regex;

use crate::alert::Labels;

/// Why a matcher cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MatcherError {
    /// There is no operator after this label name.
    #[error("expected =, !=, =~ or !~ after the label name {0:?}")]
    Operator(String),
    /// There is no label name.
    #[error("expected a label name at the start of {0:?}")]
    Name(String),
    /// A quoted text has no end.
    #[error("the quoted text in {0:?} has no closing quote")]
    Unclosed(String),
    /// A value without quotes around it begins as an operator would go on; as a value it would hardly match anything.
    #[error(
        "the value of {0} begins with =: write {0}=\"…\" for equality, or {0}=\"=…\" if that is the value"
    )]
    Doubled(String),
    /// A quote stands in a value without quotes around it; Alertmanager refuses that too.
    #[error("a quote inside the value of {0}: write {0}=\"…\" with \\\" for each quote")]
    Quote(String),
    /// Something follows a matcher that is not a comma.
    #[error("expected a comma or the end before {0:?}")]
    Trailing(String),
    /// The regular expression is none.
    #[error("{pattern:?} is not a regular expression: {}", conclusion(error))]
    Regex {
        /// The expression as written.
        pattern: String,
        /// What is wrong with it.
        error: Box<regex::Error>,
    },
}

/// The beginning of a text that may be of any length.
fn brief(text: &str) -> String {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The last line of what may be a picture of the expression.
fn conclusion(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// One condition on one label; a label that is absent has the empty value.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: String,
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    /// Anchored at both ends, as Alertmanager does.
    Regex(Regex),
}

impl Matcher {
    /// Whether labels satisfy the condition.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        let hit = match &self.test {
            Test::Equal(wanted) => value == wanted,
            Test::Regex(regex) => regex.is_match(value),
        };
        hit != self.negated
    }
}

/// Conditions that must all hold.
#[derive(Debug, Clone, Default)]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    /// Reads the texts of one list; each may hold several matchers, as `{a="b", c!="d"}`.
    ///
    /// # Errors
    /// Names the text that is no matcher and what was expected.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Matchers, MatcherError> {
        let mut all = Vec::new();
        for text in texts {
            let text = text.trim();
            let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
            read_list(inner.trim_start(), &mut all)?;
        }
        Ok(Matchers(all))
    }

    /// Whether labels satisfy all conditions.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }
}

fn read_list(mut rest: &str, into: &mut Vec<Matcher>) -> Result<(), MatcherError> {
    while !rest.is_empty() {
        let (matcher, after) = read(rest)?;
        into.push(matcher);
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.is_empty() => after,
            None => return Err(MatcherError::Trailing(brief(after))),
        };
    }
    Ok(())
}

fn read(text: &str) -> Result<(Matcher, &str), MatcherError> {
    let (name, rest) = read_name(text)?;
    let (negated, is_regex, rest) =
        read_operator(rest).ok_or_else(|| MatcherError::Operator(brief(&name)))?;
    let (value, rest) = read_value(&name, rest)?;
    let test = if is_regex { Test::Regex(anchored(&value)?) } else { Test::Equal(value) };
    Ok((Matcher { name, negated, test }, rest.trim_start()))
}

fn read_name(text: &str) -> Result<(String, &str), MatcherError> {
    if text.starts_with('"') {
        return read_quoted(text);
    }
    let end = text.find(|c: char| c.is_whitespace() || "=!~,{}\"".contains(c)).unwrap_or(text.len());
    if end == 0 {
        return Err(MatcherError::Name(brief(text)));
    }
    Ok((text[..end].to_owned(), &text[end..]))
}

fn read_operator(text: &str) -> Option<(bool, bool, &str)> {
    const OPERATORS: [(&str, bool, bool); 4] =
        [("=~", false, true), ("!~", true, true), ("!=", true, false), ("=", false, false)];
    let text = text.trim_start();
    OPERATORS.iter().find_map(|(sign, negated, is_regex)| {
        Some((*negated, *is_regex, text.strip_prefix(sign)?.trim_start()))
    })
}

fn read_value<'a>(name: &str, text: &'a str) -> Result<(String, &'a str), MatcherError> {
    if text.starts_with('"') {
        return read_quoted(text);
    }
    let end = text.find(',').unwrap_or(text.len());
    match text[..end].trim_end() {
        value if value.starts_with('=') => Err(MatcherError::Doubled(brief(name))),
        value if value.contains('"') => Err(MatcherError::Quote(brief(name))),
        value => Ok((value.to_owned(), &text[end..])),
    }
}

/// A text in double quotes, in which `\"`, `\\` and `\n` stand for a quote, a backslash and a new line.
fn read_quoted(text: &str) -> Result<(String, &str), MatcherError> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err(MatcherError::Unclosed(brief(text)))
}

fn anchored(pattern: &str) -> Result<Regex, MatcherError> {
    Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|error| MatcherError::Regex { pattern: brief(pattern), error: Box::new(error) })
}
