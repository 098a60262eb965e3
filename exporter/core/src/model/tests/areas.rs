//! Scores and late labels become areas under curves.

use super::*;
use crate::quality::Unknown;
use crate::report::QualityReport;

fn scored(id: u64, score: Option<f64>) -> Prediction {
    Prediction { score, ..prediction(id, START + id as i64, 5.0) }
}

/// Predictions with these scores, and a first label of each.
fn labelled(rows: &[(Option<f64>, &str)]) -> (Arc<ModelSetup>, Model) {
    let setup = setup(ClockKind::Event, &["1h", "48rows"]);
    let mut model = Model::new(&setup);
    for (id, (score, class)) in (0..).zip(rows) {
        model.predict(&setup, &scored(id, *score), NOW).unwrap();
        model.label(&setup, &label(id, START + HOUR, class), NOW).unwrap();
    }
    (setup, model)
}

fn quality(model: &Model, setup: &Arc<ModelSetup>) -> QualityReport {
    let told = told(model, setup, NOW);
    let [hour, rows] = ["1h", "48rows"].map(|name| window(&told, name).quality.unwrap());
    assert_eq!((&hour.metrics, &hour.unknown), (&rows.metrics, &rows.unknown));
    hour
}

#[test]
fn scores_and_labels_give_both_areas_with_their_bounds() {
    let (setup, model) = labelled(&[(Some(0.9), "1"), (Some(0.8), "0"), (Some(0.7), "1"), (Some(0.1), "0")]);
    let told = quality(&model, &setup);
    for bound in [&told.metrics, &told.lower_bounds, &told.upper_bounds] {
        assert_eq!((bound[&Metric::RocAuc], bound[&Metric::PrAuc]), (0.75, (1.0 + 2.0 / 3.0) / 2.0));
    }
    assert!(!told.lower_bounds.contains_key(&Metric::Accuracy), "a share is exact by itself");
    assert!((told.metrics[&Metric::BrierScore] - (0.01 + 0.64 + 0.09 + 0.01) / 4.0).abs() < 1e-9);
    assert!(told.unknown.is_empty(), "{:?}", told.unknown);
}

#[test]
fn a_contradicting_label_takes_back_what_the_first_one_said() {
    let straight = [(Some(0.9), "1"), (Some(0.4), "0"), (Some(0.3), "1"), (Some(0.1), "other")];
    let mut wrong = straight;
    (wrong[1].1, wrong[2].1, wrong[3].1) = ("1", "0", "0");
    let (setup, mut model) = labelled(&wrong);
    for (id, (_, class)) in (0..).zip(&straight) {
        model.label(&setup, &label(id, START + 2 * HOUR, class), NOW).unwrap();
    }
    let (_, expected) = labelled(&straight);
    let (told, expected) = (quality(&model, &setup), quality(&expected, &setup));
    assert_eq!((told.metrics, told.upper_bounds), (expected.metrics, expected.upper_bounds));
}

#[test]
fn a_prediction_without_score_counts_for_the_confusion_matrix_only() {
    let (setup, model) = labelled(&[(Some(0.9), "1"), (None, "1"), (Some(0.1), "0")]);
    let told = quality(&model, &setup);
    assert_eq!((told.rows, told.metrics[&Metric::RocAuc]), (3, 1.0));
    assert_eq!(told.metrics[&Metric::Accuracy], 2.0 / 3.0);
}

#[test]
fn what_cannot_be_ranked_is_absent_and_says_why() {
    for (rows, reason) in [
        (vec![(None, "1"), (None, "0")], Unknown::NoScores),
        (vec![(Some(0.9), "1"), (Some(0.1), "1")], Unknown::OneClass),
        (vec![(Some(0.9), "0"), (None, "1")], Unknown::OneClass),
    ] {
        let (setup, model) = labelled(&rows);
        let told = quality(&model, &setup);
        for metric in [Metric::RocAuc, Metric::PrAuc] {
            assert_eq!((told.metrics.get(&metric), told.unknown.get(&metric)), (None, Some(&reason)));
        }
    }
}

#[test]
fn another_positive_class_is_told_from_the_window_on_that_lies_wholly_after_the_change() {
    let (before, mut model) = labelled(&[(Some(0.9), "1"), (Some(0.1), "0")]);
    model.predict(&before, &scored(7, Some(0.9)), NOW).unwrap();
    let mut other = ModelSetup::clone(&before);
    other.positive = "0".into();
    let other = Arc::new(other);
    model.adopt(&other);
    model.label(&other, &label(7, START + HOUR, "1"), NOW).unwrap();
    let of_scores = [Metric::RocAuc, Metric::PrAuc, Metric::BrierScore];
    let why = |model: &Model| of_scores.map(|metric| quality(model, &other).unknown.get(&metric).copied());
    assert_eq!(why(&model), [Some(Unknown::ScoresGivenUp); 3]);
    for id in 10..12 {
        rank(&mut model, &other, id);
    }
    assert_eq!(why(&model), [Some(Unknown::ScoresGivenUp); 3], "two of five have a score about the class");
    for id in 3 * HOUR as u64..3 * HOUR as u64 + 49 {
        rank(&mut model, &other, id);
    }
    let after = told(&model, &other, NOW);
    for name in ["1h", "48rows"] {
        let quality = window(&after, name).quality.unwrap();
        assert_eq!((quality.rows, quality.metrics[&Metric::RocAuc]), (49, 1.0), "{name}");
    }
}

/// A prediction that ranks right when the positive class is 0, and its label.
fn rank(model: &mut Model, setup: &ModelSetup, id: u64) {
    let (score, class) = [(0.2, "1"), (0.8, "0")][id as usize % 2];
    model.predict(setup, &scored(id, Some(score)), NOW).unwrap();
    model.label(setup, &label(id, START + 4 * HOUR, class), NOW).unwrap();
}
