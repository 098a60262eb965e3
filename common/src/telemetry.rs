//! Logs: full sentences with fields, on stderr, as logfmt or JSON.
//!
//! Only modelwatch's own events follow the chosen level; libraries speak at `warn`, because what they log
//! at lower levels holds addresses and payloads.

use clap::ValueEnum;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// The least urgent events that are logged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Level {
    /// Failures only.
    Error,
    /// And what someone should look at.
    Warn,
    /// And what happens: starts, reloads, deliveries.
    #[default]
    Info,
    /// And how it happens.
    Debug,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// `level=info msg="…" key=value`
    #[default]
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// Logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A subscriber was there already.
    #[error("logging was already set up in this process")]
    AlreadySet(#[from] TryInitError),
}

/// Sends this process's events to stderr from now on. To be called once, first thing in `main`.
///
/// # Errors
/// When logging was set up before.
pub fn init(level: Level, format: Format) -> Result<(), TelemetryError> {
    let lines = layer(format, std::io::stderr).with_filter(targets(level));
    Ok(tracing_subscriber::registry().with(lines).try_init()?)
}

fn layer<S, W>(format: Format, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match format {
        Format::Logfmt => tracing_logfmt::builder().layer().with_writer(writer).boxed(),
        Format::Json => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer).boxed()
        }
    }
}

fn targets(level: Level) -> Targets {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("modelwatch", level)
}

#[cfg(test)]
mod tests;
