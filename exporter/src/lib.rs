//! modelwatch-exporter: turns predictions and late labels into model, drift and data gauges.
//!
//! The way of an event: [`http`] → [`engine`] (journal, then state) → [`publisher`] → `/metrics`. `main` only orders.

pub mod app;
pub mod cli;
pub mod config;
pub mod engine;
pub mod exposition;
pub mod http;
pub mod journal;
pub mod page;
pub mod publisher;
pub mod references;
pub mod table;
pub mod telemetry;
