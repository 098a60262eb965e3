//! The pure part of modelwatch-exporter: events in, reports out.
//!
//! No I/O, no clock, no threads: `now` and bytes come in as arguments, so that every number is a function of what was
//! accepted, and a crash can be answered by doing the same again.

pub mod batch;
pub mod drift;
pub mod event;
pub mod histogram;
pub mod idempotency;
pub mod labels;
pub mod model;
pub mod quality;
pub mod reference;
pub mod report;
pub mod schema;
pub mod segment;
pub mod state;
pub mod summary;
pub mod time;
pub mod value;
pub mod view;
pub mod window;
