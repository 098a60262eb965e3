//! The answers for people, a line as each comes in, or for programs, all at once. What is not an answer goes to stderr.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use modelwatch_common::config::Span;
use modelwatch_receiver_core::alert::Labels;
use modelwatch_receiver_core::template::line;
use serde::Serialize;

use super::answer::{Answer, Destination};
use crate::drill::Begun;

/// Writes what the drill came to.
pub(super) struct Printer<'a, W: Write> {
    out: &'a mut W,
    for_programs: bool,
    width: usize,
}

/// All of it, for programs.
#[derive(Serialize)]
struct Whole<'a> {
    delivered: bool,
    labels: &'a Labels,
    routes: &'a [usize],
    heartbeat: Option<&'a str>,
    destinations: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    destination: &'a Destination,
    /// Said only of those that have no answer of their own.
    #[serde(rename = "answer", skip_serializing_if = "Option::is_none")]
    silent: Option<&'static str>,
}

impl<'a, W: Write> Printer<'a, W> {
    pub(super) fn new(out: &'a mut W, for_programs: bool, begun: &Begun) -> Self {
        let widths = begun.notifications.iter().map(|told| told.channel.chars().count());
        Printer { out, for_programs, width: widths.max().unwrap_or_default() }
    }

    /// Says who is told and why.
    pub(super) fn way(&mut self, begun: &Begun) -> io::Result<()> {
        if self.for_programs || begun.notifications.is_empty() {
            return Ok(());
        }
        let routes: Vec<String> = begun.routes.iter().map(|number| format!("routes[{number}]")).collect();
        let by = if routes.is_empty() {
            "goes past the routes".to_owned()
        } else {
            format!("goes by {}", routes.join(", "))
        };
        let to: Vec<String> = begun.notifications.iter().map(|told| line(&told.channel)).collect();
        writeln!(self.out, "a test with {} {by} to {}", labels(&begun.labels), to.join(", "))?;
        self.out.flush()
    }

    /// Says what one destination answered.
    pub(super) fn line(&mut self, destination: &Destination, timeout: Span) -> io::Result<()> {
        if self.for_programs {
            return Ok(());
        }
        let (answer, words) = words(destination.answer.as_ref(), timeout);
        let (channel, width) = (line(&destination.channel), self.width);
        writeln!(self.out, "{channel:width$}  {answer:19}  {}", line(&words))?;
        self.out.flush()
    }

    /// Says who is still waited for, to whoever looks on.
    pub(super) fn waiting(&self, destinations: &[Destination]) {
        let waiting: Vec<String> = destinations
            .iter()
            .filter(|destination| destination.answer.is_none())
            .map(|destination| line(&destination.channel))
            .collect();
        eprintln!("waiting for {} …", waiting.join(", "));
    }

    /// Says all of it, to programs.
    pub(super) fn end(&mut self, begun: &Begun, destinations: &[Destination]) -> io::Result<()> {
        if !self.for_programs {
            return Ok(());
        }
        let delivered =
            |destination: &Destination| matches!(destination.answer, Some(Answer::Delivered { .. }));
        let silent = |destination: &Destination| destination.answer.is_none().then_some("none");
        let whole = Whole {
            delivered: !destinations.is_empty() && destinations.iter().all(delivered),
            labels: &begun.labels,
            routes: &begun.routes,
            heartbeat: begun.heartbeat.as_deref(),
            destinations: destinations
                .iter()
                .map(|destination| One { destination, silent: silent(destination) })
                .collect(),
        };
        serde_json::to_writer_pretty(&mut *self.out, &whole)?;
        writeln!(self.out)
    }
}

/// `alertname=ModelwatchTest environment=dev`, without what could steer a terminal.
pub(super) fn labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| line(&format!("{name}={value}"))).collect();
    pairs.join(" ")
}

fn words(answer: Option<&Answer>, timeout: Span) -> (&'static str, String) {
    match answer {
        Some(Answer::Delivered { detail }) => ("delivered", detail.clone()),
        Some(Answer::Refused { reason, detail }) => {
            ("refused", format!("{}; a dead letter, it is not tried again", because(reason, detail)))
        }
        Some(Answer::Retrying { reason, detail, next_attempt_at }) => {
            let at = next_attempt_at.map(|at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC"));
            let next = at.map_or_else(|| "next at once".to_owned(), |at| format!("next at {at}"));
            ("will be tried again", format!("{}; {next}", because(reason, detail)))
        }
        Some(Answer::Suppressed { reason }) => ("suppressed", reason.clone()),
        None => {
            ("no answer yet", format!("nothing came back within {timeout}; the history will say what did"))
        }
    }
}

fn because(reason: &str, detail: &str) -> String {
    if reason.is_empty() { detail.to_owned() } else { format!("{reason}: {detail}") }
}
