//! Hours become seconds: every duration of a configuration divided by one factor, down to a floor.
//!
//! Never touches a threshold: what is compared stays as it was written.

use std::time::Duration;

/// How much faster the demo's clocks run: an hour of the rules is 3 seconds.
pub(crate) const FACTOR: u32 = 1200;

/// The shortest time between two scrapes or evaluations.
pub(crate) const TICK: Duration = Duration::from_millis(500);
/// The shortest time that a rule looks back or waits: a few ticks, so that one slow scrape changes nothing.
pub(crate) const LOOK: Duration = Duration::from_secs(2);
/// The shortest time between two notifications of one group.
pub(crate) const GROUP: Duration = Duration::from_secs(1);

/// The value of `key`, shorter if it is a duration of Prometheus or Alertmanager; else as it is.
pub(crate) fn shorten_value(key: &str, value: &str) -> String {
    let floor = match key {
        "scrape_interval" | "evaluation_interval" | "interval" => TICK,
        "for" | "keep_firing_for" => LOOK,
        "group_interval" | "repeat_interval" | "resolve_timeout" => GROUP,
        "group_wait" => Duration::ZERO,
        "expr" => return shorten_ranges(value),
        _ => return value.to_owned(),
    };
    shorten(value, floor).unwrap_or_else(|| value.to_owned())
}

/// Every `[1h]` and `[1h:5m]` of an expression, shorter.
fn shorten_ranges(expr: &str) -> String {
    let mut pieces = expr.split('[');
    let mut short = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (range, rest) = piece.split_once(']').unwrap_or((piece, ""));
        let steps: Option<Vec<String>> = range.split(':').map(|part| shorten(part, LOOK)).collect();
        let range = steps.map_or_else(|| range.to_owned(), |steps| steps.join(":"));
        short.push_str(&format!("[{range}]{rest}"));
    }
    short
}

/// `None` when `text` is no duration. Zero stays zero: it means "at once".
fn shorten(text: &str, floor: Duration) -> Option<String> {
    let long = parse(text)?;
    let short = if long.is_zero() { long } else { (long / FACTOR).max(floor).min(long) };
    Some(format!("{}ms", short.as_millis()))
}

/// A duration as Prometheus writes it: numbers with `ms`, `s`, `m`, `h`, `d`, `w`, `y`, one after the other.
fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        total += milliseconds(unit)? * number.parse::<u32>().ok()?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

fn milliseconds(unit: &str) -> Option<Duration> {
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(1)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_becomes_three_seconds() {
        assert_eq!(shorten_value("for", "1h"), "3000ms");
        assert_eq!(shorten_value("repeat_interval", "1h30m"), "4500ms");
    }

    #[test]
    fn short_times_stop_at_their_floor_and_nothing_becomes_longer() {
        assert_eq!(shorten_value("for", "5m"), "2000ms");
        assert_eq!(shorten_value("scrape_interval", "15s"), "500ms");
        assert_eq!(shorten_value("group_wait", "30s"), "25ms");
        assert_eq!(shorten_value("for", "1s"), "1000ms");
    }

    #[test]
    fn zero_stays_zero() {
        assert_eq!(shorten_value("for", "0m"), "0ms");
        assert_eq!(shorten_value("group_wait", "0s"), "0ms");
    }

    #[test]
    fn ranges_shorten_while_labels_and_thresholds_stay() {
        let expr = r#"increase(x{window="1d",kind=~"[a-z]"}[1h]) > 3600 or max_over_time(y[1d:10m]) > 0.25"#;
        let short = r#"increase(x{window="1d",kind=~"[a-z]"}[3000ms]) > 3600 or max_over_time(y[72000ms:2000ms]) > 0.25"#;
        assert_eq!(shorten_value("expr", expr), short);
    }

    #[test]
    fn what_is_no_duration_stays() {
        assert_eq!(shorten_value("for", "soon"), "soon");
        assert_eq!(shorten_value("window", "1d"), "1d");
        assert_eq!(shorten_value("interval", ""), "");
    }
}
