//! What the receiver can do on this machine, as a Markdown table: how many webhooks it puts on disk, how soon a message is
//! there, what a queue and a long history cost. Alertmanager does what it can of the same, in the same run.
//!
//! It starts the built programs on loopback and speaks to them as anybody would. It judges nothing: machines differ.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};

mod bodies;
mod figures;
mod history;
mod intake;
mod latency;
mod load;
mod machine;
mod program;
mod queue;
mod report;
mod stand_in;
mod start;

use report::Report;

/// Measures the receiver and prints a Markdown table.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program to measure.
    #[arg(long, default_value = "target/release/modelwatch-receiver")]
    receiver: PathBuf,
    /// How many seconds each load lasts.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How often each load is repeated; the median is told.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many notifications the history has.
    #[arg(long, default_value_t = 1_000_000)]
    notifications: u64,
    /// How many notifications wait in the longest queue.
    #[arg(long, default_value_t = 100_000)]
    queue: u64,
    /// Only these parts, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Puts the tables between the markers of docs/benchmarks.md too.
    #[arg(long)]
    write: bool,
}

/// What can be measured for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Webhooks accepted under load.
    Intake,
    /// From a webhook to its message.
    Latency,
    /// Memory against the length of a queue.
    Queue,
    /// Reading a long history.
    History,
    /// How soon it starts, and how big it is.
    Start,
}

/// Where the tables of this program stand.
const DOCUMENT: &str = "docs/benchmarks.md";

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    sqlx::any::install_default_drivers();
    // one thread: whoever measures shares the processors with what is measured
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = runtime.block_on(measure(&arguments))?;
    if arguments.write {
        report::write(Path::new(DOCUMENT), &text)?;
    }
    println!("{text}");
    Ok(())
}

async fn measure(arguments: &Arguments) -> Result<String> {
    let receiver = arguments.receiver.as_path();
    std::fs::metadata(receiver).with_context(|| format!("there is no program {}", receiver.display()))?;
    // beside the program, on a real disk: /tmp may be memory
    let place =
        tempfile::Builder::new().prefix("bench-").tempdir_in(receiver.parent().unwrap_or(Path::new(".")))?;
    let mut report = Report::default();
    report.line(&machine::describe(place.path())?);
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let seconds = Duration::from_secs(arguments.seconds);
    if wanted(Part::Start) {
        report.section(&start::measure(receiver, place.path()).await?);
    }
    if wanted(Part::Intake) {
        report.section(&intake::measure(receiver, place.path(), seconds, arguments.rounds).await?);
    }
    if wanted(Part::Latency) {
        report.section(&latency::measure(receiver, place.path()).await?);
    }
    if wanted(Part::Queue) {
        report.section(&queue::measure(receiver, place.path(), arguments.queue).await?);
    }
    if wanted(Part::History) {
        report.section(&history::measure(receiver, place.path(), arguments.notifications).await?);
    }
    report.line(&machine::disk_line("At the end", place.path())?);
    Ok(report.into_text())
}
