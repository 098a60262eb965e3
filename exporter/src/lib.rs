//! turns predictions, late labels and business events into model, drift and data gauges.

pub mod exposition;
