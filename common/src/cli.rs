//! What the command lines of both programs share: flags, exit codes, and how an error is shown.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::config::ConfigError;
use crate::telemetry::{Format, Level};

/// The exit code for a bad configuration or a wrong command line (`EX_USAGE` of BSD's sysexits.h).
pub const EXIT_USAGE: u8 = 64;

/// The flags of both programs; `#[command(flatten)]` them into the program's own and use [`parse`].
#[derive(Clone, Debug, clap::Args)]
pub struct CommonArgs {
    /// The configuration file: YAML, TOML or JSON
    #[arg(id = CONFIG_FILE, long = "config.file", value_name = "PATH", global = true)]
    pub config_file: PathBuf,
    /// Where to listen, instead of what the configuration says
    #[arg(long = "web.listen-address", value_name = "HOST:PORT", global = true)]
    pub listen_address: Option<String>,
    /// The least urgent events that are logged
    #[arg(long = "log.level", value_enum, default_value_t, value_name = "LEVEL", global = true)]
    pub log_level: Level,
    /// The shape of a log line
    #[arg(long = "log.format", value_enum, default_value_t, value_name = "FORMAT", global = true)]
    pub log_format: Format,
}

const CONFIG_FILE: &str = "config_file";

/// Reads the command line of this process; `default_config` is the file used without `--config.file`.
///
/// # Errors
/// The exit code to end with: 0 after `--help` and `--version`, 64 after a usage error; both have been printed.
pub fn parse<P: CommandFactory + FromArgMatches>(default_config: &'static str) -> Result<P, ExitCode> {
    from(default_config, std::env::args_os()).map_err(|error| {
        // nobody is left to tell when stderr is closed
        let _ = error.print();
        if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS }
    })
}

/// The exit code of a program that ended with `result`, after showing the error with its causes on stderr.
#[must_use]
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("{}", sentence(&error));
    ExitCode::from(code(&error))
}

fn from<P: CommandFactory + FromArgMatches>(
    default_config: &'static str,
    args: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<P, clap::Error> {
    let command = P::command().mut_arg(CONFIG_FILE, |arg| arg.default_value(default_config).required(false));
    P::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// The error and its causes in one sentence; a cause that was quoted already is not said again.
fn sentence(error: &anyhow::Error) -> String {
    let causes = error.chain().map(ToString::to_string);
    causes
        .reduce(|said, cause| if said.ends_with(&cause) { said } else { format!("{said}: {cause}") })
        .unwrap_or_default()
}

fn code(error: &anyhow::Error) -> u8 {
    let usage = error.chain().any(|cause| cause.is::<ConfigError>() || cause.is::<clap::Error>());
    if usage { EXIT_USAGE } else { 1 }
}

#[cfg(test)]
mod tests;
