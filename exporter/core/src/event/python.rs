//! The one way in which much JSON in this field is not JSON: Python writes `NaN` and `Infinity` bare.

/// The text with every bare `NaN`, `Infinity` and `-Infinity` quoted; `None` when there is none.
pub(super) fn quote_not_finite(text: &[u8]) -> Option<Vec<u8>> {
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

fn bare_token(rest: &[u8]) -> Option<&'static [u8]> {
    [b"NaN".as_slice(), b"Infinity", b"-Infinity"].into_iter().find(|token| rest.starts_with(token))
}
