//! turns predictions, late labels and business events into model, drift and data gauges.

pub mod cli;
pub mod exposition;
pub mod table;
