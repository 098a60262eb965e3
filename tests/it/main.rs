//! The outside tests of modelwatch: every test drives the built programs as a user would.
mod exporter_loop;
mod support;
