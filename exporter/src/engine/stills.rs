//! The way of stills from the engine to the publisher: one at a time, and only when it is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Still;

/// The engine's end.
pub struct StillSender {
    wanted: Arc<AtomicBool>,
    stills: SyncSender<Still>,
}

/// The publisher's end: iterating asks for a still where none is on its way, and waits for it until the engine is gone.
pub struct Stills {
    wanted: Arc<AtomicBool>,
    stills: Receiver<Still>,
}

/// Both ends; the first still is wanted at once.
#[must_use]
pub fn stills() -> (StillSender, Stills) {
    let wanted = Arc::new(AtomicBool::new(true));
    // room for the one that was asked for, so that sending never waits
    let (sender, receiver) = sync_channel(1);
    (StillSender { wanted: Arc::clone(&wanted), stills: sender }, Stills { wanted, stills: receiver })
}

impl StillSender {
    /// Whether the publisher waits for one.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Sends the one that is wanted.
    pub(super) fn send(&self, still: Still) {
        self.wanted.store(false, Ordering::Release);
        // the publisher ends only with the program
        let _ = self.stills.try_send(still);
    }
}

impl Iterator for Stills {
    type Item = Still;

    fn next(&mut self) -> Option<Still> {
        self.stills.try_recv().ok().or_else(|| {
            self.wanted.store(true, Ordering::Release);
            self.stills.recv().ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use modelwatch_exporter_core::idempotency::KeyTotals;

    use super::*;

    fn still() -> Still {
        Still { models: Vec::new(), rejected: Vec::new(), keys: KeyTotals::default(), series_per_family: 0 }
    }

    #[test]
    fn a_still_is_wanted_from_the_start_and_not_while_the_publisher_is_busy_with_one() {
        let (sender, mut stills) = stills();
        assert!(sender.is_wanted());
        sender.send(still());
        assert!(!sender.is_wanted(), "one is on its way");
        assert!(stills.next().is_some());
        assert!(!sender.is_wanted(), "it is being worked on");
    }

    #[test]
    fn the_publisher_asks_when_it_comes_back_and_ends_with_the_engine() {
        let (sender, mut stills) = stills();
        sender.send(still());
        assert!(stills.next().is_some());
        let waiting = std::thread::spawn(move || (stills.next().is_some(), stills.next().is_some()));
        while !sender.is_wanted() {
            std::thread::yield_now();
        }
        sender.send(still());
        drop(sender);
        assert_eq!(waiting.join().unwrap(), (true, false));
    }
}
