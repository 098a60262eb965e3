use proptest::prelude::*;

use super::*;

fn score(probability: f64) -> Score {
    Score::new(probability).unwrap()
}

fn of(rows: &[(f64, bool)]) -> ScoreHistogram {
    let mut histogram = ScoreHistogram::default();
    for (probability, positive) in rows {
        histogram.add(score(*probability), *positive);
    }
    histogram
}

/// Few values, so that ties and neighbours in one cell are frequent.
pub(in crate::quality) fn rows(most: usize) -> impl Strategy<Value = Vec<(f64, bool)>> {
    let near = |middle: f64| (0_i32..4).prop_map(move |step| middle + f64::from(step) * 1e-12);
    let probability = prop_oneof![
        2 => 0.0..=1.0_f64,
        2 => near(0.3),
        1 => near(0.5),
        1 => near(0.999),
        1 => Just(0.0),
        1 => Just(1.0),
        1 => (0_i32..300).prop_map(|exponent| 0.7_f64.powi(exponent)),
    ];
    prop::collection::vec((probability, any::<bool>()), 0..most)
}

#[test]
fn a_cell_is_24_bytes_and_knows_whether_it_holds_one_value() {
    assert_eq!(size_of::<Cell>(), 24);
    let tied = of(&[(0.3, true), (0.3, false)]);
    assert!(tied.cells().len() == 1 && tied.cells()[0].is_one_value());
    let apart = of(&[(0.3, true), (0.3 + 1e-15, false)]);
    assert!(apart.cells().len() == 1 && !apart.cells()[0].is_one_value());
}

#[test]
fn a_correction_of_a_score_that_is_not_there_changes_nothing() {
    let mut histogram = of(&[(0.3, true)]);
    histogram.correct(score(0.3), true);
    histogram.correct(score(0.9), true);
    assert_eq!(histogram, of(&[(0.3, true)]));
}

#[test]
fn the_brier_score_is_the_mean_squared_error() {
    assert_eq!(ScoreHistogram::default().brier_score(), None);
    assert_eq!(of(&[(1.0, false), (0.0, true)]).brier_score(), Some(1.0));
    let rows = [(0.1, false), (0.35, true), (0.7, true), (1e-9, true), (0.999, false)];
    let mean = rows.map(|(p, y): (f64, bool)| (p - f64::from(u8::from(y))).powi(2)).iter().sum::<f64>() / 5.0;
    assert!((of(&rows).brier_score().unwrap() - mean).abs() < 2.0_f64.powi(-32));
}

proptest! {
    #[test]
    fn parts_merged_in_any_order_are_the_whole(mut rows in rows(80), cuts in prop::array::uniform2(0_usize..80)) {
        let whole = of(&rows);
        let (first, second) = (cuts[0].min(cuts[1]).min(rows.len()), cuts[0].max(cuts[1]).min(rows.len()));
        let mut merged = of(&rows[second..]);
        merged.merge(&of(&rows[..first]));
        merged.merge(&of(&rows[first..second]));
        prop_assert_eq!(&merged, &whole);
        rows.reverse();
        prop_assert_eq!(&of(&rows), &whole);
    }

    #[test]
    fn corrected_labels_leave_nothing_behind(rows in rows(60), wrong in prop::collection::vec(any::<bool>(), 60)) {
        let wrong: Vec<bool> = wrong.into_iter().take(rows.len()).collect();
        let first: Vec<_> = rows.iter().zip(&wrong).map(|((p, y), wrong)| (*p, y ^ wrong)).collect();
        let mut corrected = of(&first);
        for ((probability, positive), _) in rows.iter().zip(&wrong).filter(|(_, wrong)| **wrong) {
            corrected.correct(score(*probability), *positive);
        }
        prop_assert_eq!(corrected, of(&rows));
    }
}
