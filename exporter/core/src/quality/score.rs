//! A probability of the positive class, kept to the last bit, and its cell on the grid that all score histograms share.
//!
//! The grid is the same for every model, so that histograms of replicas, panes and references can be added. It is fine where
//! scores crowd: every octave of the distance from 0 and from 1 has 512 cells, down to 2⁻²⁴. It looks at bits and uses no
//! logarithm, so that every machine finds the same cell.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// Cells of an octave: what these many bits of the mantissa tell apart.
const CELL_BITS: u32 = 9;
/// The octave [2⁻²⁴, 2⁻²³); what is closer to 0 or to 1 is one cell.
const CLOSEST: u64 = (1023 - 24) << CELL_BITS;
/// 0.5 has a cell of its own distance in the middle.
const MIDDLE: u16 = ((23 << CELL_BITS) + 1) as u16;
/// The cell of 1.
const LAST: u16 = 2 * MIDDLE;

/// How finely squared errors look at probabilities: 2³².
const SCALE: f64 = 4_294_967_296.0;

/// A probability in [0, 1], ordered as numbers are. One that may be missing takes no more room than 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Score(NonZeroU64);

impl Score {
    /// The score of a probability; `None` for what is none.
    #[must_use]
    pub fn new(probability: f64) -> Option<Score> {
        if !(0.0..=1.0).contains(&probability) {
            return None;
        }
        // Minus zero plus zero is zero; one more than the bits leaves nothing for "none".
        NonZeroU64::new((probability + 0.0).to_bits() + 1).map(Score)
    }

    /// The probability, to the last bit.
    #[must_use]
    pub fn probability(self) -> f64 {
        f64::from_bits(self.0.get() - 1)
    }

    /// Its place on the grid: never less for a higher score.
    #[must_use]
    pub fn cell(self) -> u16 {
        let probability = self.probability();
        // Above a half the subtraction is exact.
        if probability <= 0.5 { distance_cell(probability) } else { LAST - distance_cell(1.0 - probability) }
    }

    /// The squared distance from what was true, in units of 2⁻⁶⁴: of the probability rounded to 2⁻³², so that it can be summed
    /// and taken back without loss.
    pub(super) fn squared_error(self, positive: bool) -> u128 {
        let scaled = (self.probability() * SCALE).round() as u64;
        let truth = if positive { SCALE as u64 } else { 0 };
        u128::from(scaled.abs_diff(truth)).pow(2)
    }

    /// The score's bits; the highest one is never set.
    pub(super) fn bits(self) -> u64 {
        self.0.get()
    }

    /// The score that has these bits.
    pub(super) fn of_bits(bits: u64) -> Option<Score> {
        NonZeroU64::new(bits).map(Score)
    }
}

/// The cell of a distance of at most a half: 0 below 2⁻²⁴, then octave by octave.
fn distance_cell(distance: f64) -> u16 {
    (distance.to_bits() >> (52 - CELL_BITS)).checked_sub(CLOSEST).map_or(0, |above| above as u16 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(probability: f64) -> u16 {
        Score::new(probability).unwrap().cell()
    }

    #[test]
    fn a_score_is_its_probability_to_the_last_bit() {
        for probability in [0.0, 5e-324, 1e-9, 0.1, 0.5, 0.948_800_000_000_000_1, 1.0 - 1e-16, 1.0] {
            assert_eq!(Score::new(probability).unwrap().probability().to_bits(), probability.to_bits());
        }
        assert_eq!(Score::new(-0.0), Score::new(0.0));
        assert_eq!([-1e-9, 1.000_001, f64::NAN, f64::INFINITY].map(Score::new), [None; 4]);
        assert_eq!(size_of::<Option<Score>>(), 8);
    }

    #[test]
    fn the_grid_goes_from_0_to_1_and_mirrors_at_a_half() {
        assert_eq!((cell(0.0), cell(0.5), cell(1.0)), (0, MIDDLE, LAST));
        for probability in [0.0, 1e-9, 2.0_f64.powi(-24), 0.000_123, 0.25, 0.3, 0.499_999] {
            assert_eq!(cell(probability) + cell(1.0 - probability), LAST, "{probability}");
        }
    }

    #[test]
    fn cells_never_go_down_and_none_is_wider_than_a_512th_of_its_distance() {
        let mut first: (f64, u16) = (0.0, 0);
        for step in 1..=400_000 {
            let probability = f64::from(step) / 400_000.0;
            let at = cell(probability);
            assert!(at >= first.1, "{probability}");
            let distance = first.0.min(1.0 - probability);
            if at == first.1 && distance > 1e-6 {
                assert!(probability - first.0 <= distance / 512.0, "{probability}");
            }
            if at > first.1 {
                first = (probability, at);
            }
        }
    }
}
