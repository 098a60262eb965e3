//! The command line: which program is meant, and with which configuration.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use modelwatch_common::cli::{CommonArgs, exit, parse};
use modelwatch_common::config::Environment;
use modelwatch_common::telemetry;

use crate::app::{self, Origin};
use crate::store::Store;

mod check_config;
mod client;
mod export_templates;
mod format;
pub mod history;
mod render;
mod replay;
mod send_test;

/// The configuration file unless another is named.
const DEFAULT_FILE: &str = "receiver.yaml";

/// Takes Alertmanager webhooks, says each thing once to the right people, and remembers it.
#[derive(Debug, Parser)]
#[command(name = "modelwatch-receiver", version)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run (the default)
    Serve,
    /// Load and validate the configuration and its templates, and print every fault
    CheckConfig,
    /// Print what a channel would send
    #[command(after_help = render::EXAMPLES)]
    Render(render::RenderArgs),
    /// Write the built-in templates into files to change
    ExportTemplates(export_templates::ExportArgs),
    /// Print who was told what, when, and with what result
    History(history::HistoryArgs),
    /// Send a test through the running receiver and print what each destination answers
    #[command(after_help = send_test::EXAMPLES)]
    SendTest(send_test::SendTestArgs),
    /// Have the running receiver send dead letters again
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::ReplayArgs),
}

/// Runs what the command line of this process asks for.
pub fn run() -> ExitCode {
    match parse::<Args>(DEFAULT_FILE) {
        Ok(args) => exit(dispatch(args)),
        Err(code) => code,
    }
}

fn dispatch(args: Args) -> anyhow::Result<()> {
    telemetry::init(args.common.log_level, args.common.log_format)?;
    let origin = Origin {
        file: args.common.config_file,
        listen: args.common.listen_address,
        environment: Environment::of_process(),
        log_level: args.common.log_level,
    };
    match args.command.unwrap_or(Command::Serve) {
        Command::Serve => run_to_end(app::serve(origin)),
        Command::CheckConfig => check_config::run(&origin),
        Command::Render(args) => render::run(&origin, &args),
        Command::ExportTemplates(args) => export_templates::run(&origin, &args),
        Command::History(args) => run_to_end(print_history(&origin, &args)),
        Command::SendTest(args) => run_to_end(send_test::run(&origin, args)),
        Command::Replay(args) => run_to_end(replay::run(&origin, args)),
    }
}

/// Runs a command to its end. What may still run away from the I/O threads then, such as a template that does not end, is left
/// there and ends with the process.
fn run_to_end(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

async fn print_history(origin: &Origin, args: &history::HistoryArgs) -> anyhow::Result<()> {
    let filter = args.filter(Timestamp::now())?;
    let config = origin.load()?;
    let store = Store::open_to_read(&config.store.place).await?;
    args.print(&store, filter, &mut std::io::stdout().lock()).await
}
