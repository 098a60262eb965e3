//! what both modelwatch programs call: configuration, telemetry, HTTP serving, shutdown.
