mod golden;

use proptest::prelude::*;

use super::*;
use crate::quality::Score;
use crate::quality::score_histogram::tests::rows;

/// What rounding may take away from a bound.
const ROUNDING: f64 = 1e-12;

fn histogram(rows: impl IntoIterator<Item = (f64, bool)>) -> ScoreHistogram {
    let mut histogram = ScoreHistogram::default();
    rows.into_iter().for_each(|(probability, positive)| {
        histogram.add(Score::new(probability).unwrap(), positive);
    });
    histogram
}

/// Both areas by their definitions, from the raw rows; positives and negatives must be there.
fn exact(rows: &[(f64, bool)]) -> (f64, f64) {
    let scores = |wanted: bool| rows.iter().filter(move |row| row.1 == wanted).map(|row| row.0);
    let (positives, negatives) = (scores(true).count() as f64, scores(false).count() as f64);
    let half_credits = |p: f64| {
        scores(false).map(move |n| {
            if p > n {
                1.0
            } else if p == n {
                0.5
            } else {
                0.0
            }
        })
    };
    let roc = scores(true).flat_map(half_credits).sum::<f64>() / (positives * negatives);
    let at_least = |p: f64, wanted: bool| scores(wanted).filter(|score| *score >= p).count() as f64;
    let precision = |p: f64| at_least(p, true) / (at_least(p, true) + at_least(p, false));
    (roc, scores(true).map(precision).sum::<f64>() / positives)
}

fn assert_holds(bounded: Bounded, exact: f64, name: &str) {
    let Bounded { value, lower, upper } = bounded;
    assert!(lower - ROUNDING <= exact && exact <= upper + ROUNDING, "{name}: {exact} in [{lower}, {upper}]");
    assert!((value - exact).abs() <= (upper - lower) / 2.0 + ROUNDING, "{name}: {value} for {exact}");
}

#[test]
fn one_class_alone_ranks_nothing() {
    for class in [true, false] {
        let scores = histogram([(0.3, class), (0.7, class)]);
        assert_eq!((roc_auc(&scores), average_precision(&scores)), (None, None));
    }
    assert_eq!(roc_auc(&ScoreHistogram::default()), None);
}

/// scikit-learn 1.7: `roc_auc_score` and `average_precision_score` of y = [0, 0, 1, 1, 1], s = [.1, .4, .4, .8, .1].
#[test]
fn ties_count_half_and_add_nothing_to_the_bounds() {
    let scores = histogram([(0.1, false), (0.4, false), (0.4, true), (0.8, true), (0.1, true)]);
    let (roc, precision) = (roc_auc(&scores).unwrap(), average_precision(&scores).unwrap());
    assert_eq!((roc.lower, roc.value, roc.upper), (2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0));
    let expected = (1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 3.0;
    assert_eq!(precision.lower, precision.upper);
    assert!((precision.value - expected).abs() < 1e-15, "{precision:?}");
}

#[test]
fn several_values_of_one_cell_may_be_in_any_order() {
    let scores = histogram([(0.3, false), (0.3 + 1e-15, true)]);
    let (roc, precision) = (roc_auc(&scores).unwrap(), average_precision(&scores).unwrap());
    assert_eq!((roc.lower, roc.value, roc.upper), (0.0, 0.5, 1.0));
    assert_eq!((precision.lower, precision.upper), (0.5, 1.0));
}

#[test]
fn many_positives_of_one_cell_are_summed_in_closed_form_from_below() {
    for (above, count, negatives) in [(0, 65, 1), (3, 100, 100_000), (500, 5_000, 7), (10, 80, 0)] {
        let cell =
            histogram((0..count + 1).map(|step| (0.3 + 1e-15 * f64::from(step), step < count))).cells()[0];
        let above = Above { positives: above, negatives: negatives as u64 };
        let behind = (negatives + 1) as f64;
        let term = |j: i32| {
            (above.positives as f64 + f64::from(j)) / (above.positives as f64 + f64::from(j) + behind)
        };
        let (sum, least) = ((1..=count).map(term).sum::<f64>(), above.one_by_one(&cell));
        assert!(least <= sum + 1e-9 && sum - least < 0.02, "{least} for {sum}");
    }
}

#[test]
fn evenly_spread_scores_that_say_nothing_are_within_a_thousandth() {
    let scores = histogram((0..200_000).map(|at| (f64::from(at) / 200_000.0, at * 7 % 10 < 3)));
    for bounded in [roc_auc(&scores).unwrap(), average_precision(&scores).unwrap()] {
        assert!(bounded.upper - bounded.lower <= 1e-3, "{bounded:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn what_the_raw_rows_give_lies_within_the_bounds(rows in rows(300)) {
        let scores = histogram(rows.iter().copied());
        let (Some(roc), Some(precision)) = (roc_auc(&scores), average_precision(&scores)) else {
            prop_assert!(rows.iter().all(|row| row.1) || rows.iter().all(|row| !row.1));
            return Ok(());
        };
        let (exact_roc, exact_precision) = exact(&rows);
        assert_holds(roc, exact_roc, "roc");
        assert_holds(precision, exact_precision, "average precision");
    }
}
