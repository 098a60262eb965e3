//! The command line.

pub mod replay;

use clap::{Parser, Subcommand};
use modelwatch_common::cli::CommonArgs;
use modelwatch_common::config::Environment;
use modelwatch_common::telemetry;
use modelwatch_exporter_core::model::{ModelSetup, Reference};
use modelwatch_exporter_core::schema::FeatureType;

use crate::app::{self, Origin};

/// The configuration file without `--config.file`.
pub const DEFAULT_CONFIG: &str = "exporter.yaml";

/// Turns predictions and late labels into model, drift and data gauges for Prometheus.
#[derive(Debug, Parser)]
#[command(name = "modelwatch-exporter", version)]
pub struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the exporter (also without a command)
    Serve,
    /// Check the configuration and the references it names, print every fault, exit with 0 or 64
    CheckConfig,
    /// Send a file of rows to an exporter as events, predictions and late labels in event time
    #[command(disable_version_flag = true)]
    Replay(Box<replay::ReplayArgs>),
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// What stood in the way.
    pub async fn run(self, environment: Environment) -> anyhow::Result<()> {
        telemetry::init(self.common.log_level, self.common.log_format)?;
        let origin =
            Origin { file: self.common.config_file, listen_address: self.common.listen_address, environment };
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => app::serve(origin).await,
            Command::CheckConfig => check_config(&origin),
            Command::Replay(args) => replay::run(*args).await,
        }
    }
}

fn check_config(origin: &Origin) -> anyhow::Result<()> {
    let (config, setup) = origin.load()?;
    for model in &setup.models {
        let windows: Vec<_> = model.windows.iter().map(ToString::to_string).collect();
        println!("model {}: windows {}", model.name, windows.join(", "));
        let references = model.reference.iter().chain(model.references.values());
        for reference in references {
            println!("  a reference of {} rows", reference.rows);
            for (kind, wanted) in
                [("numeric", FeatureType::Numeric), ("categorical", FeatureType::Categorical)]
            {
                println!("    {kind}: {}", names_of(model, reference, wanted).join(", "));
            }
            if !model.segments.is_empty() {
                let segments: Vec<_> = reference.slices.keys().map(|name| &**name).collect();
                println!("    segments: {}", segments.join(", "));
            }
        }
    }
    println!("{}: {} models, no faults", origin.file.display(), config.models.len());
    Ok(())
}

fn names_of<'a>(model: &'a ModelSetup, reference: &Reference, wanted: FeatureType) -> Vec<&'a str> {
    let compared = model.features.iter().zip(&reference.features);
    let matching = compared.filter(|(_, own)| own.as_ref().is_some_and(|own| own.feature_type() == wanted));
    matching.map(|(feature, _)| &*feature.name).collect()
}
