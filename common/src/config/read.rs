//! From a file on disk to a tree of values; the `config` crate knows the formats.

use std::io::ErrorKind;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use config::{File, FileFormat, Source as _, Value as FileValue, ValueKind};
use serde_json::{Map, Value};

use super::{ConfigError, bounds};

/// How much stack a parser may take, twice as much as the deepest file asks for: that of TOML calls itself for some thousand
/// levels at most. Only what is touched becomes memory.
const STACK: usize = 64 << 20;

/// What some editors begin a file with, and would become part of its first key.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The top-level keys of the file at `path`; an empty file has none.
pub(super) fn sections(path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let text = text_of(path)?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    let (format, name) = format_of(path)?;
    thread::scope(|scope| {
        let parsing = thread::Builder::new().stack_size(STACK);
        let parsing = parsing.spawn_scoped(scope, || parsed(path, text, format, name));
        let parsing = parsing.map_err(|reason| ConfigError::Unreadable { file: path.to_owned(), reason })?;
        parsing.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// The same of its text; nobody else has to touch, or drop, a value that is too deep.
fn parsed(
    path: &Path,
    text: &str,
    format: FileFormat,
    name: &'static str,
) -> Result<Map<String, Value>, ConfigError> {
    let excessive = |reason| ConfigError::Excessive { file: path.to_owned(), reason };
    if format == FileFormat::Yaml {
        bounds::check(text).map_err(excessive)?;
    }
    let table = File::from_str(text, format).collect().map_err(|error| ConfigError::Syntax {
        file: path.to_owned(),
        format: name,
        reason: one_line(&error.to_string()),
    })?;
    let sections: Map<String, Value> = table.into_iter().map(|(key, value)| (key, plain(value))).collect();
    bounds::check_levels(&sections).map_err(excessive)?;
    Ok(sections)
}

fn format_of(path: &Path) -> Result<(FileFormat, &'static str), ConfigError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => Ok((FileFormat::Yaml, "YAML")),
        Some("toml") => Ok((FileFormat::Toml, "TOML")),
        Some("json") => Ok((FileFormat::Json, "JSON")),
        _ => Err(ConfigError::UnknownFormat(path.to_owned())),
    }
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|reason| match reason.kind() {
        ErrorKind::NotFound => ConfigError::Missing(path.to_owned()),
        ErrorKind::IsADirectory => ConfigError::Directory(path.to_owned()),
        _ => ConfigError::Unreadable { file: path.to_owned(), reason },
    })
}

/// Parsers draw the place under their message; a fault is one line.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(value: FileValue) -> Value {
    match value.kind {
        ValueKind::Nil => Value::Null,
        ValueKind::Boolean(value) => value.into(),
        ValueKind::I64(value) => value.into(),
        ValueKind::U64(value) => value.into(),
        ValueKind::I128(value) => wide(value),
        ValueKind::U128(value) => wide(value),
        ValueKind::Float(value) => value.into(),
        ValueKind::String(value) => value.into(),
        ValueKind::Array(items) => items.into_iter().map(plain).collect(),
        ValueKind::Table(fields) => fields.into_iter().map(|(key, value)| (key, plain(value))).collect(),
    }
}

/// No key takes more than 64 bits: what does not fit is kept as text, and refused where a number is expected.
fn wide(value: impl TryInto<i64> + ToString + Copy) -> Value {
    value.try_into().map_or_else(|_| value.to_string().into(), Value::from)
}
