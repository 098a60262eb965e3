//! The labels of a replay: known from the start, told when their time has come.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use modelwatch_exporter_core::time::Time;
use serde_json::value::{RawValue, to_raw_value};

use super::event::said;
use crate::table::Table;

/// Every label is in one place: with those whose prediction has not happened, or in the queue of those that wait.
///
/// All labels wait equally long, so the queue is in the order of time because predictions are.
#[derive(Debug, Default)]
pub(super) struct Labels {
    unmatched: HashMap<Box<str>, Box<RawValue>>,
    waiting: VecDeque<DueLabel>,
    delay: Duration,
}

/// A label and the moment at which it becomes known.
#[derive(Debug)]
pub(super) struct DueLabel {
    pub(super) time: Time,
    pub(super) id: Box<str>,
    pub(super) label: Box<RawValue>,
}

impl Labels {
    /// Reads a file of labels; a row without an id or without a label says nothing, and of two with one id the last holds.
    pub(super) fn read(path: &Path, id: &str, label: &str, delay: Duration) -> anyhow::Result<Labels> {
        let table = Table::open(path)?;
        let mut unmatched = HashMap::with_capacity(usize::try_from(table.row_count())?);
        for batch in table.batches(&[table.column(id)?, table.column(label)?])? {
            let batch = batch?;
            for row in 0..batch.rows() {
                if let (Some(id), Some(label)) = (said(batch.cell(0, row)), said(batch.cell(1, row))) {
                    unmatched.insert(id.to_string().into(), to_raw_value(&label)?);
                }
            }
        }
        Ok(Labels { unmatched, waiting: VecDeque::new(), delay })
    }

    /// A prediction happened: its label, if there is one, begins to wait.
    pub(super) fn predicted(&mut self, id: &str, time: Time) {
        if let Some((id, label)) = self.unmatched.remove_entry(id) {
            self.waiting.push_back(DueLabel { time: time.after(self.delay), id, label });
        }
    }

    /// The next label that became known before a moment; one that becomes known at it comes after what happens then.
    pub(super) fn due_before(&mut self, moment: Time) -> Option<DueLabel> {
        self.waiting.pop_front_if(|label| label.time < moment)
    }

    /// The next label that waits, however long it still would.
    pub(super) fn due(&mut self) -> Option<DueLabel> {
        self.waiting.pop_front()
    }

    /// How many labels there are whose prediction has not happened.
    pub(super) fn unmatched(&self) -> usize {
        self.unmatched.len()
    }
}
