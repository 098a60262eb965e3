//! the pure part of modelwatch-exporter: summaries, windows, drift, quality.

pub mod drift;
pub mod reference;
pub mod schema;
pub mod summary;
pub mod value;
