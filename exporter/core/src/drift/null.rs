//! What a score is when nothing changed: its mean, and how far chance carries it.
//!
//! A reference and a current sample are drawn again and again from one pool that has the shape of the reference. A score's
//! divergence is asymptotically a multiple of χ², so a gamma distribution with the mean and variance of the draws stands for all
//! of it, far tail included: two moments of a few hundred draws know the 95 % quantile better than their order statistics do.
//!
//! The number of current rows M is rounded to a coarse logarithmic grid and the divergence scaled by the ratio of N·M/(N+M),
//! with which it shrinks; so a growing window needs few entries of the cache.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use rand::{SeedableRng, rngs::StdRng};
use statrs::function::gamma::gamma_ur;
use xxhash_rust::xxh3::Xxh3Default;

use super::{Method, Table, permutation::Pool};

/// Steps of the grid of M per factor of two.
const STEPS: f64 = 2.0;

/// The distribution of a method's score when nothing changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NullScore {
    method: Method,
    mean: f64,
    divergence_mean: f64,
    divergence_variance: f64,
}

impl NullScore {
    /// The mean score.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The score that chance exceeds with this probability: the upper quantile, in (0, 1].
    pub fn exceeded_with(&self, probability: f64) -> f64 {
        if self.divergence_variance <= 0.0 {
            return self.mean;
        }
        let shape = self.divergence_mean * self.divergence_mean / self.divergence_variance;
        let scale = self.divergence_variance / self.divergence_mean;
        self.method.of_divergence(scale * upper_quantile(shape, probability))
    }

    /// The same null for another effective sample size: `ratio` is the simulated N·M/(N+M) over the wanted one.
    fn scaled(self, ratio: f64) -> Self {
        let mean = match self.method {
            Method::Psi => self.mean * ratio,
            Method::JensenShannon => self.mean * ratio.sqrt(),
        };
        let (divergence_mean, divergence_variance) =
            (self.divergence_mean * ratio, self.divergence_variance * ratio * ratio);
        NullScore { mean, divergence_mean, divergence_variance, ..self }
    }
}

/// Nulls that were drawn before. One publication asks for one of each slice, window, feature and method; what the last two
/// asked for is kept, at under 100 bytes each, so nothing that did not change is drawn again.
#[derive(Debug, Default)]
pub struct NullCache {
    recent: HashMap<Key, NullScore, FixedState>,
    older: HashMap<Key, NullScore, FixedState>,
}

type Key = (Method, u64, i32);

impl NullCache {
    /// Begins another publication: forgets what the last one did not ask for.
    pub fn next(&mut self) {
        self.older = std::mem::take(&mut self.recent);
    }

    /// The null of a method for a reference histogram (counts by cell, in any order) and M current rows, or `None` if either
    /// has no row. Draws it if it is not known yet.
    pub fn get(&mut self, method: Method, reference: &[u64], current_rows: u64) -> Option<NullScore> {
        let reference_rows: u64 = reference.iter().sum();
        if reference_rows == 0 || current_rows == 0 {
            return None;
        }
        let step = ((current_rows as f64).log2() * STEPS).round() as i32;
        let drawn_rows = (f64::from(step) / STEPS).exp2().round() as u64;
        let key = (method, fingerprint(reference), step);
        let null = match self.recent.get(&key).or_else(|| self.older.get(&key)) {
            Some(known) => *known,
            None => draw(method, reference, drawn_rows, key.1),
        };
        self.recent.insert(key, null);
        Some(null.scaled(effective(reference_rows, drawn_rows) / effective(reference_rows, current_rows)))
    }
}

/// N·M/(N+M).
fn effective(reference_rows: u64, current_rows: u64) -> f64 {
    let (n, m) = (reference_rows as f64, current_rows as f64);
    n * m / (n + m)
}

fn fingerprint(reference: &[u64]) -> u64 {
    let mut hash = Xxh3Default::new();
    for count in reference {
        hash.update(&count.to_le_bytes());
    }
    hash.digest()
}

/// How often to draw: less often with more cells, over which a score averages by itself.
fn draws(cells: usize) -> usize {
    (20_000 / cells.max(1)).clamp(10, 500)
}

fn draw(method: Method, reference: &[u64], current_rows: u64, seed: u64) -> NullScore {
    let pooled = pooled(reference, current_rows);
    let pool = Pool::new(&pooled, current_rows);
    let mut random = StdRng::seed_from_u64(seed ^ current_rows);
    let (mut scores, mut divergences) = (Moments::default(), Moments::default());
    let mut current = vec![0; pooled.len()];
    for _ in 0..draws(pooled.len()) {
        current.fill(0);
        pool.draw(&mut random, &mut |cell, rows| current[cell] = rows);
        let rest: Vec<u64> = pooled.iter().zip(&current).map(|(all, rows)| all - rows).collect();
        if let Some(table) = Table::new(&rest, &current) {
            let divergence = method.divergence(&table);
            divergences.add(divergence);
            scores.add(method.of_divergence(divergence));
        }
    }
    NullScore {
        method,
        mean: scores.mean,
        divergence_mean: divergences.mean,
        divergence_variance: divergences.variance(),
    }
}

/// The reference and `current_rows` further rows in its shares, rounded so that the sum is exact; empty cells are left out.
fn pooled(reference: &[u64], current_rows: u64) -> Vec<u64> {
    let rows: u128 = reference.iter().map(|count| u128::from(*count)).sum();
    let share = |before: u128| (before * u128::from(current_rows) / rows.max(1)) as u64;
    let mut before = 0;
    let filled = reference.iter().filter(|count| **count > 0);
    filled
        .map(|&count| {
            let from = share(before);
            before += u128::from(count);
            count + share(before) - from
        })
        .collect()
}

/// Mean and variance in one pass (Welford 1962).
#[derive(Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0).max(1.0)
    }
}

/// The point that a gamma variable of this shape and scale 1 exceeds with the given probability, by bisection.
fn upper_quantile(shape: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, shape + 1.0);
    while high < 1e300 && gamma_ur(shape, high) > probability {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if gamma_ur(shape, middle) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests;
