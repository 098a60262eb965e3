//! Randomness that can be had again: its seed is printed, and shown with a test that fails.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// A generator of its own for one test, with another seed in every run.
pub(crate) fn random() -> StdRng {
    let seed = seed();
    println!("seed {seed}");
    StdRng::seed_from_u64(seed)
}

/// A number that is another one every time.
pub(super) fn seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    since.as_nanos() as u64
}
