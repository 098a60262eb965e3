//! What both modelwatch programs call: configuration, telemetry, HTTP serving, shutdown.
//!
//! Nothing here knows what a model or an alert is.

pub mod backoff;
pub mod causes;
pub mod cli;
pub mod config;
pub mod http;
pub mod metrics;
pub mod reload;
pub mod secret;
pub mod shutdown;
pub mod telemetry;
pub mod time;
