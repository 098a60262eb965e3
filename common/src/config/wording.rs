//! Faults in the words of whoever writes a configuration: serde speaks of structs, sequences and `u32`.

/// `invalid type: string "x", expected u32` as `expected a whole number, found "x"`; other messages stay as they are.
pub(super) fn plain(message: &str) -> String {
    let wrong = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    match wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        Some((found, wanted)) => {
            let wanted = expected(wanted);
            // Text that stands where no single value belongs may be a secret or a URL that holds one.
            let hidden = found.starts_with("string ") && matches!(wanted, "a section" | "a list");
            format!("expected {wanted}, found {}", if hidden { "text" } else { actual(found) })
        }
        None => message.to_owned(),
    }
}

/// What was expected, without what was found: a variable may hold a secret.
pub(super) fn without_found(what: &str) -> String {
    let expected = what.rfind("expected ").map_or("the value cannot be used", |at| &what[at..]);
    expected.split(", found ").next().unwrap_or(expected).to_owned()
}

fn expected(kind: &str) -> &str {
    match kind {
        "a string" | "string or map" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a section",
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        kind if kind.starts_with("struct ") || kind.contains("tagged enum ") => "a section",
        kind => kind,
    }
}

fn actual(found: &str) -> &str {
    match found {
        "sequence" => "a list",
        "map" => "a section",
        "null" | "unit value" => "nothing",
        found => ["string ", "integer ", "floating point ", "boolean "]
            .iter()
            .find_map(|kind| found.strip_prefix(kind))
            .unwrap_or(found),
    }
}
