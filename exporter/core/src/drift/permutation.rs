//! What chance does: which rows of a pool would have been current if nothing but chance had chosen them.
//!
//! Given the pool, the counts of the chosen rows follow the multivariate hypergeometric distribution. It is drawn exactly, by
//! halving the cells and drawing how many rows fall to each half, so that cells without a chosen row cost nothing.

use std::sync::LazyLock;

use rand::{Rng, RngExt};

/// Pooled rows by cell, of which a fixed number is chosen.
pub(super) struct Pool {
    /// Rows before each cell, and of all cells at the end.
    before: Vec<u64>,
    chosen: u64,
}

impl Pool {
    /// A pool of these rows by cell, `chosen` of them (at most all) chosen by each draw.
    pub(super) fn new(pooled: &[u64], chosen: u64) -> Self {
        let mut before = vec![0];
        before.extend(pooled.iter().scan(0, |sum, rows| {
            *sum += rows;
            Some(*sum)
        }));
        Pool { before, chosen }
    }

    /// Draws once and visits every cell that has chosen rows, with their number.
    pub(super) fn draw(&self, random: &mut impl Rng, visit: &mut impl FnMut(usize, u64)) {
        self.draw_within(random, (0, self.before.len() - 1), self.chosen, visit);
    }

    fn draw_within(
        &self,
        random: &mut impl Rng,
        (first, end): (usize, usize),
        chosen: u64,
        visit: &mut impl FnMut(usize, u64),
    ) {
        if chosen == 0 {
            return;
        }
        if end - first == 1 {
            return visit(first, chosen);
        }
        let middle = first.midpoint(end);
        let (left, all) = (self.before[middle] - self.before[first], self.before[end] - self.before[first]);
        let chosen_left = hypergeometric(random, left, all - left, chosen);
        self.draw_within(random, (first, middle), chosen_left, visit);
        self.draw_within(random, (middle, end), chosen - chosen_left, visit);
    }
}

/// How many of `chosen` rows are marked when they are drawn without replacement from `marked + others` rows.
///
/// Inversion outwards from the mode: about as many steps as the standard deviation. (The sampler of `rand_distr` 0.6 multiplies
/// up to `marked + others` factors to set itself up, and every draw here has other parameters.)
fn hypergeometric(random: &mut impl Rng, marked: u64, others: u64, chosen: u64) -> u64 {
    let all = marked + others;
    let (fewer, swapped) = if chosen > all - chosen { (all - chosen, true) } else { (chosen, false) };
    let drawn = invert(random.random(), marked, others, fewer);
    if swapped { marked - drawn } else { drawn }
}

fn invert(uniform: f64, marked: u64, others: u64, chosen: u64) -> u64 {
    let (least, greatest) = (chosen.saturating_sub(others), chosen.min(marked));
    let (m, c) = (marked as f64, chosen as f64);
    // The others that stay, less the marked ones drawn: others − chosen + x.
    let rest = others as f64 - c;
    let mode = ((c + 1.0) * (m + 1.0) / (m + others as f64 + 2.0)) as u64;
    let mode = mode.clamp(least, greatest);
    let at_mode = probability(marked, others, chosen, mode);
    let (mut left, mut right) = ((mode, at_mode), (mode, at_mode));
    let mut remaining = uniform - at_mode;
    while remaining > 0.0 && (left.0 > least || right.0 < greatest) {
        if right.0 < greatest {
            let x = right.0 as f64;
            right = (right.0 + 1, right.1 * (m - x) * (c - x) / ((x + 1.0) * (rest + x + 1.0)));
            remaining -= right.1;
            if remaining <= 0.0 {
                return right.0;
            }
        }
        if left.0 > least {
            let x = left.0 as f64;
            left = (left.0 - 1, left.1 * x * (rest + x) / ((m - x + 1.0) * (c - x + 1.0)));
            remaining -= left.1;
            if remaining <= 0.0 {
                return left.0;
            }
        }
    }
    mode
}

/// The hypergeometric probability of x marked rows among the chosen.
fn probability(marked: u64, others: u64, chosen: u64, x: u64) -> f64 {
    let ways = ln_choose(marked, x) + ln_choose(others, chosen - x) - ln_choose(marked + others, chosen);
    ways.exp()
}

/// ln of n over k.
pub(super) fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// ln n!: tabulated where most arguments are, by Stirling's series where three terms of it are exact to 1e-12.
fn ln_factorial(n: u64) -> f64 {
    let tabulated = usize::try_from(n).ok().and_then(|n| LN_FACTORIALS.get(n));
    tabulated.copied().unwrap_or_else(|| stirling(n as f64))
}

fn stirling(n: f64) -> f64 {
    let inverse = n.recip();
    let square = inverse * inverse;
    let correction = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0));
    (n + 0.5) * n.ln() - n + LN_SQRT_TAU + correction
}

static LN_FACTORIALS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let sums = (1..4096).scan(0.0, |sum: &mut f64, n| {
        *sum += f64::from(n).ln();
        Some(*sum)
    });
    std::iter::once(0.0).chain(sums).collect()
});

/// ln √(2π).
const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

#[cfg(test)]
mod tests;
