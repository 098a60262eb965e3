//! One feature value as it arrived, and the canonical text by which classes and categories compare.
//!
//! Canonical text makes 1, 1.0, "1" and "1.0" one category, and true, "True" and "true" another. It never merges texts that
//! only look alike ("01", "1e3", "TRUE" stay as they are), and it never judges a value against a reference.

mod wire;

use std::borrow::Cow;

use crate::schema::Kind;

/// One feature value of one event or reference row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number; NaN and infinities included.
    Number(f64),
    /// A text.
    Text(Box<str>),
    /// A truth value.
    Bool(bool),
    /// An explicit null.
    Null,
    /// The feature is not there.
    Absent,
    /// A list or an object: never a usable value.
    Other,
}

impl Value {
    /// What the value is by itself, before any reference is asked: never unseen or out of range.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Number(number) if number.is_nan() => Kind::Nan,
            Value::Number(number) if number.is_infinite() => Kind::Infinite,
            Value::Text(text) if text.is_empty() => Kind::Empty,
            Value::Number(_) | Value::Text(_) | Value::Bool(_) => Kind::Valid,
            Value::Null => Kind::Null,
            Value::Absent => Kind::Absent,
            Value::Other => Kind::BadType,
        }
    }
}

/// The canonical text of a category or class, or nothing for a value that cannot be one
/// (missing, empty, not finite, list, object).
///
/// Texts and truth values are borrowed; only a number is written anew.
pub fn canonical(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) if number.is_finite() => Some(Cow::Owned(canonical_number(*number))),
        Value::Text(text) if !text.is_empty() => Some(Cow::Borrowed(canonical_text(text))),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(_) | Value::Text(_) | Value::Null | Value::Absent | Value::Other => None,
    }
}

/// The canonical text of a text: always a part of it or a constant, so that nothing is allocated.
///
/// A decimal numeral without leading zeros and without exponent loses the trailing zeros of its fraction and the sign of zero;
/// "True" and "False" become lower case. Every other text is its own canonical text.
pub fn canonical_text(text: &str) -> &str {
    match text {
        "True" => "true",
        "False" => "false",
        _ => without_trailing_zeros(text),
    }
}

/// The canonical text of a finite number: the shortest decimal digits that read back as the same number, without exponent;
/// minus zero is "0".
pub fn canonical_number(number: f64) -> String {
    // Adding zero turns minus zero into zero and changes no other number.
    (number + 0.0).to_string()
}

fn without_trailing_zeros(text: &str) -> &str {
    if !is_plain_numeral(text) {
        return text;
    }
    let shortest = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if shortest == "-0" { "0" } else { shortest }
}

/// JSON's grammar of a number, without its exponent.
fn is_plain_numeral(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    if !digits.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let leading_zero = digits[0] == b'0' && whole > 1;
    let fraction = &digits[whole..];
    !leading_zero && (fraction.is_empty() || is_fraction(fraction))
}

fn is_fraction(bytes: &[u8]) -> bool {
    bytes.len() > 1 && bytes[0] == b'.' && bytes[1..].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
