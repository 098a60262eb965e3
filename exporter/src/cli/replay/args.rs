//! The command line of `replay`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use modelwatch_common::config::Span;
use modelwatch_exporter_core::time::Time;
use reqwest::Url;

use super::moments;

/// Sends a file of rows as events, in event time. Columns that no flag names are features.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplayArgs {
    /// The rows: a .parquet, .csv or .csv.gz file
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// Where the exporter listens, such as `http://127.0.0.1:9740`
    #[arg(long, value_name = "URL", value_parser = url)]
    pub url: Url,
    /// The model that made the predictions
    #[arg(long, value_name = "M")]
    pub model: String,
    /// The version of the model
    #[arg(long = "version", value_name = "V")]
    pub model_version: Option<String>,
    /// The column that names a prediction; labels join on it, and what is sent twice is counted once
    #[arg(long, value_name = "C")]
    pub id: Option<String>,
    /// The column with the time of a prediction: RFC 3339 (UTC without an offset) or Unix seconds; without it and --from, all happens now
    #[arg(long, value_name = "C", conflicts_with_all = ["from", "to"])]
    pub time: Option<String>,
    /// Spread the rows evenly from this moment on ...
    #[arg(long, value_name = "T", requires = "to", value_parser = moment)]
    pub from: Option<Time>,
    /// ... up to this one, not included
    #[arg(long, value_name = "T", requires = "from", value_parser = moment)]
    pub to: Option<Time>,
    /// The column with the predicted class
    #[arg(long, value_name = "C")]
    pub prediction: Option<String>,
    /// The column with the probability of the positive class
    #[arg(long, value_name = "C")]
    pub score: Option<String>,
    /// The labels: a file with the column of --id and that of --label
    #[arg(long, value_name = "DATA", requires = "label", requires = "id")]
    pub labels: Option<PathBuf>,
    /// The column with the truth, in the file of --labels
    #[arg(long, value_name = "C", requires = "labels")]
    pub label: Option<String>,
    /// How long after its prediction a label comes, such as 30d
    #[arg(long, value_name = "D", requires = "labels", default_value = "0s")]
    pub label_delay: Span,
    /// Columns that are not sent, separated by commas
    #[arg(long, value_name = "C,...", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Seconds of event time for each second; without it, as fast as the exporter takes them
    #[arg(long, value_name = "N", value_parser = speed)]
    pub speed: Option<f64>,
    /// Events in one request
    #[arg(long, value_name = "N", default_value = "2000")]
    pub batch: NonZeroUsize,
    /// A file with the bearer token
    #[arg(long, value_name = "PATH")]
    pub token_file: Option<PathBuf>,
    /// A PEM file with the authority that signed the exporter's certificate, if this machine does not know it
    #[arg(long, value_name = "PATH")]
    pub ca_file: Option<PathBuf>,
}

fn url(text: &str) -> Result<Url, String> {
    let expected = "expected the exporter's address, such as http://127.0.0.1:9740";
    let url = Url::parse(text).map_err(|error| format!("{error}, {expected}"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(expected.to_owned()),
    }
}

fn moment(text: &str) -> Result<Time, String> {
    moments::read(text).ok_or_else(|| format!("expected {}", moments::EXPECTED))
}

fn speed(text: &str) -> Result<f64, String> {
    let usable = |speed: &f64| speed.is_finite() && *speed > 0.0;
    text.parse().ok().filter(usable).ok_or_else(|| "expected a number above 0, such as 3600".to_owned())
}
