//! The pure part of modelwatch-receiver: alerts, occurrences, dedupe, routing, templates, retry.
//!
//! Nothing here reads a clock, a file or a socket: `now` and randomness are arguments.

pub mod alert;
pub mod book;
pub mod dedupe;
pub mod message;
pub mod occurrence;
pub mod outcome;
pub mod retry;
pub mod route;
pub mod template;
