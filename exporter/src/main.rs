//! The entry point: reads the command line, runs it, turns the result into an exit code.

use std::process::ExitCode;

use modelwatch_common::cli;
use modelwatch_common::config::Environment;
use modelwatch_exporter::cli::{Cli, DEFAULT_CONFIG};

#[tokio::main]
async fn main() -> ExitCode {
    // two TLS providers could not choose between themselves
    let _ = rustls::crypto::ring::default_provider().install_default();
    match cli::parse::<Cli>(DEFAULT_CONFIG) {
        Ok(cli) => cli::exit(cli.run(Environment::of_process()).await),
        Err(code) => code,
    }
}
