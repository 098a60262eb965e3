//! CSV files, plain or gzipped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use flate2::bufread::MultiGzDecoder;

use super::{BATCH_ROWS, RecordBatches, TableError, invalid, open};

/// The byte order mark that spreadsheets put before UTF-8 text.
const MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug)]
pub(super) struct Csv {
    schema: SchemaRef,
    rows: u64,
    gzip: bool,
}

impl Csv {
    /// Reads the file through once, to learn its columns, their types and its rows.
    pub(super) fn open(path: &Path, gzip: bool) -> Result<Csv, TableError> {
        let inferred = Format::default().with_header(true).infer_schema(text(path, gzip)?, None);
        let (schema, rows) = inferred.map_err(|error| invalid(path, "CSV", error))?;
        check_header(path, &schema)?;
        let fields =
            schema.fields().iter().map(|field| Field::new(field.name(), kept_as(field.data_type()), true));
        Ok(Csv { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())), rows: rows as u64, gzip })
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn read(&self, path: &Path, places: Vec<usize>) -> Result<RecordBatches, TableError> {
        let builder = ReaderBuilder::new(self.schema.clone())
            .with_header(true)
            .with_batch_size(BATCH_ROWS)
            .with_projection(places);
        let reader =
            builder.build_buffered(text(path, self.gzip)?).map_err(|error| invalid(path, "CSV", error))?;
        Ok(Box::new(reader))
    }
}

/// The text of the file from its first column's name on.
fn text(path: &Path, gzip: bool) -> Result<Box<dyn BufRead + Send>, TableError> {
    let file = BufReader::new(open(path)?);
    let mut text: Box<dyn BufRead + Send> =
        if gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let format = if gzip { "gzip" } else { "CSV" };
    if text.fill_buf().map_err(|error| invalid(path, format, error))?.starts_with(MARK) {
        text.consume(MARK.len());
    }
    Ok(text)
}

/// Times stay the text they are: what they mean is for those who read them.
fn kept_as(inferred: &DataType) -> DataType {
    match inferred {
        DataType::Boolean | DataType::Int64 | DataType::Float64 => inferred.clone(),
        _ => DataType::Utf8,
    }
}

fn check_header(path: &Path, schema: &Schema) -> Result<(), TableError> {
    let header = |reason: String| Err(TableError::Header { path: path.to_owned(), reason });
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().trim()).collect();
    if names.iter().all(|name| name.is_empty()) {
        return header("has no header".to_owned());
    }
    if let Some(at) = names.iter().position(|name| name.is_empty()) {
        return header(format!("column {} has no name", at + 1));
    }
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return header("the first line holds only numbers".to_owned());
    }
    Ok(())
}
