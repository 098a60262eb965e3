//! `modelwatch-receiver send-test`: a fire drill through the running receiver, and what each destination answers.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use modelwatch_common::config::Span;
use modelwatch_receiver_core::alert::Labels;
use reqwest::StatusCode;

use super::client::{Client, ClientError};
use super::format::Format;
use crate::app::Origin;
use crate::drill::{self, Begun, Request};

mod answer;
mod print;

use answer::{Answer, Destination, Seen};
use print::Printer;

/// How often the receiver is asked what became of the test.
const POLL: Duration = Duration::from_millis(150);

/// How often somebody who waits is told that it goes on.
const STILL: Duration = Duration::from_secs(5);

/// What stands below the flags.
pub(super) const EXAMPLES: &str = "\
Examples:
  modelwatch-receiver send-test
      a test alert with alertname=ModelwatchTest, to whom the routes say
  modelwatch-receiver send-test --route severity=critical --route environment=prod
      who would be told of such an alert, and whether it reaches them
  modelwatch-receiver send-test --channel oncall-mail
      one channel, whatever the routes say

The test goes the way of every alert: it is stored, worded by the channel's template, sent, tried again
and listed in the history (kind test). It is marked as a test, is no copy of another, and feeds no heartbeat.
It ends with 0 only if every destination took it.";

/// The flags of `send-test`.
#[derive(Debug, Args)]
pub(super) struct SendTestArgs {
    /// Tell only this channel, whatever the routes say
    #[arg(long, value_name = "NAME", conflicts_with = "route")]
    channel: Option<String>,
    /// Give the test alert this label (once for each) and tell whom the routes say
    #[arg(long, value_name = "LABEL=VALUE", value_parser = label)]
    route: Vec<(String, String)>,
    /// How long to wait for the destinations' answers
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    timeout: Span,
    /// How to print the answers
    #[arg(long, default_value = "table", value_parser = Format::of_few())]
    format: Format,
}

/// Begins a drill and tells what came of it.
///
/// # Errors
/// Why it could not begin, or who was not reached.
pub(super) async fn run(origin: &Origin, args: SendTestArgs) -> anyhow::Result<()> {
    let request = args.request()?;
    let client = Client::new(&origin.load()?.web)?;
    let begun: Begun = client.post(drill::PATH, &request).await.map_err(of_usage)?;
    let mut out = std::io::stdout().lock();
    let mut printer = Printer::new(&mut out, args.format == Format::Json, &begun);
    printer.way(&begun).context("cannot write the answer")?;
    let destinations = follow(&client, &begun, args.timeout, &mut printer).await?;
    printer.end(&begun, &destinations).context("cannot write the answer")?;
    verdict(&begun, &destinations)
}

impl SendTestArgs {
    fn request(&self) -> Result<Request, clap::Error> {
        let mut labels = Labels::new();
        for (name, value) in &self.route {
            if labels.insert(name.clone(), value.clone()).is_some() {
                return Err(usage(&format!("--route: the label `{name}` is given twice")));
            }
        }
        Ok(Request { channel: self.channel.clone(), labels })
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let (name, value) = parts.ok_or("expected LABEL=VALUE, such as severity=critical")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn usage(what: &str) -> clap::Error {
    clap::Error::raw(clap::error::ErrorKind::ValueValidation, what)
}

/// A channel that there is not is a wrong flag.
fn of_usage(error: ClientError) -> anyhow::Error {
    match error.said(StatusCode::UNPROCESSABLE_ENTITY) {
        Some(said) => usage(&format!("--channel: {said}")).into(),
        None => error.into(),
    }
}

/// Asks until every destination has answered or the time is over.
async fn follow(
    client: &Client,
    begun: &Begun,
    timeout: Span,
    printer: &mut Printer<'_, impl Write>,
) -> anyhow::Result<Vec<Destination>> {
    let began = Instant::now();
    let mut destinations: Vec<Destination> = begun.notifications.iter().map(Destination::waiting).collect();
    let mut told_at = Duration::ZERO;
    loop {
        for destination in destinations.iter_mut().filter(|destination| destination.answer.is_none()) {
            let seen: Seen = client.get(&format!("/api/v1/notifications/{}", destination.id)).await?;
            if let Some(answer) = Answer::of(seen) {
                destination.answer = Some(answer);
                printer.line(destination, timeout).context("cannot write the answer")?;
            }
        }
        let waited = began.elapsed();
        if destinations.iter().all(|destination| destination.answer.is_some()) {
            return Ok(destinations);
        }
        if waited >= timeout.duration() {
            for destination in destinations.iter().filter(|destination| destination.answer.is_none()) {
                printer.line(destination, timeout).context("cannot write the answer")?;
            }
            return Ok(destinations);
        }
        if told_at.is_zero() || waited >= told_at + STILL {
            told_at = waited;
            printer.waiting(&destinations);
        }
        tokio::time::sleep(POLL.min(timeout.duration().saturating_sub(waited))).await;
    }
}

fn verdict(begun: &Begun, destinations: &[Destination]) -> anyhow::Result<()> {
    let labels = print::labels(&begun.labels);
    if let Some(heartbeat) = &begun.heartbeat {
        bail!(
            "an alert with {labels} feeds the heartbeat `{heartbeat}` and nobody is told of it; the test did not feed it"
        );
    }
    if destinations.is_empty() {
        bail!("no route takes an alert with {labels}: nobody would be told of it");
    }
    let missed: Vec<&str> = destinations
        .iter()
        .filter(|destination| !matches!(destination.answer, Some(Answer::Delivered { .. })))
        .map(|destination| destination.channel.as_str())
        .collect();
    if !missed.is_empty() {
        bail!("the test did not reach {}", missed.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
