//! Data set files (Parquet, CSV) as a stream of batches with one way to look at a cell.
//!
//! A file is opened once to learn its columns and rows, and can then be read through as often as needed, any selection of
//! columns at a time. At most one batch is held, never the file. Nothing here knows what a column means.
//!
//! A CSV file has a header, commas and UTF-8 text. All of it is looked at to tell what its columns are, so that no late row
//! can contradict; only an empty cell is a missing value, and times stay the text they are.

mod cells;
mod csv;
mod parquet;

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};
use modelwatch_exporter_core::reference::ColumnKind;
use modelwatch_exporter_core::value::Value;

pub use cells::Cell;
use cells::Cells;

/// Rows in one batch: small enough for any width, large enough that nothing is paid per row.
const BATCH_ROWS: usize = 8192;

/// What stands in the way of reading a data set file. Every message names the file and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The operating system refuses.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// Its name says nothing about its format.
    #[error("{}: unknown extension, expected .parquet, .csv or .csv.gz", .0.display())]
    UnknownFormat(PathBuf),
    /// It holds no row.
    #[error("{}: has no rows, expected at least one{hint}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What else the format expects, or nothing.
        hint: &'static str,
    },
    /// It is not what its extension says.
    #[error("{}: is not a valid {format} file: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What its extension promises.
        format: &'static str,
        /// What the parser said, with the line where it knows one.
        reason: String,
    },
    /// The first line of a CSV file does not name its columns.
    #[error("{}: {reason}, expected a first line that names every column", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        reason: String,
    },
    /// Two columns cannot be told apart.
    #[error("{}: two columns are named `{name}`, expected every name once", path.display())]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// Their name.
        name: String,
    },
    /// A column that was asked for is not there.
    #[error("{}: has no column `{name}`, expected one of {available}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        name: String,
        /// The columns there are.
        available: String,
    },
}

/// One column that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as in the file.
    pub name: Box<str>,
    /// What its cells hold, besides nothing.
    pub kind: ColumnKind,
    /// Its place in the file, which has also the columns that cannot be read.
    place: usize,
}

/// A data set file whose columns are known.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    columns: Vec<Column>,
    unreadable: Vec<Box<str>>,
    rows: u64,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Parquet(parquet::Parquet),
    Csv(csv::Csv),
}

/// Record batches of the columns at some places, in the order of the file.
type RecordBatches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

impl Table {
    /// Opens a file and learns its columns and rows; a CSV file is read through once for that.
    ///
    /// # Errors
    /// When it cannot be read, is not what its extension says, has no rows, or has columns without a name of their own.
    pub fn open(path: &Path) -> Result<Table, TableError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let format = if name.ends_with(".parquet") {
            Format::Parquet(parquet::Parquet::open(path)?)
        } else if name.ends_with(".csv") || name.ends_with(".csv.gz") {
            Format::Csv(csv::Csv::open(path, name.ends_with(".gz"))?)
        } else {
            return Err(TableError::UnknownFormat(path.to_owned()));
        };
        let (rows, hint) = match &format {
            Format::Parquet(parquet) => (parquet.rows(), ""),
            Format::Csv(csv) => (csv.rows(), " under the line that names the columns"),
        };
        if rows == 0 {
            return Err(TableError::Empty { path: path.to_owned(), hint });
        }
        let (columns, unreadable) = columns(path, format.schema())?;
        Ok(Table { path: path.to_owned(), columns, unreadable, rows, format })
    }

    /// The file's path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The columns that can be read, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names of the columns that hold lists, structures or bytes, which are nobody's values; to be told to people.
    #[must_use]
    pub fn unreadable_columns(&self) -> &[Box<str>] {
        &self.unreadable
    }

    /// The place of a column in [`Table::columns`].
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        self.columns.iter().position(|column| &*column.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|column| &*column.name).collect();
            TableError::NoColumn {
                path: self.path.clone(),
                name: name.to_owned(),
                available: names.join(", "),
            }
        })
    }

    /// How many rows there are.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.rows
    }

    /// Reads the file from its start: some columns, by their places in [`Table::columns`], in any order.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn batches(&self, selection: &[usize]) -> Result<Batches, TableError> {
        let wanted: Vec<usize> = selection.iter().map(|&column| self.columns[column].place).collect();
        let mut places = wanted.clone();
        places.sort_unstable();
        places.dedup();
        let order = wanted.iter().filter_map(|place| places.binary_search(place).ok()).collect();
        let records = match &self.format {
            Format::Parquet(parquet) => parquet.read(&self.path, places)?,
            Format::Csv(csv) => csv.read(&self.path, places)?,
        };
        Ok(Batches { path: self.path.clone(), format: self.format.name(), records, order })
    }
}

impl Format {
    fn name(&self) -> &'static str {
        match self {
            Format::Parquet(_) => "Parquet",
            Format::Csv(_) => "CSV",
        }
    }

    fn schema(&self) -> &Schema {
        match self {
            Format::Parquet(parquet) => parquet.schema(),
            Format::Csv(csv) => csv.schema(),
        }
    }
}

/// The batches of one reading, in the order of the file. After an error there are no more.
pub struct Batches {
    path: PathBuf,
    format: &'static str,
    records: RecordBatches,
    order: Vec<usize>,
}

impl Iterator for Batches {
    type Item = Result<Batch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.records.next()?.and_then(|batch| Batch::read(&batch, &self.order));
        Some(batch.map_err(|error| invalid(&self.path, self.format, error)))
    }
}

/// Some consecutive rows of the selected columns.
#[derive(Debug, Clone)]
pub struct Batch {
    columns: Vec<Cells>,
    rows: usize,
}

impl Batch {
    fn read(batch: &RecordBatch, order: &[usize]) -> Result<Batch, ArrowError> {
        let columns = order.iter().map(|&at| Cells::read(batch.column(at))).collect::<Result<_, _>>()?;
        Ok(Batch { columns, rows: batch.num_rows() })
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// One cell, without a copy; `column` counts in the order of the selection.
    #[must_use]
    pub fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        self.columns[column].get(row)
    }

    /// One cell as the value of a feature.
    #[must_use]
    pub fn value(&self, column: usize, row: usize) -> Value {
        self.cell(column, row).into()
    }
}

/// The readable columns of a file and the names of the others.
fn columns(path: &Path, schema: &Schema) -> Result<(Vec<Column>, Vec<Box<str>>), TableError> {
    let (mut columns, mut unreadable) = (Vec::new(), Vec::new());
    let mut seen = std::collections::HashSet::new();
    for (place, field) in schema.fields().iter().enumerate() {
        let name = field.name().as_str();
        if !seen.insert(name) {
            return Err(TableError::DuplicateColumn { path: path.to_owned(), name: name.to_owned() });
        }
        match cells::kind(field.data_type()) {
            Some(kind) => columns.push(Column { name: name.into(), kind, place }),
            None => unreadable.push(name.into()),
        }
    }
    Ok((columns, unreadable))
}

fn invalid(path: &Path, format: &'static str, error: impl std::fmt::Display) -> TableError {
    // One line, whatever the parser's habits.
    let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    TableError::Invalid { path: path.to_owned(), format, reason }
}

fn open(path: &Path) -> Result<File, TableError> {
    let unreadable = |reason| TableError::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
