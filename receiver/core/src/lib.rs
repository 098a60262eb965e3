//! the pure part of modelwatch-receiver: occurrences, dedupe, routing, templates, retry.
