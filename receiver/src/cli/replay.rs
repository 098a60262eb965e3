//! `modelwatch-receiver replay`: has the running receiver send dead letters again.

use std::io::{self, Write};

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use modelwatch_receiver_core::template::line;
use reqwest::StatusCode;

use super::client::{Client, ClientError};
use super::format::Format;
use crate::app::Origin;
use crate::history;
use crate::replay::{self, Answer, Replay, Request};

/// What stands below the flags.
pub(super) const EXAMPLES: &str = "\
Examples:
  modelwatch-receiver history --status dead
      what could not be delivered, why, and the ids
  modelwatch-receiver replay 019f0a51-7c1e-7d60-8b52-3d1f0c6a9b11
      sends one of them again
  modelwatch-receiver replay --dead --channel oncall --since 24h
      all of one channel that were accepted in the last day

A message is worded anew: it tells the present state, says that it is late, and is tried as long as a new one.
What has nothing left to tell (it was told later, or was over before anybody heard of it) is suppressed.
It ends with 0 if nothing that was asked for stays a dead letter; the history says whether it arrived.";

/// The flags of `replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The ids of dead letters, as `history` shows them
    #[arg(value_name = "NOTIFICATION_ID", required_unless_present = "dead", conflicts_with = "dead")]
    ids: Vec<String>,
    /// All dead letters
    #[arg(long)]
    dead: bool,
    /// With --dead: only those of this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// With --dead: only what was accepted since then, a time such as 2026-01-31T09:00:00Z or a duration such as 24h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How to print what came of each
    #[arg(long, default_value = "table", value_parser = Format::of_few())]
    format: Format,
}

/// Asks, and tells what came of each.
///
/// # Errors
/// Why it could not be asked for, or what is no dead letter.
pub(super) async fn run(origin: &Origin, args: ReplayArgs) -> anyhow::Result<()> {
    if !args.dead && (args.channel.is_some() || args.since.is_some()) {
        return Err(usage("--channel and --since choose among all dead letters: they go with --dead").into());
    }
    if let Some(since) = args.since.clone() {
        history::moment("--since", since, Timestamp::now()).map_err(|error| usage(&error.to_string()))?;
    }
    let request = Request { ids: args.ids, dead: args.dead, channel: args.channel, since: args.since };
    let client = Client::new(&origin.load()?.web)?;
    let replay: Replay = client.post(replay::PATH, &request).await.map_err(of_usage)?;
    print(&replay, args.format, &mut io::stdout().lock()).context("cannot write the answer")?;
    if replay.more {
        eprintln!("there are more dead letters: run it again");
    }
    verdict(&replay)
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

fn print(replay: &Replay, format: Format, out: &mut impl Write) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, replay)?;
        return writeln!(out);
    }
    if replay.notifications.is_empty() {
        return writeln!(out, "there are no dead letters");
    }
    for one in &replay.notifications {
        writeln!(out, "{:36}  {:10}  {}", line(&one.id), one.answer.words(), line(&one.detail))?;
    }
    out.flush()
}

fn verdict(replay: &Replay) -> anyhow::Result<()> {
    let done = |answer| matches!(answer, Answer::Queued | Answer::Suppressed);
    let left = replay.notifications.iter().filter(|one| !done(one.answer)).count();
    match (left, replay.notifications.len()) {
        (0, _) => Ok(()),
        (1, 1) => bail!("it was not queued"),
        (left, all) => bail!("{left} of {all} were not queued"),
    }
}
