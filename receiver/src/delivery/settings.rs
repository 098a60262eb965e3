//! The `delivery` section of the configuration.

use std::time::Duration;

use modelwatch_common::backoff::Backoff;
use modelwatch_common::config::{Faults, Source, Span};
use serde::Deserialize;

/// How often and how long a notification is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The waits between attempts.
    pub backoff: Backoff,
    /// After how long a notification becomes a dead letter.
    pub give_up_after: Duration,
    /// After how long a message says that it is late.
    pub late_after: Duration,
    /// How many notifications may be under way to one destination at once; read when its queue starts.
    pub workers: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDelivery {
    retry: Option<RawRetry>,
    give_up_after: Option<Span>,
    late_after: Option<Span>,
    workers: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRetry {
    initial: Option<Span>,
    max: Option<Span>,
    jitter: Option<f64>,
}

impl Settings {
    /// Takes the section `delivery` out of `source`.
    pub fn load(source: &mut Source, faults: &mut Faults) -> Settings {
        let raw: RawDelivery = source.section("delivery", faults);
        let span = |given: Option<Span>, default: u64| given.unwrap_or(Span::seconds(default)).duration();
        let settings = Settings {
            backoff: backoff(&raw.retry.unwrap_or_default(), faults),
            give_up_after: span(raw.give_up_after, 24 * 3600),
            late_after: span(raw.late_after, 10 * 60),
            workers: raw.workers.unwrap_or(8),
        };
        if settings.workers == 0 {
            faults.add("delivery.workers", "expected at least 1");
        }
        settings
    }
}

fn backoff(raw: &RawRetry, faults: &mut Faults) -> Backoff {
    let initial = raw.initial.unwrap_or(Span::seconds(1)).duration();
    let max = raw.max.unwrap_or(Span::seconds(300)).duration();
    let jitter = raw.jitter.unwrap_or(0.2);
    if initial.is_zero() {
        faults.add("delivery.retry.initial", "expected a duration longer than nothing");
    }
    if max < initial {
        faults.add("delivery.retry.max", "expected at least delivery.retry.initial");
    }
    if !(0.0..=1.0).contains(&jitter) {
        faults.add("delivery.retry.jitter", format!("expected a share from 0 to 1, found {jitter}"));
    }
    Backoff { initial, max, jitter }
}
