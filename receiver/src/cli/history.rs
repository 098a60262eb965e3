//! `modelwatch-receiver history`: who was told what, when, with what result. It reads the store itself, also while the
//! receiver runs.

use std::io::{self, ErrorKind, Write};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::history::{self, Entry, Filter, Page, RawFilter, State};
use crate::store::Store;

/// How many notifications are read at once; all that match are printed.
const BATCH: &str = "1000";

/// The flags of `history`.
#[derive(Debug, Clone, Args)]
pub(super) struct HistoryArgs {
    /// Only what was accepted since then: a time such as 2026-01-31T09:00:00Z or a duration such as 24h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what was accepted until then
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what stands there
    #[arg(long)]
    status: Option<State>,
    /// Only what went to this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Only what was about this alert
    #[arg(long, value_name = "NAME")]
    alertname: Option<String>,
    /// Only what was about an alert with this label
    #[arg(long, value_name = "NAME=VALUE")]
    label: Option<String>,
    /// How to print it
    #[arg(long, default_value = "table")]
    format: Format,
}

/// How the history is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, newest first.
    Table,
    /// One JSON object, as the API answers.
    Json,
    /// One line per notification, for spreadsheets.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

impl HistoryArgs {
    /// The filter that these flags describe.
    ///
    /// # Errors
    /// A usage error for the first flag that cannot be used.
    pub(super) fn filter(&self, now: Timestamp) -> Result<Filter, clap::Error> {
        let raw = RawFilter {
            since: self.since.clone(),
            until: self.until.clone(),
            status: self.status.map(|status| status.as_str().to_owned()),
            channel: self.channel.clone(),
            alertname: self.alertname.clone(),
            label: self.label.clone(),
            limit: Some(BATCH.to_owned()),
            cursor: None,
        };
        raw.validate(now).map_err(|error| clap::Error::raw(clap::error::ErrorKind::ValueValidation, error))
    }

    /// Prints everything that matches. A reader that has seen enough (`| head`) is no error.
    ///
    /// # Errors
    /// When the store cannot be read or `out` cannot be written.
    pub(super) async fn print(
        &self,
        store: &Store,
        filter: Filter,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let notifications = everything(store, filter).await?;
        let written = match self.format {
            Format::Table => table(&notifications, out),
            Format::Json => json(notifications, out),
            Format::Csv => csv(&notifications, out),
            Format::Ndjson => ndjson(&notifications, out),
        };
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write the history"),
        }
    }
}

async fn everything(store: &Store, mut filter: Filter) -> anyhow::Result<Vec<Entry>> {
    let mut notifications = Vec::new();
    loop {
        let page = history::list(store, &filter).await?;
        notifications.extend(page.notifications);
        let Some(cursor) = page.next_cursor else { return Ok(notifications) };
        filter = filter.at(cursor)?;
    }
}

fn json(notifications: Vec<Entry>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Page { notifications, next_cursor: None })?;
    writeln!(out)
}

fn ndjson(notifications: &[Entry], out: &mut impl Write) -> io::Result<()> {
    for entry in notifications {
        serde_json::to_writer(&mut *out, entry)?;
        writeln!(out)?;
    }
    Ok(())
}

fn csv(notifications: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let mut lines = csv::Writer::from_writer(out);
    lines.write_record(COLUMNS)?;
    for entry in notifications {
        lines.write_record(fields(entry, entry.created_at.to_string()))?;
    }
    lines.flush()
}

const COLUMNS: [&str; 9] =
    ["created_at", "status", "kind", "channel", "title", "attempts", "ambiguous", "reason", "id"];

fn fields(entry: &Entry, created_at: String) -> [String; 9] {
    let failed = entry.attempts.last().and_then(|attempt| attempt.reason.clone());
    [
        created_at,
        entry.status.clone(),
        entry.kind.clone(),
        entry.channel.clone(),
        entry.title.clone(),
        entry.attempts.len().to_string(),
        if entry.is_ambiguous() { "yes" } else { "no" }.to_owned(),
        entry.suppressed.clone().or(failed).unwrap_or_default(),
        entry.id.clone(),
    ]
}

/// Columns as wide as their widest field; what could steer a terminal is taken out.
fn table(notifications: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let when = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let mut rows = vec![COLUMNS.map(|name| name.replace('_', " ").to_uppercase())];
    rows.extend(
        notifications
            .iter()
            .map(|entry| fields(entry, when(entry.created_at)).map(|field| printable(&field))),
    );
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 9] = std::array::from_fn(width);
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(field, width)| format!("{field:width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn printable(field: &str) -> String {
    field.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
