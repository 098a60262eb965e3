//! The store's clock, for what has to be done in a while; whoever sets the clock of a machine that runs a receiver neither
//! holds deliveries back nor hastens them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use modelwatch_common::time::Clock;

/// By how much two readings may differ without anybody having set the clock.
const UNSTEADY: SignedDuration = SignedDuration::from_secs(1);

/// What the time was when it was last read, and from then on the time that passed. A store that one process serves reads
/// the wall clock once, at its start; one that several share reads the database's, with every transaction.
#[derive(Debug, Clone)]
pub(super) struct Steady(Arc<Mutex<Reading>>);

#[derive(Debug)]
struct Reading {
    time: Timestamp,
    since: Instant,
    /// Whether it was set back, and what waits does not follow it yet.
    set_back: bool,
    /// Where a test holds the clock.
    #[cfg(test)]
    held: Option<Timestamp>,
    /// How far a test turned it forward.
    #[cfg(test)]
    ahead: Duration,
}

impl Steady {
    pub(super) fn start() -> Steady {
        Steady(Arc::new(Mutex::new(Reading {
            time: Timestamp::now(),
            since: Instant::now(),
            set_back: false,
            #[cfg(test)]
            held: None,
            #[cfg(test)]
            ahead: Duration::ZERO,
        })))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.after(Duration::ZERO)
    }

    pub(super) fn after(&self, wait: Duration) -> Timestamp {
        let reading = self.reading();
        #[cfg(test)]
        if let Some(held) = reading.held {
            return held.saturating_add(wait).unwrap_or(Timestamp::MAX);
        }
        let passed = reading.since.elapsed();
        #[cfg(test)]
        let passed = passed + reading.ahead;
        reading.time.saturating_add(passed.saturating_add(wait)).unwrap_or(Timestamp::MAX)
    }

    /// Goes on from `time`, which the database just named.
    pub(super) fn set(&self, time: Timestamp) {
        let mut reading = self.reading();
        let expected = reading.time.saturating_add(reading.since.elapsed()).unwrap_or(Timestamp::MAX);
        reading.set_back |= expected.duration_since(time) > UNSTEADY;
        reading.time = time;
        reading.since = Instant::now();
    }

    /// Whether the database's clock was set back, and what waits does not follow it yet.
    pub(super) fn is_set_back(&self) -> bool {
        self.reading().set_back
    }

    /// What waits follows it.
    pub(super) fn followed(&self) {
        self.reading().set_back = false;
    }

    /// Holds it at that time, or lets it go on.
    #[cfg(test)]
    pub(super) fn hold(&self, at: Option<Timestamp>) {
        self.reading().held = at;
    }

    /// Turns it forward.
    #[cfg(test)]
    pub(super) fn turn(&self, by: Duration) {
        self.reading().ahead += by;
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Steady {
    fn now(&self) -> Timestamp {
        Steady::now(self)
    }
}
