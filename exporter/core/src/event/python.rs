//! The one way in which much JSON in this field is not JSON: Python writes `NaN` and `Infinity` bare.

const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The text with every bare `NaN`, `Infinity` and `-Infinity` quoted; `None` when there is none.
pub(crate) fn quote_not_finite(text: &[u8]) -> Option<Vec<u8>> {
    let mut quoted = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_string = false;
    let mut found = false;
    while let Some(&byte) = rest.first() {
        let token = if in_string { None } else { bare_token(rest) };
        let taken = match token {
            Some(token) => {
                found = true;
                quoted.push(b'"');
                quoted.extend_from_slice(token);
                quoted.push(b'"');
                token.len()
            }
            None => {
                let taken = if in_string && byte == b'\\' { 2.min(rest.len()) } else { 1 };
                in_string ^= byte == b'"';
                quoted.extend_from_slice(&rest[..taken]);
                taken
            }
        };
        rest = &rest[taken..];
    }
    found.then_some(quoted)
}

/// Whether a text stands for a number that is not finite, and so for nothing that could be a class or an id.
pub(super) fn is_not_finite(text: &str) -> bool {
    NOT_FINITE.contains(&text)
}

fn bare_token(rest: &[u8]) -> Option<&'static [u8]> {
    NOT_FINITE.into_iter().map(str::as_bytes).find(|token| rest.starts_with(token))
}
