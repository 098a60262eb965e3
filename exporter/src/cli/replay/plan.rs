//! A replay that can begin: files opened, columns found, times known.

use std::time::Duration;

use anyhow::bail;
use modelwatch_common::time::{Clock, SystemClock};

use super::args::ReplayArgs;
use super::batch::{Batch, Kind, Packer};
use super::labels::{DueLabel, Labels};
use super::moments::Moments;
use super::roles::Roles;
use super::rows::{self, Row};
use crate::table::Table;

/// At a given speed, events are sent at most this much later than they are due.
const TICK: Duration = Duration::from_millis(200);

/// A replay whose arguments and files have been checked.
#[derive(Debug)]
pub(super) struct Plan {
    table: Table,
    roles: Roles,
    moments: Moments,
    labels: Labels,
    packer: Packer,
}

impl Plan {
    /// Opens the files and reads the labels and the times.
    pub(super) fn new(args: &ReplayArgs) -> anyhow::Result<Plan> {
        let table = Table::open(&args.data)?;
        let span = args.speed.map_or(Duration::MAX, |speed| {
            Duration::try_from_secs_f64(TICK.as_secs_f64() * speed).unwrap_or(Duration::MAX)
        });
        Ok(Plan {
            roles: Roles::new(args, &table)?,
            moments: moments(args, &table)?,
            labels: labels(args)?,
            packer: Packer::new(args.batch.get(), span),
            table,
        })
    }

    /// How many predictions there are to send.
    pub(super) fn rows(&self) -> u64 {
        self.table.row_count()
    }

    /// What someone should know before it begins, one sentence each.
    pub(super) fn warnings(&self) -> Vec<String> {
        let file = self.table.path().display();
        let unreadable = self.table.unreadable_columns();
        let mut warnings = Vec::new();
        if !unreadable.is_empty() {
            warnings.push(format!(
                "{file}: columns that hold no single values are not sent: {}",
                unreadable.join(", ")
            ));
        }
        if !self.moments.in_order() {
            warnings.push(format!(
                "{file}: rows are not in the order of time, so all of them are held and sorted"
            ));
        }
        warnings
    }

    /// Gives all events to `send` in batches, in event time, until it says `false`; returns the number of labels that were
    /// not sent because they belong to no row.
    pub(super) fn run(self, send: impl FnMut(Batch) -> bool) -> anyhow::Result<usize> {
        let Plan { table, roles, moments, labels, packer } = self;
        let mut feed = Feed { roles: &roles, labels, packer, send };
        rows::visit(&table, roles.selection(), &moments, |row| feed.row(row))?;
        feed.rest()
    }
}

/// Two streams in the order of time become one: rows as they come, and the labels that became known meanwhile.
struct Feed<'a, S> {
    roles: &'a Roles,
    labels: Labels,
    packer: Packer,
    send: S,
}

impl<S: FnMut(Batch) -> bool> Feed<'_, S> {
    fn row(&mut self, row: Row<'_>) -> anyhow::Result<bool> {
        while let Some(label) = self.labels.due_before(row.time) {
            if !self.label(&label)? {
                return Ok(false);
            }
        }
        let id = self.roles.id(row);
        let event = self.roles.prediction(row, id.as_deref());
        let complete = self.packer.add(Kind::Prediction, row.time, &event)?;
        if let Some(id) = &id {
            self.labels.predicted(id, row.time);
        }
        Ok(self.give(complete))
    }

    fn rest(mut self) -> anyhow::Result<usize> {
        while let Some(label) = self.labels.due() {
            if !self.label(&label)? {
                break;
            }
        }
        let last = self.packer.take()?;
        self.give(last);
        Ok(self.labels.unmatched())
    }

    fn label(&mut self, label: &DueLabel) -> anyhow::Result<bool> {
        let complete = self.packer.add(Kind::Label, label.time, &self.roles.label(label))?;
        Ok(self.give(complete))
    }

    fn give(&mut self, batch: Option<Batch>) -> bool {
        batch.is_none_or(&mut self.send)
    }
}

fn moments(args: &ReplayArgs, table: &Table) -> anyhow::Result<Moments> {
    match (&args.time, args.from, args.to) {
        (Some(name), ..) => Moments::of_column(table, table.column(name)?),
        (None, Some(from), Some(to)) if from < to => {
            Ok(Moments::Spread { from, to, rows: table.row_count() })
        }
        (None, Some(from), Some(to)) => bail!("--from {from} is not before --to {to}"),
        _ => Ok(Moments::At(SystemClock.now().into())),
    }
}

fn labels(args: &ReplayArgs) -> anyhow::Result<Labels> {
    let Some(path) = &args.labels else { return Ok(Labels::default()) };
    let (Some(id), Some(label)) = (&args.id, &args.label) else {
        bail!("--labels needs --id and --label");
    };
    Labels::read(path, id, label, args.label_delay.into())
}
