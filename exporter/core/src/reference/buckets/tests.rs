use proptest::prelude::*;

use super::*;

fn of(numbers: &[f64]) -> Buckets {
    let mut buckets = Buckets::default();
    numbers.iter().for_each(|number| buckets.observe(*number));
    buckets
}

/// Different finite numbers of every magnitude and both signs, always the same ones.
fn scattered(count: usize) -> Vec<f64> {
    let golden_ratio = 0x9e37_79b9_7f4a_7c15_u64;
    let bits = (1..).map(|n: u64| n.wrapping_mul(golden_ratio));
    bits.map(f64::from_bits).filter(|number| number.is_finite()).take(count).collect()
}

fn rows(buckets: &Buckets) -> u64 {
    buckets.ascending().iter().map(|(_, count)| count).sum()
}

#[test]
fn up_to_the_capacity_every_number_is_kept() {
    let numbers: Vec<f64> = (0..CAPACITY).map(|n| n as f64 / 7.0 - 100.0).collect();
    let buckets = of(&numbers);
    assert_eq!(buckets.distinct(), Some(CAPACITY));
    assert_eq!(buckets.ascending().into_iter().map(|(number, _)| number).collect::<Vec<_>>(), numbers);
}

#[test]
fn beyond_the_capacity_counts_stay_exact_in_wider_buckets() {
    let buckets = of(&(0..100_000).map(|n| f64::from(n) / 100_000.0).collect::<Vec<_>>());
    assert_eq!(buckets.distinct(), None);
    assert_eq!(rows(&buckets), 100_000);
    let fullest = buckets.ascending().into_iter().map(|(_, count)| count).max();
    assert!(fullest < Some(500), "a bucket holds {fullest:?} of 100 000 rows");
}

#[test]
fn numbers_close_together_and_far_from_zero_are_told_apart() {
    let seconds: Vec<f64> = (0..50_000).map(|n| 1.7e9 + f64::from(n)).collect();
    let fullest = of(&seconds).ascending().into_iter().map(|(_, count)| count).max();
    assert!(fullest <= Some(64), "a bucket holds {fullest:?} of 50 000 seconds");
}

#[test]
fn extremes_and_every_magnitude_fit() {
    let mut numbers = scattered(200_000);
    numbers.extend([f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, -5e-324, 0.0, -0.0]);
    let buckets = of(&numbers);
    assert_eq!(rows(&buckets), numbers.len() as u64);
    let ends: Vec<f64> = buckets.ascending().into_iter().map(|(end, _)| end).collect();
    assert!(ends.is_sorted() && ends.len() <= CAPACITY);
    assert_eq!(ends.last(), Some(&f64::MAX));
}

#[test]
fn minus_zero_is_zero() {
    assert_eq!(of(&[0.0, -0.0]).ascending(), [(0.0, 2)]);
}

#[test]
fn the_order_of_rows_does_not_show_in_the_bytes() {
    let mut numbers = scattered(9_000);
    let forwards = serde_json::to_string(&of(&numbers)).unwrap();
    numbers.reverse();
    assert_eq!(serde_json::to_string(&of(&numbers)).unwrap(), forwards);
    assert_eq!(serde_json::from_str::<Buckets>(&forwards).unwrap(), of(&numbers));
}

#[test]
fn counts_outside_the_grid_are_refused() {
    for damaged in [r#"{"level":53,"counts":[]}"#, r#"{"level":0,"counts":[[9218868437227405312,1]]}"#] {
        assert!(serde_json::from_str::<Buckets>(damaged).is_err(), "{damaged}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn parts_merged_in_any_order_are_the_whole(
        count in 1usize..6_000, first in 0usize..6_000, second in 0usize..6_000, few in 1usize..50,
    ) {
        let mut numbers = scattered(count);
        numbers.extend((0..few).map(|n| n as f64));
        let (first, second) = (first.min(second).min(count), first.max(second).min(count));
        let parts = [of(&numbers[..first]), of(&numbers[first..second]), of(&numbers[second..])];
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
            let mut merged = Buckets::default();
            order.iter().for_each(|part| merged.merge(&parts[*part]));
            prop_assert_eq!(&merged, &of(&numbers));
        }
    }

    #[test]
    fn every_number_is_in_the_bucket_that_ends_at_or_after_it(
        number in any::<f64>().prop_filter("finite", |n| n.is_finite()), level in 0..=WIDEST,
    ) {
        let own = key(number, level);
        prop_assert!(number <= greatest(own, level));
        prop_assert!(number > greatest(own - 1, level) || greatest(own - 1, level).is_nan());
        prop_assert_eq!(widened(own, WIDEST - level), key(number, WIDEST));
    }
}
