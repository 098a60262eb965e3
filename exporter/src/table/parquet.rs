//! Parquet files.

use std::path::Path;

use arrow_schema::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::{BATCH_ROWS, RecordBatches, TableError, invalid, open};

#[derive(Debug)]
pub(super) struct Parquet {
    metadata: ArrowReaderMetadata,
}

impl Parquet {
    /// Reads the file's footer.
    pub(super) fn open(path: &Path) -> Result<Parquet, TableError> {
        let file = open(path)?;
        // Parquet's own types are all that matters; what a writer noted for arrow (dictionaries, named zones) is passed over.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata =
            ArrowReaderMetadata::load(&file, options).map_err(|error| invalid(path, "Parquet", error))?;
        Ok(Parquet { metadata })
    }

    pub(super) fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    pub(super) fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    pub(super) fn read(&self, path: &Path, places: Vec<usize>) -> Result<RecordBatches, TableError> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), places);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(open(path)?, self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| invalid(path, "Parquet", error))?;
        Ok(Box::new(reader))
    }
}
