//! The rows of a file in the order of time.

use modelwatch_exporter_core::time::Time;

use super::moments::Moments;
use crate::table::{Batch, Table};

/// One row and when it happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) time: Time,
    pub(super) batch: &'a Batch,
    pub(super) row: usize,
}

/// Gives every row to `visit`, which says whether to go on; rows of one moment keep the order of the file.
///
/// A file in the order of time is streamed; another one is held as columns and sorted.
pub(super) fn visit(
    table: &Table,
    selection: &[usize],
    moments: &Moments,
    mut visit: impl FnMut(Row<'_>) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let batches = table.batches(selection)?;
    if !moments.in_order() {
        return sorted(&batches.collect::<Result<Vec<_>, _>>()?, moments, visit);
    }
    let mut before = 0;
    for batch in batches {
        let batch = batch?;
        for row in 0..batch.rows() {
            if !visit(Row { time: moments.at(before + row), batch: &batch, row })? {
                return Ok(());
            }
        }
        before += batch.rows();
    }
    Ok(())
}

fn sorted(
    batches: &[Batch],
    moments: &Moments,
    mut visit: impl FnMut(Row<'_>) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let places = batches.iter().flat_map(|batch| (0..batch.rows()).map(move |row| (batch, row)));
    let mut rows: Vec<Row<'_>> =
        places.enumerate().map(|(at, (batch, row))| Row { time: moments.at(at), batch, row }).collect();
    rows.sort_by_key(|row| row.time);
    for row in rows {
        if !visit(row)? {
            break;
        }
    }
    Ok(())
}
