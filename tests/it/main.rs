//! The outside tests of modelwatch: every test drives the built programs as a user would.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and fails there"
)]

mod exporter_loop;
mod house;
mod support;
