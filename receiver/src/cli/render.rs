//! `modelwatch-receiver render`: what a channel would send, and whether its template can be used.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use modelwatch_receiver_core::alert::Snapshot;
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::samples;

use super::check_config;
use crate::app::Origin;
use crate::config::Config;
use crate::notify::Draft;
use crate::store::new_id;
use crate::templates::TemplateSource;

/// What stands below the flags.
pub(super) const EXAMPLES: &str = "\
Examples:
  modelwatch-receiver render --template slack
      the built-in sample as people read it in Slack
  modelwatch-receiver render --template email --format html --sample mixed > mail.html
      a mail to look at in a browser
  modelwatch-receiver render --template mine --payload webhook.json --format json
      what is sent about a webhook of Alertmanager's

The template is read from templates.path as it is now, and is tried on every sample first, as before it goes live.";

/// The flags of `render`.
#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// The template, as channels call it
    #[arg(long, value_name = "NAME")]
    template: String,
    /// A webhook of Alertmanager's (version 4) to put into words
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    payload: Option<PathBuf>,
    /// A built-in message to put into words
    #[arg(long, value_name = "NAME", default_value = "firing", value_parser = PossibleValuesParser::new(samples::names()))]
    sample: String,
    /// How to print it: as people read it, as a mail program shows it, or as it is sent
    #[arg(long, default_value = "text")]
    format: Shape,
}

/// How a message is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// As people read it.
    Text,
    /// As mail programs show it.
    Html,
    /// As it is sent.
    Json,
}

/// Prints the message.
///
/// # Errors
/// Every fault of the configuration or of the template; that the payload cannot be read; that there is no such format.
pub(super) fn run(origin: &Origin, args: &RenderArgs) -> anyhow::Result<()> {
    let config = origin.load()?;
    let source = TemplateSource::new(config.templates.clone(), &config.channels);
    let (format, template) =
        source.template(&args.template).map_err(|faults| check_config::invalid(origin, &faults))?;
    let message = message(args, &config)?;
    let draft = Draft::new(format, &template, &message)
        .with_context(|| format!("the template `{}` fails on this message", args.template))?;
    let text = match (args.format, draft.html) {
        (Shape::Text, _) => draft.text,
        (Shape::Json, _) => serde_json::to_string_pretty(&draft.json)?,
        (Shape::Html, Some(html)) => html,
        (Shape::Html, None) => {
            let what = format!("a {} message has no html, use --format text or json\n", format.name());
            return Err(clap::Error::raw(ErrorKind::ValueValidation, what).into());
        }
    };
    println!("{text}");
    Ok(())
}

fn message(args: &RenderArgs, config: &Config) -> anyhow::Result<Message> {
    match &args.payload {
        Some(file) => read(file, config),
        None => samples::named(&args.sample).context("there is no such sample"),
    }
}

fn read(file: &Path, config: &Config) -> anyhow::Result<Message> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut snapshot = Snapshot::parse(&bytes).with_context(|| file.display().to_string())?;
    for alert in &mut snapshot.alerts {
        alert.labels = config.policy.with_environment(std::mem::take(&mut alert.labels));
    }
    Ok(Message::of_webhook(snapshot, &new_id(), "sample", Timestamp::now()))
}
