//! Tells the story as the exporter's own gauges show it: where event time is, and what is known there.

use jiff::Timestamp;

use crate::metrics::sample;
use crate::story::{ARRIVALS, Chapter, LABELS, MODEL};

/// One line a week of events; chapters at once.
const WEEK: i64 = 7 * 86_400;

/// What was told so far.
pub(crate) struct Progress {
    arrivals: Thread,
    labels: Thread,
}

/// One of the two clocks that move on: predictions, then labels.
struct Thread {
    chapters: &'static [Chapter],
    told: usize,
    week: i64,
}

impl Thread {
    const fn new(chapters: &'static [Chapter]) -> Thread {
        Thread { chapters, told: 0, week: i64::MIN }
    }

    /// What is to be told at `now` (Unix seconds) and was not yet.
    fn advance(&mut self, now: i64, state: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(chapter) = self.chapters.get(self.told) {
            if chapter.at.parse::<Timestamp>().is_ok_and(|at| at.as_second() > now) {
                break;
            }
            self.told += 1;
            self.week = now.div_euclid(WEEK);
            let date = chapter.at.split_once('T').map_or(chapter.at, |(date, _)| date);
            lines.push(format!("{date}: {}", chapter.told));
        }
        if now.div_euclid(WEEK) > self.week {
            self.week = now.div_euclid(WEEK);
            lines.push(format!("{}: {state}", day(now)));
        }
        lines
    }
}

impl Progress {
    /// Nothing yet.
    pub(crate) fn new() -> Progress {
        Progress { arrivals: Thread::new(&ARRIVALS), labels: Thread::new(&LABELS) }
    }

    /// The lines that the exporter's `/metrics` now call for.
    pub(crate) fn lines(&mut self, metrics: &str) -> Vec<String> {
        let day = [("model", MODEL), ("segment", ""), ("window", "1d")];
        let model = [("model", MODEL)];
        let mut lines = Vec::new();
        if let Some(now) = sample(metrics, "modelwatch_exporter_model_clock_seconds", &model) {
            let state = arrivals_state(metrics, &day).unwrap_or_else(|| "too few rows yet".to_owned());
            lines.extend(
                self.arrivals
                    .advance(now as i64, &state)
                    .into_iter()
                    .map(|line| format!("event time {line}")),
            );
        }
        let horizon = [("model", MODEL), ("window", "1d")];
        if let Some(end) = sample(metrics, "model_quality_window_end_timestamp_seconds", &horizon) {
            let accuracy = sample(metrics, "model_accuracy", &day);
            let state =
                accuracy.map_or_else(String::new, |accuracy| format!("accuracy of the day {accuracy:.3}"));
            lines.extend(
                self.labels.advance(end as i64, &state).into_iter().map(|line| format!("labels for {line}")),
            );
        }
        lines
    }
}

fn arrivals_state(metrics: &str, labels: &[(&str, &str)]) -> Option<String> {
    let rows = sample(metrics, "data_window_rows", labels)?;
    let drifted = sample(metrics, "data_drifted_features", labels)?;
    let monitored = sample(metrics, "data_monitored_features", labels)?;
    Some(format!("{rows} rows in the day, {drifted} of {monitored} features drifted"))
}

fn day(second: i64) -> String {
    Timestamp::from_second(second)
        .map_or_else(|_| second.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(clock: &str) -> String {
        let clock: Timestamp = clock.parse().unwrap();
        format!("modelwatch_exporter_model_clock_seconds{{model=\"employment\"}} {}\n", clock.as_second())
    }

    #[test]
    fn a_chapter_is_told_once_when_its_time_has_come() {
        let mut progress = Progress::new();
        let first = progress.lines(&metrics("2016-01-01T06:00:00Z"));
        assert!(first[0].starts_with("event time 2016-01-01: people of all ages arrive"), "{first:?}");
        assert!(progress.lines(&metrics("2016-01-02T00:00:00Z")).is_empty());
        let shift = progress.lines(&metrics("2016-01-14T00:00:01Z"));
        assert!(shift[0].contains("only people of 16 to 24"), "{shift:?}");
        assert!(progress.lines(&metrics("2016-01-14T06:00:00Z")).is_empty());
    }

    #[test]
    fn a_step_over_several_chapters_tells_them_all() {
        let told = Progress::new().lines(&metrics("2016-02-19T23:00:00Z"));
        assert_eq!(told.len(), ARRIVALS.len());
    }
}
