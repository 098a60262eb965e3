//! The pure part of modelwatch-receiver: alerts, occurrences, dedupe, routing, templates, retry.
//!
//! Nothing here reads a clock, a file or a socket: `now` and randomness are arguments.

pub mod alert;
pub mod message;
pub mod outcome;
