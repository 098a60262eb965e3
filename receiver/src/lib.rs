//! modelwatch-receiver: takes Alertmanager webhooks, says each thing once to the right people, and remembers it.
//!
//! One way through the rooms: `main → cli → app → {http, page, heartbeat, alertmanager, delivery} → {intake, history, notify} →
//! store → core`.

#![cfg_attr(
    test,
    expect(clippy::duplicate_mod, reason = "the store's tests are compiled once for each kind of database")
)]

pub mod alertmanager;
pub mod app;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod drill;
mod failpoint;
pub mod heartbeat;
pub mod history;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod notify;
mod outgoing;
pub mod page;
pub mod preview;
pub mod replay;
pub mod store;
pub mod templates;

#[cfg(test)]
mod testing;
