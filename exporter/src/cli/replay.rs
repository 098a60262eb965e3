//! `replay`: sends a file of rows to an exporter as if they happened, predictions and their late labels in event time.
//!
//! One blocking thread reads rows, orders them and packs batches; this side paces, sends and reports. Between them stand a
//! few batches at most, so memory holds the labels and no more of the rows than a batch, unless they are out of order.

mod args;
mod batch;
mod event;
mod labels;
mod moments;
mod plan;
mod progress;
mod roles;
mod rows;
mod sender;

use std::time::Duration;

use anyhow::{Context, bail};
use clap::error::ErrorKind;
use modelwatch_exporter_core::time::Time;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use args::ReplayArgs;
use batch::Batch;
use plan::Plan;
use progress::{Progress, Reporter};
use sender::Sender;

/// Batches that wait for the server; each is at most a few MiB before compression.
const WAITING_BATCHES: usize = 4;

/// Replays a file, with progress on stderr, and ends with a summary there.
///
/// # Errors
/// A usage error (a [`clap::Error`]) for arguments and files that cannot be right, before anything is sent; otherwise what
/// made it stop: rows that cannot be read, or a server that refuses or stays away.
pub async fn run(args: ReplayArgs) -> anyhow::Result<()> {
    let sender = Sender::new(&args).map_err(|error| usage(&error))?;
    let plan = Plan::new(&args).map_err(|error| usage(&error))?;
    for warning in plan.warnings() {
        eprintln!("{warning}");
    }
    let mut reporter = Reporter::new(Progress::new(plan.rows()));
    let (batches, rows) = produce(plan);
    let sent = send(batches, &sender, args.speed, &mut reporter).await;
    reporter.end();
    sent.context("the replay stopped")?;
    let unused_labels = rows.await.context("the reading thread broke off")??;
    reporter.summary(unused_labels);
    Ok(())
}

/// Starts the thread that reads rows; its result is the number of labels for which there was no row.
fn produce(plan: Plan) -> (mpsc::Receiver<Batch>, JoinHandle<anyhow::Result<usize>>) {
    let (batches, waiting) = mpsc::channel(WAITING_BATCHES);
    // When the receiver is gone, the replay has stopped and the thread ends without a word.
    let thread = tokio::task::spawn_blocking(move || plan.run(|batch| batches.blocking_send(batch).is_ok()));
    (waiting, thread)
}

async fn send(
    mut batches: mpsc::Receiver<Batch>,
    sender: &Sender,
    speed: Option<f64>,
    reporter: &mut Reporter,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut first = None;
    for number in 0.. {
        let Some(batch) = batches.recv().await else { break };
        let first = *first.get_or_insert(batch.first);
        if let Some(speed) = speed {
            tokio::time::sleep_until(start + due(first, batch.last, speed)).await;
        }
        let outcome = sender.send(&batch, number, |reason| reporter.waiting(reason)).await?;
        reporter.sent(&batch, outcome);
        if reporter.progress().is_hopeless() {
            let errors: Vec<String> = reporter.progress().errors().collect();
            bail!("none of the first {} events was accepted: {}", batch.events, errors.join("; "));
        }
    }
    Ok(())
}

/// How long after the start a moment comes at a speed in event-time seconds per second; a century when it never would.
fn due(first: Time, moment: Time, speed: f64) -> Duration {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    let seconds = moment.since(first).as_secs_f64() / speed;
    Duration::try_from_secs_f64(seconds).map_or(CENTURY, |wait| wait.min(CENTURY))
}

fn usage(error: &anyhow::Error) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{error:#}")).into()
}

#[cfg(test)]
mod tests;
