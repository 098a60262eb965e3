//! The outside tests of modelwatch: every test drives the built programs as a user would.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects, and fails there"
)]

mod areas;
mod bad_input;
mod browser;
mod compose;
mod configuration;
mod deliveries;
mod documents;
mod events_to_gauges;
mod held;
mod house;
mod ingest;
mod mail;
mod manners;
mod metrics;
mod nothing_lost;
mod reload;
mod replay;
mod restart;
mod segments;
mod send_test;
mod shared_store;
mod slack_bot;
mod support;
mod templates;
mod told;
mod web;
mod webhooks;
mod whole_loop;
