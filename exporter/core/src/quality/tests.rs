use super::*;

fn pane(predictions: u64, labelled: u64) -> QualityPane {
    QualityPane { predictions, labelled, ..QualityPane::empty() }
}

fn horizon(
    panes: &[(i64, QualityPane)],
    newest: i64,
    settled_until: i64,
) -> Option<std::ops::RangeInclusive<i64>> {
    let panes = panes.iter().cloned().collect();
    find_horizon(&panes, Horizon { newest, panes: 4, min_coverage: 0.8 }, |at, _| at <= settled_until)
}

#[test]
fn the_horizon_is_now_when_everything_is_labelled() {
    assert_eq!(horizon(&[(1, pane(10, 8)), (5, pane(10, 10))], 5, -1), Some(1..=5));
}

#[test]
fn one_pane_without_enough_labels_pushes_the_horizon_before_itself() {
    let panes = [(1, pane(10, 10)), (3, pane(10, 7)), (5, pane(10, 10))];
    assert_eq!(horizon(&panes, 5, -1), Some(-2..=2));
}

#[test]
fn the_open_pane_counts_too() {
    assert_eq!(horizon(&[(4, pane(5, 5)), (5, pane(1, 0))], 5, -1), Some(0..=4));
}

#[test]
fn a_pane_nobody_waits_for_is_no_obstacle() {
    assert_eq!(horizon(&[(1, pane(10, 0)), (2, pane(10, 10)), (5, pane(10, 10))], 5, 1), Some(1..=5));
}

#[test]
fn without_labels_there_is_no_quality() {
    assert_eq!(horizon(&[(1, pane(10, 0)), (2, pane(10, 0))], 5, -1), None);
    assert_eq!(horizon(&[(1, pane(10, 0))], 5, 9), None);
    assert_eq!(horizon(&[], 5, 9), None);
}

#[test]
fn a_window_of_panes_that_were_labelled_long_before_ends_behind_the_gap() {
    // The obstacle at 2 lies outside the window that ends at 9.
    assert_eq!(horizon(&[(2, pane(10, 0)), (8, pane(10, 10))], 9, -1), Some(5..=9));
}

/// scikit-learn 1.7: `accuracy_score`, `precision_score`, `recall_score`, `f1_score` on 50 tp, 10 fp, 30 fn, 110 tn.
#[test]
fn binary_metrics_equal_scikit_learns() {
    let binary = Binary { true_positives: 50, false_positives: 10, false_negatives: 30, true_negatives: 110 };
    for (metric, expected) in [
        (Metric::Accuracy, 0.8),
        (Metric::Precision, 0.833_333_333_333_333_4),
        (Metric::Recall, 0.625),
        (Metric::F1, 0.714_285_714_285_714_3),
        (Metric::Specificity, 0.916_666_666_666_666_6),
    ] {
        let value = binary.metric(metric).unwrap();
        assert!((value - expected).abs() < 1e-15, "{metric:?}: {value}");
    }
}

#[test]
fn a_metric_without_denominator_is_unknown() {
    let negatives = Binary { true_negatives: 5, ..Binary::default() };
    assert_eq!(negatives.metric(Metric::Precision), None);
    assert_eq!(negatives.metric(Metric::Recall), None);
    assert_eq!(negatives.metric(Metric::Accuracy), Some(1.0));
    assert_eq!(Binary::default().metric(Metric::Accuracy), None);
}

#[test]
fn classes_beyond_the_limit_are_counted_together() {
    let mut classes = Classes::default();
    let a = classes.admit("a", 2);
    let b = classes.admit("b", 2);
    let c = classes.admit("c", 2);
    let d = classes.admit("d", 2);
    assert_eq!((classes.name(a), classes.name(b), classes.name(c)), ("a", "b", "other"));
    assert_eq!(c, d);
    assert_eq!(classes.admit("a", 2), a);
}

#[test]
fn merging_confusions_adds_their_cells() {
    let (yes, no) = (ClassIndex(0), ClassIndex(1));
    let mut one = Confusion::default();
    one.add(yes, no);
    let mut other = one.clone();
    other.add(yes, yes);
    other.remove(yes, no);
    one.merge(&other);
    assert_eq!(one.cells().collect::<Vec<_>>(), [(yes, yes, 1), (yes, no, 1)]);
}
