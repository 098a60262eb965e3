//! Moments and how long things last.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Call, text};
use crate::template::language::Language;

/// How a moment is written unless another way is asked for, in the words of `strftime`.
const USUAL: &str = "%Y-%m-%d %H:%M %Z";

/// `{{datetime alert.starts_at}}`: `2026-11-22 06:20 UTC`, in the zone of the templates; `{{datetime at "Asia/Seoul" "%H:%M"}}`
/// in a zone of the IANA time zone database and in a format of `strftime`.
pub(super) fn datetime(call: &Call<'_>) -> Result<Value, String> {
    let time = moment(call.argument(0)?).ok_or("the argument of datetime is a time")?;
    let zone = match call.optional(1) {
        None => call.means.locale.zone.clone(),
        Some(name) => TimeZone::get(&name)
            .map_err(|_| format!("there is no time zone `{name}`, expected one such as Asia/Seoul"))?,
    };
    let format = call.optional(2).unwrap_or_else(|| USUAL.to_owned());
    let written = strtime::format(&format, &time.to_zoned(zone));
    written.map(Value::String).map_err(|_| format!("`{format}` is no format of strftime such as {USUAL}"))
}

/// `{{since alert.starts_at}}`: how long ago it was when the message was made; `{{since begin end}}` from one to the other.
pub(super) fn since(call: &Call<'_>) -> Result<Value, String> {
    let from = moment(call.argument(0)?).ok_or("the argument of since is a time")?;
    let to = call.arguments.get(1).copied().or_else(|| call.data.get("at"));
    let to = to.and_then(moment).ok_or("since has no time to count to, give it a second one")?;
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    Ok(words(u64::try_from(seconds).unwrap_or_default(), call.means.locale.language).into())
}

/// `{{duration alert.seconds}}`: `45s`, `12m`, `3h 5m`, `2d 4h`.
pub(super) fn duration(call: &Call<'_>) -> Result<Value, String> {
    let seconds = call.argument(0)?.as_u64().ok_or("the argument of duration is a number of seconds")?;
    Ok(words(seconds, call.means.locale.language).into())
}

fn moment(value: &Value) -> Option<Timestamp> {
    text(value).parse().ok()
}

fn words(seconds: u64, language: Language) -> String {
    let [second, minute, hour, day] = match language {
        Language::English => ["s", "m", "h", "d"],
        Language::Korean => ["초", "분", "시간", "일"],
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}{second}"),
        (0, 0, _) => format!("{minutes}{minute}"),
        (0, ..) => format!("{hours}{hour} {}{minute}", minutes % 60),
        _ => format!("{days}{day} {}{hour}", hours % 24),
    }
}
