//! A clock that only goes forward, for what has to be done in a while.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The wall clock at its start, and from then on the time that passed: whoever sets the clock of the machine neither
/// holds deliveries back nor hastens them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steady {
    began: Timestamp,
    since: Instant,
}

impl Steady {
    pub(super) fn start() -> Steady {
        Steady { began: Timestamp::now(), since: Instant::now() }
    }

    pub(super) fn now(self) -> Timestamp {
        self.after(Duration::ZERO)
    }

    pub(super) fn after(self, wait: Duration) -> Timestamp {
        self.began.saturating_add(self.since.elapsed().saturating_add(wait)).unwrap_or(Timestamp::MAX)
    }
}
