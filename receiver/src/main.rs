//! The entry point: one TLS provider for everything, then the command line.

use std::process::ExitCode;

/// Webhooks are read on one thread and stored on another: memory often changes hands, which this one is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Fails only if one is installed already, and then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    modelwatch_receiver::cli::run()
}
