//! The whole loop on one machine with real data: exporter, Prometheus, Alertmanager and receiver on loopback, a replay of
//! real predictions and their late labels, and what people are told as it happens.
//!
//! Event time and the present: the exporter's windows follow the events' own time, a day of them a second; Prometheus sees
//! the present. So the shipped rules and routes are derived with shorter times, and with nothing else changed.

mod derive;
mod evidence;
mod mail;
mod metrics;
mod peers;
mod play;
mod processes;
mod progress;
mod stage;
mod story;
mod verdict;
mod watch;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use derive::Extras;
use mail::Mail;
use processes::Fleet;
use stage::Stage;

/// Replays real data through exporter, Prometheus, Alertmanager and receiver, and prints what people are told.
#[derive(Parser)]
#[command(name = "modelwatch-demo", version)]
struct Arguments {
    /// End when the story does: with 0 if everything expected was told exactly once, else with 1.
    #[arg(long)]
    once: bool,
    /// The clone of modelwatch.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
    root: PathBuf,
    /// A Slack incoming webhook that is told as well.
    #[arg(long, env = "SLACK_WEBHOOK_URL", hide_env_values = true)]
    slack_webhook_url: Option<String>,
    /// A mail server through which people are told as well: smtp://user:password@host:port?to=you@example.com
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    smtp_url: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\nmodelwatch-demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whatever happens, the programs that were started are ended before this returns.
async fn run(arguments: &Arguments) -> Result<()> {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        bail!("a TLS provider is installed already");
    }
    let given = |url: &Option<String>| url.clone().filter(|url| !url.is_empty());
    let mail = given(&arguments.smtp_url).map(|url| Mail::parse(&url)).transpose()?;
    let extras = Extras { slack: given(&arguments.slack_webhook_url), mail };
    let stage = Stage::new(&arguments.root, &extras)?;
    let mut fleet = Fleet::new(&stage.logs());
    let outcome = tokio::select! {
        outcome = perform(&stage, &mut fleet, arguments.once) => outcome,
        () = interrupted() => if arguments.once { Err(anyhow::anyhow!("interrupted before the story was over")) } else { Ok(()) },
    };
    fleet.end().await;
    outcome
}

async fn perform(stage: &Stage, fleet: &mut Fleet, once: bool) -> Result<()> {
    say("Starting exporter, receiver, Alertmanager and Prometheus on loopback …");
    stage.start(fleet).await?;
    play::introduce(stage);
    let verdict = play::play(stage, fleet).await?;
    say(&format!("\n{verdict}"));
    say(&format!("Evidence: {}", stage.folder.display()));
    if once {
        return if verdict.is_clean() {
            Ok(())
        } else {
            Err(anyhow::anyhow!("see {}", stage.logs().display()))
        };
    }
    say("The story is over; everything keeps running until Ctrl-C.");
    play::introduce(stage);
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.check()?;
    }
}

/// Waits for Ctrl-C, a request to end, or the end of the terminal.
async fn interrupted() {
    let asked = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    match asked {
        [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] => {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hangup.recv() => {} }
        }
        _ => std::future::pending().await,
    }
}

/// Prints at once, also into a pipe; a reader that left changes nothing.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
