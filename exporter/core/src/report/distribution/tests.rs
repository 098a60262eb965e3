use super::*;
use crate::reference::ColumnKind;
use crate::reference::Profile;
use crate::value::Value;

fn reference(values: &[Value], kind: ColumnKind, feature_type: FeatureType) -> FeatureReference {
    let mut profile = Profile::new(kind);
    values.iter().for_each(|value| profile.observe(value));
    FeatureReference::new(&profile, feature_type).unwrap()
}

fn distribution(reference: &FeatureReference, values: &[Value]) -> Distribution {
    let mut counts = FeatureCounts::new(reference);
    for value in values {
        let (cell, kind) = reference.cell(value);
        counts.add(cell, kind);
    }
    Distribution::of(reference, &counts)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// `name kind reference current`, shares in percent.
fn told(distribution: &Distribution) -> Vec<String> {
    let percent = |share: f64| (share * 100.0).round();
    let cell = |cell: &Cell| {
        let current = cell.current.map_or("-".to_owned(), |share| percent(share).to_string());
        format!("{} {:?} {} {current}", cell.name, cell.kind, percent(cell.reference))
    };
    distribution.cells.iter().map(cell).collect()
}

#[test]
fn numbers_stand_in_the_references_bins_and_what_is_no_number_beside_them() {
    let usual: Vec<Value> = (1..=10).map(|n| Value::Number(f64::from(n))).collect();
    let reference = reference(&usual, ColumnKind::Integer, FeatureType::Numeric);
    let now = [Value::Number(10.0), Value::Number(99.0), Value::Null, text("ten")];
    let told = told(&distribution(&reference, &now));
    assert_eq!(told.first().unwrap(), "below Below 0 0");
    assert_eq!(told[1], "[1, 1] Bin 10 0");
    assert_eq!(
        told[10..],
        ["(9, 10] Bin 10 25", "above Above 0 25", "missing Missing 0 25", "bad_type BadType 0 25"]
    );
}

#[test]
fn categories_that_are_numbers_are_in_their_order() {
    let values: Vec<Value> = ["10", "9", "1", "1"].map(text).into();
    let reference = reference(&values, ColumnKind::Text, FeatureType::Categorical);
    let told = told(&distribution(&reference, &[text("9"), text("missing")]));
    assert_eq!(
        told,
        [
            "1 Category 50 0",
            "9 Category 25 50",
            "10 Category 25 0",
            "missing Missing 0 0",
            "unseen Unseen 0 50"
        ]
    );
}

#[test]
fn a_category_that_is_called_missing_is_a_category() {
    let reference = reference(&[text("missing"), Value::Null], ColumnKind::Text, FeatureType::Categorical);
    let told = told(&distribution(&reference, &[Value::Null]));
    assert_eq!(told, ["missing Category 50 0", "missing Missing 50 100", "unseen Unseen 0 0"]);
}

#[test]
fn rare_categories_are_told_together_and_one_that_grew_is_told_apart() {
    let common = (0..30).flat_map(|n| vec![text(&format!("c{n:02}")); 40 - n]);
    let reference = reference(&common.collect::<Vec<_>>(), ColumnKind::Text, FeatureType::Categorical);
    let found = distribution(&reference, &vec![text("c29"); 5]);
    assert_eq!(found.cells.len(), MOST_CATEGORIES + 3);
    let grown = found.cells.iter().find(|cell| cell.name == "c29").unwrap();
    assert_eq!(grown.current, Some(1.0));
    let other = &found.cells[MOST_CATEGORIES];
    assert_eq!((other.kind, &*other.name), (CellKind::OtherCategories, "10 other categories"));
    let whole: f64 = found.cells.iter().map(|cell| cell.reference).sum();
    assert!((whole - 1.0).abs() < 1e-12, "{whole}");
}

#[test]
fn an_empty_window_has_no_shares() {
    let reference = reference(&[text("a")], ColumnKind::Text, FeatureType::Categorical);
    assert!(distribution(&reference, &[]).cells.iter().all(|cell| cell.current.is_none()));
}
