//! Numbers as people read them. An argument may be a number or a text that is one, as annotations are; a text that is none
//! stays as it is, so that `n/a` costs no message.

use serde_json::Value;

use super::{Call, text};

/// `{{humanize 1234}}`: `1.2k`, in powers of 1 000; below that with two decimals at most.
pub(super) fn humanize(call: &Call<'_>) -> Result<Value, String> {
    numeric(call, "humanize", |number| {
        let (value, unit) = scaled(number, 1_000.0, &["", "k", "M", "G", "T", "P", "E"]);
        format!("{}{unit}", rounded(value, if unit.is_empty() { 2 } else { 1 }))
    })
}

/// `{{percentage 0.35}}`: `35 %`, with one decimal at most.
pub(super) fn percentage(call: &Call<'_>) -> Result<Value, String> {
    numeric(call, "percentage", |number| format!("{} %", rounded(number * 100.0, 1)))
}

/// `{{bytes 1610612736}}`: `1.5 GiB`, in powers of 1 024.
pub(super) fn bytes(call: &Call<'_>) -> Result<Value, String> {
    numeric(call, "bytes", |number| {
        let (value, unit) = scaled(number, 1_024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]);
        format!("{} {unit}", rounded(value, 1))
    })
}

/// `{{plural count "alert" "alerts"}}`: the first word for one, else the second, which is the first with an `s` if it is not
/// given.
pub(super) fn plural(call: &Call<'_>) -> Result<Value, String> {
    let count = number(call.argument(0)?).ok_or("the first argument of plural is a number")?;
    let one = text(call.argument(1)?);
    let many = call.optional(2).unwrap_or_else(|| format!("{one}s"));
    Ok(if count.abs() == 1.0 { one } else { many }.into())
}

fn numeric(call: &Call<'_>, name: &str, words: impl Fn(f64) -> String) -> Result<Value, String> {
    let given = call.argument(0)?;
    match (number(given), given) {
        (Some(number), _) => Ok(words(number).into()),
        (None, Value::String(text)) => Ok(text.clone().into()),
        (None, _) => Err(format!("the argument of {name} is a number")),
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// The number in the largest unit in which it is not below one.
fn scaled<'a>(number: f64, step: f64, units: &[&'a str]) -> (f64, &'a str) {
    let (mut value, mut unit) = (number, units.first().copied().unwrap_or_default());
    for larger in units.iter().skip(1) {
        // what rounding would make a whole step is one
        if value.abs() < step - 0.05 {
            break;
        }
        (value, unit) = (value / step, larger);
    }
    (value, unit)
}

/// With so many decimals at most, and none that is zero.
fn rounded(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
