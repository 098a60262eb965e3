//! the pure part of modelwatch-exporter: summaries, windows, drift, quality.
