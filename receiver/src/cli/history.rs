//! `modelwatch-receiver history`: who was told what, when, with what result. It reads the store itself, also while the
//! receiver runs.

use std::io::{self, ErrorKind, Write};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use modelwatch_receiver_core::template::line;

use super::format::Format;
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
        let mut pages = Pages { store, next: Some(filter) };
        let written = match self.format {
            Format::Table => {
                let rows = pages.rest().await?;
                let written = table(&rows, out);
                say_how_to_replay(&rows);
                written
            }
            Format::Json => json(pages.rest().await?, out),
            Format::Csv => csv(&mut pages, out).await?,
            Format::Ndjson => ndjson(&mut pages, out).await?,
        };
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write the history"),
        }
    }
}

/// To people, beside the table: what is dead is not lost.
fn say_how_to_replay(notifications: &[Entry]) {
    let dead = notifications.iter().filter(|entry| entry.status == State::Dead.as_str()).count();
    if dead > 0 {
        eprintln!(
            "{dead} dead: `modelwatch-receiver replay ID` sends one again, `replay --dead` all of them"
        );
    }
}

/// Everything that matches, a page at a time, so that a long history needs no more memory than a short one.
struct Pages<'a> {
    store: &'a Store,
    next: Option<Filter>,
}

impl Pages<'_> {
    /// The next page; `None` after the last one.
    async fn next(&mut self) -> anyhow::Result<Option<Vec<Entry>>> {
        let Some(filter) = self.next.take() else { return Ok(None) };
        let page = history::list(self.store, &filter).await?;
        self.next = page.next_cursor.map(|cursor| filter.at(cursor)).transpose()?;
        Ok(Some(page.notifications))
    }

    /// All that is left, for formats that need to know it before they begin.
    async fn rest(&mut self) -> anyhow::Result<Vec<Entry>> {
        let mut notifications = Vec::new();
        while let Some(page) = self.next().await? {
            notifications.extend(page);
        }
        Ok(notifications)
    }
}

fn json(notifications: Vec<Entry>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Page { notifications, next_cursor: None })?;
    writeln!(out)
}

/// Writes until nothing is left, or until `out` takes no more.
async fn ndjson(pages: &mut Pages<'_>, out: &mut impl Write) -> anyhow::Result<io::Result<()>> {
    while let Some(page) = pages.next().await? {
        for entry in &page {
            let written = serde_json::to_writer(&mut *out, entry).map_err(io::Error::from);
            if let Err(error) = written.and_then(|()| writeln!(out)) {
                return Ok(Err(error));
            }
        }
    }
    Ok(Ok(()))
}

/// Writes until nothing is left, or until `out` takes no more.
async fn csv(pages: &mut Pages<'_>, out: &mut impl Write) -> anyhow::Result<io::Result<()>> {
    let mut lines = csv::Writer::from_writer(out);
    let mut written = lines.write_record(COLUMNS);
    while written.is_ok()
        && let Some(page) = pages.next().await?
    {
        written =
            page.iter().try_for_each(|entry| lines.write_record(fields(entry, entry.created_at.to_string())));
    }
    Ok(written.map_err(io::Error::from).and_then(|()| lines.flush()))
}

const COLUMNS: [&str; 9] =
    ["created_at", "status", "kind", "channel", "title", "attempts", "ambiguous", "reason", "id"];

fn fields(entry: &Entry, created_at: String) -> [String; 9] {
    [
        created_at,
        entry.status.clone(),
        entry.kind.clone(),
        entry.channel.clone(),
        entry.title.clone(),
        entry.attempts.len().to_string(),
        if entry.is_ambiguous() { "yes" } else { "no" }.to_owned(),
        entry.why().unwrap_or_default().to_owned(),
        entry.id.clone(),
    ]
}

/// Columns as wide as their widest field; what could steer a terminal is taken out.
fn table(notifications: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let when = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let mut rows = vec![COLUMNS.map(|name| name.replace('_', " ").to_uppercase())];
    rows.extend(
        notifications.iter().map(|entry| fields(entry, when(entry.created_at)).map(|field| line(&field))),
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

#[cfg(test)]
mod tests;
