//! How far a replay is: counted here, shown on stderr as one line that a terminal redraws and a log gets now and then.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use modelwatch_exporter_core::time::Time;

use super::batch::Batch;
use super::sender::{LineError, Outcome};

/// How many of the exporter's error messages are shown at the end.
const SHOWN_ERRORS: usize = 5;

/// What has been sent and what became of it.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    rows: u64,
    predictions: u64,
    events: u64,
    accepted: u64,
    rejected: u64,
    time: Option<Time>,
    errors: Vec<LineError>,
}

impl Progress {
    /// Nothing is sent of so many predictions.
    pub(super) fn new(rows: u64) -> Progress {
        Progress { rows, predictions: 0, events: 0, accepted: 0, rejected: 0, time: None, errors: Vec::new() }
    }

    /// Counts a batch; an error is remembered by the number of its event in the whole replay, each message once.
    pub(super) fn count(&mut self, batch: &Batch, outcome: Outcome) {
        for LineError { line, error } in outcome.errors {
            if self.errors.len() < SHOWN_ERRORS && self.errors.iter().all(|known| known.error != error) {
                self.errors.push(LineError { line: self.events + line, error });
            }
        }
        self.events += batch.events as u64;
        self.predictions += batch.predictions as u64;
        self.accepted += outcome.accepted;
        self.rejected += outcome.rejected;
        self.time = Some(batch.last);
    }

    /// Whether events were sent and not one was accepted: no reason to send the rest.
    pub(super) fn is_hopeless(&self) -> bool {
        self.events > 0 && self.accepted == 0
    }

    /// The exporter's first error messages, each with the number of its event.
    pub(super) fn errors(&self) -> impl Iterator<Item = String> {
        self.errors.iter().map(|LineError { line, error }| format!("event {line}: {error}"))
    }

    /// One line that says how far it is.
    pub(super) fn line(&self, elapsed: Duration) -> String {
        let share = 100 * self.predictions / self.rows.max(1);
        let labels = self.events - self.predictions;
        let mut line = format!(
            "{share} %: {} of {} predictions, {} labels, {} rejected",
            grouped(self.predictions),
            grouped(self.rows),
            grouped(labels),
            grouped(self.rejected),
        );
        if let Some(time) = self.time {
            // Seconds are enough for a person.
            let _ = write!(line, ", at {}", Time(time.0 - time.0.rem_euclid(1000)));
        }
        let _ = write!(line, ", {} events/s", grouped(self.rate(elapsed)));
        line
    }

    /// What is said at the end.
    pub(super) fn summary(&self, elapsed: Duration, unused_labels: usize) -> String {
        let labels = self.events - self.predictions;
        let mut text = format!(
            "sent {} events ({} predictions, {} labels) in {:.1} s, {} a second: {} accepted, {} rejected",
            grouped(self.events),
            grouped(self.predictions),
            grouped(labels),
            elapsed.as_secs_f64(),
            grouped(self.rate(elapsed)),
            grouped(self.accepted),
            grouped(self.rejected),
        );
        for error in self.errors() {
            let _ = write!(text, "\n  {error}");
        }
        if unused_labels > 0 {
            let _ =
                write!(text, "\n{} labels belong to no row and were not sent", grouped(unused_labels as u64));
        }
        text
    }

    fn rate(&self, elapsed: Duration) -> u64 {
        (self.events as f64 / elapsed.as_secs_f64().max(1e-3)).round() as u64
    }
}

/// Shows progress on stderr.
#[derive(Debug)]
pub(super) struct Reporter {
    progress: Progress,
    start: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Reporter {
    pub(super) fn new(progress: Progress) -> Reporter {
        Reporter { progress, start: Instant::now(), shown: None, terminal: std::io::stderr().is_terminal() }
    }

    /// What has been counted.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// A batch has been answered.
    pub(super) fn sent(&mut self, batch: &Batch, outcome: Outcome) {
        self.progress.count(batch, outcome);
        let every = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
        if self.shown.unwrap_or(self.start).elapsed() >= every {
            self.shown = Some(Instant::now());
            self.show(&self.progress.line(self.start.elapsed()));
        }
    }

    /// A batch is going to be sent again.
    pub(super) fn waiting(&self, reason: &str) {
        self.show(&format!("waiting for the exporter: {reason}"));
    }

    /// The last line stands; what comes next begins a new one.
    pub(super) fn end(&self) {
        if self.terminal {
            self.show(&self.progress.line(self.start.elapsed()));
            eprintln!();
        }
    }

    /// What is said when all is sent.
    pub(super) fn summary(&self, unused_labels: usize) {
        eprintln!("{}", self.progress.summary(self.start.elapsed(), unused_labels));
    }

    fn show(&self, line: &str) {
        let mut stderr = std::io::stderr().lock();
        // Progress nobody can see is no reason to stop.
        let _ = if self.terminal { write!(stderr, "\r\x1b[K{line}") } else { writeln!(stderr, "{line}") };
        let _ = stderr.flush();
    }
}

/// A count with thin groups of three digits: 208 892.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(events: usize, predictions: usize) -> Batch {
        let last = Time(1_451_606_400_250);
        Batch { first: Time(0), last, events, predictions, body: bytes::Bytes::new() }
    }

    fn rejected(lines: &[u64], error: &str) -> Outcome {
        let errors =
            lines.iter().map(|&line| LineError { line, error: error.to_owned() }).collect::<Vec<_>>();
        Outcome { accepted: 998, rejected: errors.len() as u64, errors }
    }

    #[test]
    fn a_line_says_how_far_it_is() {
        let mut progress = Progress::new(208_892);
        progress.count(&batch(1_000, 900), rejected(&[3, 7], "no"));
        assert_eq!(
            progress.line(Duration::from_millis(500)),
            "0 %: 900 of 208 892 predictions, 100 labels, 2 rejected, at 2016-01-01T00:00:00Z, 2 000 events/s"
        );
    }

    #[test]
    fn the_summary_shows_every_error_once_with_its_event() {
        let mut progress = Progress::new(2_000);
        progress.count(&batch(1_000, 1_000), rejected(&[3, 7], "unknown model"));
        progress.count(&batch(1_000, 1_000), rejected(&[5], "no usable prediction"));
        let summary = progress.summary(Duration::from_secs(2), 4);
        assert_eq!(
            summary,
            "sent 2 000 events (2 000 predictions, 0 labels) in 2.0 s, 1 000 a second: 1 996 accepted, 3 rejected\n  \
             event 3: unknown model\n  \
             event 1005: no usable prediction\n\
             4 labels belong to no row and were not sent"
        );
    }

    #[test]
    fn a_replay_is_hopeless_only_while_nothing_was_accepted() {
        let mut progress = Progress::new(10);
        assert!(!progress.is_hopeless());
        progress.count(&batch(5, 5), Outcome { accepted: 0, rejected: 5, errors: Vec::new() });
        assert!(progress.is_hopeless());
        progress.count(&batch(5, 5), Outcome { accepted: 5, rejected: 0, errors: Vec::new() });
        assert!(!progress.is_hopeless());
    }
}
