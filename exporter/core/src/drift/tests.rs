mod golden;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::reference::{ColumnKind, FeatureReference, Profile};
use crate::value::Value;

fn table(reference: &[u64], current: &[u64]) -> Table {
    Table::new(reference, current).unwrap()
}

#[test]
fn without_a_row_on_either_side_there_is_no_table() {
    assert_eq!(Table::new(&[0, 0], &[1, 2]), None);
    assert_eq!(Table::new(&[1, 2], &[0, 0]), None);
    assert_eq!(Table::new(&[], &[]), None);
}

#[test]
fn cells_that_are_empty_in_both_do_not_count() {
    let with_empty = table(&[5, 0, 3, 0], &[1, 0, 0, 2]);
    assert_eq!(with_empty, table(&[5, 3, 0], &[1, 0, 2]));
    assert_eq!((with_empty.cells(), with_empty.reference_rows(), with_empty.current_rows()), (3, 8, 3));
}

#[test]
fn scores_of_a_small_table_by_hand() {
    // Smoothed shares are 3½/6 and 2½/6 against 2½/6 and 3½/6.
    let expected = 2.0 * (1.0 / 6.0) * (3.5_f64 / 2.5).ln();
    assert!((Method::Psi.score(&table(&[3, 2], &[2, 3])) - expected).abs() < 1e-15);
    // Nothing in common: the greatest possible distance.
    let apart = Method::JensenShannon.score(&table(&[4, 0], &[0, 9]));
    assert!((apart - std::f64::consts::LN_2.sqrt()).abs() < 1e-15);
}

#[test]
fn methods_are_written_by_their_names() {
    for method in Method::ALL {
        assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{}\"", method.name()));
    }
}

#[test]
fn numeric_features_default_to_psi_and_categorical_ones_to_jensen_shannon() {
    assert_eq!(Method::default_for(FeatureType::Numeric), Some(Method::Psi));
    assert_eq!(Method::default_for(FeatureType::Categorical), Some(Method::JensenShannon));
    assert_eq!(Method::default_for(FeatureType::Identifier), None);
}

#[test]
fn a_drift_needs_both_effect_and_evidence() {
    let cases = [(0.2, 0.001, true), (0.1, 0.05, true), (0.09, 0.001, false), (0.2, 0.06, false)];
    for (score, p_value, drifted) in cases {
        assert_eq!(decide(score, 0.1, p_value, 0.05), drifted, "{score} {p_value}");
    }
}

#[test]
fn excess_is_zero_at_the_null_mean_and_one_at_the_threshold() {
    let mut nulls = NullCache::default();
    let null = nulls.get(Method::Psi, &[100; 10], 50).unwrap();
    let threshold = threshold(0.1, &null, 0.001);
    assert!(threshold > 0.1, "at 50 rows chance alone exceeds 0.1, so the threshold is {threshold}");
    assert_eq!(excess(null.mean(), &null, threshold), Some(0.0));
    assert_eq!(excess(threshold, &null, threshold), Some(1.0));
    assert_eq!(excess(0.5, &null, null.mean()), None);
}

#[test]
fn with_many_rows_the_threshold_is_the_effect_size() {
    let null = NullCache::default().get(Method::Psi, &[10_000; 10], 50_000).unwrap();
    assert_eq!(threshold(0.1, &null, 1e-6), 0.1);
}

#[test]
fn bins_of_a_sample_reject_its_own_distribution_as_often_as_they_should() {
    let mut random = StdRng::seed_from_u64(11);
    let mut value = || Value::Number(random.random::<f64>().ln());
    let mut rejected = 0;
    for _ in 0..600 {
        let mut profile = Profile::new(ColumnKind::Float);
        (0..2_000).for_each(|_| profile.observe(&value()));
        let reference = FeatureReference::new(&profile, FeatureType::Numeric).unwrap();
        let mut cells = vec![0; reference.counts().len()];
        (0..500).for_each(|_| cells[reference.cell(&value()).0] += 1);
        let p_value = evidence::p_value(&table(reference.counts(), &cells)).unwrap();
        rejected += u32::from(p_value <= 0.05);
    }
    // Cells that only chance can fill, beyond the least and greatest value, would make it one in ten.
    assert!((15..=45).contains(&rejected), "{rejected} of 600");
}

fn any_pair() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
    let count = || prop_oneof![2 => Just(0u64), 4 => 0u64..20, 1 => 0u64..10_000_000];
    prop::collection::vec((count(), count()), 1..30).prop_map(|pairs| pairs.into_iter().unzip())
}

proptest! {
    #[test]
    fn scores_are_finite_symmetric_and_not_negative((reference, current) in any_pair()) {
        prop_assume!(reference.iter().sum::<u64>() > 0 && current.iter().sum::<u64>() > 0);
        for method in Method::ALL {
            let score = method.score(&table(&reference, &current));
            let turned = method.score(&table(&current, &reference));
            prop_assert!(score.is_finite() && score >= 0.0, "{method:?} {score}");
            prop_assert!((score - turned).abs() <= 1e-12 * score.max(1e-6), "{method:?} {score} {turned}");
            prop_assert!(method.score(&table(&reference, &reference)).abs() < 1e-12);
        }
        let distance = Method::JensenShannon.score(&table(&reference, &current));
        prop_assert!(distance <= std::f64::consts::LN_2.sqrt());
    }

    #[test]
    fn every_table_has_a_probability_or_one_cell((reference, current) in any_pair()) {
        prop_assume!(reference.iter().sum::<u64>() > 0 && current.iter().sum::<u64>() > 0);
        let table = table(&reference, &current);
        match evidence::p_value(&table) {
            Some(p_value) => prop_assert!((0.0..=1.0).contains(&p_value), "{p_value}"),
            None => prop_assert_eq!(table.cells(), 1),
        }
    }

    #[test]
    fn p_values_at_or_under_the_cutoff_are_those_the_procedure_rejects(
        p_values in prop::collection::vec(prop_oneof![0.0..1.0_f64, 0.0..0.01_f64], 1..40), level in 0.001..0.5_f64,
    ) {
        let cutoff = benjamini_hochberg(&p_values, level);
        let mut ascending = p_values.clone();
        ascending.sort_by(f64::total_cmp);
        let family = p_values.len() as f64;
        let rejected = (1..=ascending.len()).filter(|rank| ascending[rank - 1] <= *rank as f64 / family * level).max();
        prop_assert_eq!(p_values.iter().filter(|p| **p <= cutoff).count(), rejected.unwrap_or(0));
    }
}
