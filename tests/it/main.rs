//! The outside tests of modelwatch: every test drives the built programs as a user would.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and fails there"
)]

mod areas;
mod bad_input;
mod deliveries;
mod events_to_gauges;
mod house;
mod ingest;
mod manners;
mod metrics;
mod restart;
mod support;
mod whole_loop;
