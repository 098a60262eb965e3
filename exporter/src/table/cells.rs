//! The few shapes in which cells are kept, whatever the file called them.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, UInt64Array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType};
use modelwatch_exporter_core::reference::ColumnKind;
use modelwatch_exporter_core::value::Value;
use serde::{Serialize, Serializer};

/// What one cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number of a column of whole numbers, exact.
    Integer(i128),
    /// A number of a column of floating-point or decimal numbers; NaN and infinities included.
    Float(f64),
    /// A text; a moment or a day is the text of RFC 3339, in UTC.
    Text(&'a str),
}

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Value {
        match cell {
            Cell::Null => Value::Null,
            Cell::Bool(truth) => Value::Bool(truth),
            Cell::Integer(number) => Value::Number(number as f64),
            Cell::Float(number) => Value::Number(number),
            Cell::Text(text) => Value::Text(text.into()),
        }
    }
}

/// As events write it: JSON has no NaN and no infinity, their names as text mean them.
impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Cell::Null => serializer.serialize_unit(),
            Cell::Bool(truth) => serializer.serialize_bool(truth),
            Cell::Integer(number) => serializer.serialize_i128(number),
            Cell::Float(number) if number.is_nan() => serializer.serialize_str("NaN"),
            Cell::Float(f64::INFINITY) => serializer.serialize_str("Infinity"),
            Cell::Float(f64::NEG_INFINITY) => serializer.serialize_str("-Infinity"),
            Cell::Float(number) => serializer.serialize_f64(number),
            Cell::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// As an id or a message shows it: 7, 7.0 and "7" alike; nothing for nothing.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => Ok(()),
            Cell::Bool(truth) => truth.fmt(out),
            Cell::Integer(number) => number.fmt(out),
            Cell::Float(number) => number.fmt(out),
            Cell::Text(text) => text.fmt(out),
        }
    }
}

/// One column of a batch.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    Bool(BooleanArray),
    Integer(Int64Array),
    /// Whole numbers that may be beyond what a signed one holds, such as hashes used as ids.
    Unsigned(UInt64Array),
    Float(Float64Array),
    Text(LargeStringArray),
}

impl Cells {
    /// Takes over a column of a type for which [`kind`] has an answer.
    pub(super) fn read(array: &ArrayRef) -> Result<Cells, ArrowError> {
        let Some(storage) = storage(array.data_type()) else {
            return Err(ArrowError::NotYetImplemented(format!("a column of {}", array.data_type())));
        };
        let array = cast(&in_utc(array)?, &storage)?;
        Ok(match storage {
            DataType::Boolean => Cells::Bool(array.as_boolean().clone()),
            DataType::Int64 => Cells::Integer(array.as_primitive::<Int64Type>().clone()),
            DataType::UInt64 => Cells::Unsigned(array.as_primitive::<UInt64Type>().clone()),
            DataType::Float64 => Cells::Float(array.as_primitive::<Float64Type>().clone()),
            _ => Cells::Text(array.as_string::<i64>().clone()),
        })
    }

    pub(super) fn get(&self, row: usize) -> Cell<'_> {
        if self.array().is_null(row) {
            return Cell::Null;
        }
        match self {
            Cells::Bool(array) => Cell::Bool(array.value(row)),
            Cells::Integer(array) => Cell::Integer(array.value(row).into()),
            Cells::Unsigned(array) => Cell::Integer(array.value(row).into()),
            Cells::Float(array) => Cell::Float(array.value(row)),
            Cells::Text(array) => Cell::Text(array.value(row)),
        }
    }

    fn array(&self) -> &dyn Array {
        match self {
            Cells::Bool(array) => array,
            Cells::Integer(array) => array,
            Cells::Unsigned(array) => array,
            Cells::Float(array) => array,
            Cells::Text(array) => array,
        }
    }
}

/// What the cells of a column of this type hold; `None` when they are no values.
pub(super) fn kind(data_type: &DataType) -> Option<ColumnKind> {
    storage(data_type).map(|storage| match storage {
        DataType::Boolean => ColumnKind::Bool,
        DataType::Int64 | DataType::UInt64 => ColumnKind::Integer,
        DataType::Float64 => ColumnKind::Float,
        _ => ColumnKind::Text,
    })
}

/// The type that a column is kept in: one of those of [`Cells`].
fn storage(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Boolean => Some(DataType::Boolean),
        DataType::UInt64 => Some(DataType::UInt64),
        whole if whole.is_integer() => Some(DataType::Int64),
        DataType::Decimal128(1..=18, 0) => Some(DataType::Int64),
        number if number.is_floating() || number.is_decimal() => Some(DataType::Float64),
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Some(DataType::LargeUtf8)
        }
        time if time.is_temporal() => Some(DataType::LargeUtf8),
        DataType::Dictionary(_, value) => storage(value),
        _ => None,
    }
}

/// A moment without a zone is taken to be in UTC, and every moment is shown there.
fn in_utc(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Timestamp(unit, _) => cast(array, &DataType::Timestamp(*unit, Some("+00:00".into()))),
        _ => Ok(array.clone()),
    }
}

/// Fails where a value does not fit, instead of making a missing one of it.
fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}
