//! How long to wait before trying again: exponential, capped, spread by jitter. Pure: it never sleeps and never draws.

use std::time::Duration;

/// An exponential backoff: `initial · 2^attempt`, at most `max`, spread by ± `jitter`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The wait before the first retry.
    pub initial: Duration,
    /// No wait is longer than this, jitter included.
    pub max: Duration,
    /// The share (0 to 1) by which a wait is spread around its nominal length, so that many do not return at once.
    pub jitter: f64,
}

impl Backoff {
    /// The wait before retry number `attempt` (0 is the first), where `random` is uniform in 0..1.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let factor = 2u32.saturating_pow(attempt);
        let nominal = self.initial.saturating_mul(factor).min(self.max);
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        Duration::try_from_secs_f64(nominal.as_secs_f64() * spread).unwrap_or(self.max).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Backoff =
        Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(300), jitter: 0.0 };

    #[test]
    fn waits_double_until_the_maximum() {
        let seconds: Vec<u64> = (0..11).map(|attempt| PLAIN.delay(attempt, 0.9).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn jitter_spreads_around_the_nominal_wait_and_never_passes_the_maximum() {
        let spread = Backoff { jitter: 0.2, ..PLAIN };
        assert_eq!(spread.delay(3, 0.0), Duration::from_millis(6400));
        assert_eq!(spread.delay(3, 0.5), Duration::from_secs(8));
        assert_eq!(spread.delay(3, 1.0), Duration::from_millis(9600));
        assert_eq!(spread.delay(60, 1.0), PLAIN.max);
    }

    #[test]
    fn absurd_attempts_and_jitter_do_not_overflow() {
        let wild = Backoff { initial: Duration::from_secs(u64::MAX / 2), max: Duration::MAX, jitter: 0.0 };
        assert_eq!(wild.delay(u32::MAX, 0.5), Duration::MAX);
        let jittery = Backoff { jitter: 9.0, ..PLAIN };
        assert_eq!(jittery.delay(0, 0.0), Duration::ZERO);
    }
}
