//! Which p-values of a family are too small for chance: Benjamini & Hochberg, "Controlling the false discovery rate",
//! J. R. Statist. Soc. B 57 (1995) 289–300.

/// The cut-off at false discovery rate `level`: `p <= cutoff` repeats every decision of the procedure.
///
/// With k the largest i for which p₍ᵢ₎ ≤ i · level / m (m p-values in ascending order), it is k · level / m; every p-value after
/// the k-th is greater. If none is rejected it is level / m, which even the smallest exceeds; for an empty family `level`.
pub fn benjamini_hochberg(p_values: &[f64], level: f64) -> f64 {
    let mut ascending = p_values.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    let family = ascending.len().max(1) as f64;
    let bound = |rejected: usize| rejected as f64 / family * level;
    let rejected = (1..=ascending.len()).rfind(|&rank| ascending[rank - 1] <= bound(rank));
    bound(rejected.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::benjamini_hochberg;

    #[test]
    fn the_published_example_rejects_its_four_smallest() {
        // The 15 p-values of section 3 of the paper; at 0.05 it rejects four.
        let p_values = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let mut shuffled = p_values;
        shuffled.reverse();
        let cutoff = benjamini_hochberg(&shuffled, 0.05);
        assert_eq!(cutoff, 4.0 / 15.0 * 0.05);
        assert_eq!(p_values.iter().filter(|p| **p <= cutoff).count(), 4);
    }

    #[test]
    fn a_later_p_value_can_carry_earlier_ones() {
        assert_eq!(benjamini_hochberg(&[0.03, 0.04, 0.045], 0.05), 0.05);
    }

    #[test]
    fn with_nothing_rejected_no_p_value_is_at_or_under_the_cutoff() {
        let p_values = [0.02, 0.5, 0.9, 0.6];
        let cutoff = benjamini_hochberg(&p_values, 0.05);
        assert_eq!(cutoff, 0.05 / 4.0);
        assert!(p_values.iter().all(|p| *p > cutoff));
    }

    #[test]
    fn an_empty_family_has_the_level_itself() {
        assert_eq!(benjamini_hochberg(&[], 0.05), 0.05);
    }
}
