//! What each column of the data is to an event.

use super::args::ReplayArgs;
use super::event::{Features, Label, Prediction, said};
use super::labels::DueLabel;
use super::rows::Row;
use crate::table::{Cell, Table, TableError};

/// The columns by what they are, and the model that all events are about.
#[derive(Debug)]
pub(super) struct Roles {
    model: String,
    version: Option<String>,
    /// The columns to read, the features first; the places below count in it.
    selection: Vec<usize>,
    features: Vec<Box<str>>,
    id: Option<usize>,
    prediction: Option<usize>,
    score: Option<usize>,
}

impl Roles {
    /// Finds the columns that the arguments name; all others are features.
    pub(super) fn new(args: &ReplayArgs, table: &Table) -> Result<Roles, TableError> {
        let place = |name: &Option<String>| name.as_deref().map(|name| table.column(name)).transpose();
        let (id, time) = (place(&args.id)?, place(&args.time)?);
        let (prediction, score) = (place(&args.prediction)?, place(&args.score)?);
        let mut taken: Vec<usize> = [id, time, prediction, score].into_iter().flatten().collect();
        for name in &args.ignore {
            taken.push(table.column(name)?);
        }
        // The truth is no feature, even where the file that has it is the one with the rows.
        taken.extend(args.label.as_deref().and_then(|name| table.column(name).ok()));
        let columns = 0..table.columns().len();
        let mut selection: Vec<usize> = columns.filter(|column| !taken.contains(column)).collect();
        let features = selection.iter().map(|&column| table.columns()[column].name.clone()).collect();
        let mut select = |column: Option<usize>| {
            selection.extend(column);
            column.map(|_| selection.len() - 1)
        };
        let (id, prediction, score) = (select(id), select(prediction), select(score));
        let (model, version) = (args.model.clone(), args.model_version.clone());
        Ok(Roles { model, version, features, id, prediction, score, selection })
    }

    /// The columns of the table to read, for [`Roles::prediction`] to find its way in them.
    pub(super) fn selection(&self) -> &[usize] {
        &self.selection
    }

    /// What the row is named by; labels join on it.
    pub(super) fn id(&self, row: Row<'_>) -> Option<String> {
        cell(row, self.id).map(|id| id.to_string())
    }

    /// The event of a row with this id.
    pub(super) fn prediction<'a>(&'a self, row: Row<'a>, id: Option<&'a str>) -> Prediction<'a> {
        Prediction {
            model: &self.model,
            version: self.version.as_deref(),
            id,
            time: row.time,
            features: Features { names: &self.features, batch: row.batch, row: row.row },
            prediction: cell(row, self.prediction),
            score: cell(row, self.score),
        }
    }

    /// The event of a label, about the same version as the predictions.
    pub(super) fn label<'a>(&'a self, due: &'a DueLabel) -> Label<'a> {
        let version = self.version.as_deref();
        Label { model: &self.model, version, id: &due.id, label: &due.label, time: due.time }
    }
}

fn cell<'a>(row: Row<'a>, column: Option<usize>) -> Option<Cell<'a>> {
    column.and_then(|column| said(row.batch.cell(column, row.row)))
}
