use proptest::prelude::*;

use super::*;

fn reference(column: ColumnKind, feature_type: FeatureType, values: &[Value]) -> FeatureReference {
    let mut profile = Profile::new(column);
    values.iter().for_each(|value| profile.observe(value));
    FeatureReference::new(&profile, feature_type).unwrap()
}

fn numeric(values: &[Value]) -> FeatureReference {
    reference(ColumnKind::Float, FeatureType::Numeric, values)
}

fn categorical(values: &[Value]) -> FeatureReference {
    reference(ColumnKind::Text, FeatureType::Categorical, values)
}

fn numbers(numbers: impl IntoIterator<Item = f64>) -> Vec<Value> {
    numbers.into_iter().map(Value::Number).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn named(reference: &FeatureReference, value: &Value) -> (String, Kind) {
    let (cell, kind) = reference.cell(value);
    (reference.cell_names()[cell].clone(), kind)
}

/// The reference's own rows, counted as a window would count them.
fn counted(reference: &FeatureReference, values: &[Value]) -> Vec<u64> {
    let mut counts = vec![0; reference.counts().len()];
    values.iter().for_each(|value| counts[reference.cell(value).0] += 1);
    counts
}

#[test]
fn bins_are_deciles_between_two_thin_tails() {
    let reference = numeric(&numbers((1..=1_000).map(f64::from)));
    assert_eq!(reference.counts(), [10, 98, 98, 98, 98, 98, 98, 98, 98, 98, 98, 10, 0, 0]);
    let names = ["below", "(10, 108]", "(108, 206]"];
    assert_eq!(reference.cell_names()[..3], names);
    assert_eq!(named(&reference, &Value::Number(108.0)), ("(10, 108]".into(), Kind::Valid));
    assert_eq!(named(&reference, &Value::Number(108.5)), ("(108, 206]".into(), Kind::Valid));
}

#[test]
fn beyond_the_reference_is_out_of_range_and_its_tails_are_valid() {
    let reference = numeric(&numbers((1..=1_000).map(f64::from)));
    let expected = [
        (1.0, "below", Kind::Valid),
        (0.999, "below", Kind::OutOfRange),
        (f64::NEG_INFINITY, "below", Kind::Infinite),
        (1_000.0, "above", Kind::Valid),
        (1_000.5, "above", Kind::OutOfRange),
        (f64::INFINITY, "above", Kind::Infinite),
        (f64::NAN, "missing", Kind::Nan),
    ];
    for (number, cell, kind) in expected {
        assert_eq!(named(&reference, &Value::Number(number)), (cell.into(), kind), "{number}");
    }
    for value in [text("5"), Value::Bool(true), Value::Other] {
        assert_eq!(named(&reference, &value), ("bad_type".into(), Kind::BadType), "{value:?}");
    }
    for (value, kind) in [(text(""), Kind::Empty), (Value::Null, Kind::Null), (Value::Absent, Kind::Absent)] {
        assert_eq!(named(&reference, &value), ("missing".into(), kind));
    }
}

#[test]
fn tied_quantiles_collapse_into_one_bin() {
    let mut values = numbers(std::iter::repeat_n(0.0, 700));
    values.extend(numbers((1..=300).map(|n| f64::from(n.min(290)))));
    let reference = numeric(&values);
    assert_eq!(reference.cell_names()[1], "[0, 0]");
    assert_eq!(reference.counts(), [0, 700, 100, 100, 100, 0, 0, 0]);
}

#[test]
fn a_constant_has_one_bin_and_everything_else_is_out_of_range() {
    let reference = numeric(&numbers([7.0; 40]));
    assert_eq!(reference.counts(), [0, 40, 0, 0, 0]);
    assert_eq!(reference.cell(&Value::Number(7.0)), (1, Kind::Valid));
    assert_eq!(reference.cell(&Value::Number(6.9)), (0, Kind::OutOfRange));
    assert_eq!(reference.cell(&Value::Number(7.1)), (2, Kind::OutOfRange));
}

#[test]
fn a_reference_without_a_number_still_has_cells() {
    let reference = numeric(&[Value::Null, Value::Number(f64::NAN)]);
    assert_eq!(reference.counts(), [0, 0, 2, 0]);
    assert_eq!(named(&reference, &Value::Number(1.0)), ("below".into(), Kind::OutOfRange));
    assert_eq!(named(&reference, &Value::Absent), ("missing".into(), Kind::Absent));
}

#[test]
fn categories_compare_by_canonical_text_whatever_their_type() {
    let reference = categorical(&[text("1"), text("2.0"), text("true"), text("01")]);
    assert_eq!(reference.cell_names(), ["01", "1", "2", "true", "missing", "unseen"]);
    for (value, cell) in
        [(Value::Number(1.0), 1), (text("1.0"), 1), (text("2"), 2), (Value::Bool(true), 3), (text("01"), 0)]
    {
        assert_eq!(reference.cell(&value), (cell, Kind::Valid), "{value:?}");
    }
}

#[test]
fn what_no_category_covers_is_unseen_or_missing() {
    let reference = categorical(&[text("a"), text("a"), Value::Null]);
    assert_eq!(reference.counts(), [2, 1, 0]);
    let expected = [
        (text("b"), 2, Kind::Unseen),
        (Value::Number(0.0), 2, Kind::Unseen),
        (Value::Bool(true), 2, Kind::Unseen),
        (Value::Number(f64::INFINITY), 2, Kind::Infinite),
        (Value::Other, 2, Kind::BadType),
        (Value::Number(f64::NAN), 1, Kind::Nan),
        (text(""), 1, Kind::Empty),
        (Value::Absent, 1, Kind::Absent),
    ];
    for (value, cell, kind) in expected {
        assert_eq!(reference.cell(&value), (cell, kind), "{value:?}");
    }
}

#[test]
fn a_hundred_thousand_categories_have_a_cell_each() {
    let values: Vec<Value> = (0..100_000).map(|n| text(&format!("c{n}"))).collect();
    let reference = categorical(&values);
    assert_eq!(reference.counts().len(), 100_002);
    assert_eq!(named(&reference, &text("c99999")), ("c99999".into(), Kind::Valid));
}

#[test]
fn a_type_the_column_cannot_have_is_refused() {
    let mut texts = Profile::new(ColumnKind::Text);
    texts.observe(&text("a"));
    assert_eq!(FeatureReference::new(&texts, FeatureType::Numeric), Err(ReferenceError::NotNumeric));
    assert_eq!(FeatureReference::new(&texts, FeatureType::Identifier), Err(ReferenceError::Identifier));
    let mut numbers = Profile::new(ColumnKind::Float);
    (0..5_000).for_each(|n| numbers.observe(&Value::Number(f64::from(n))));
    assert_eq!(
        FeatureReference::new(&numbers, FeatureType::Categorical),
        Err(ReferenceError::TooManyCategories)
    );
}

#[test]
fn a_column_of_few_numbers_can_be_categorical() {
    let reference = reference(ColumnKind::Float, FeatureType::Categorical, &numbers([19.0, 7.0, 19.0]));
    assert_eq!(reference.cell_names(), ["19", "7", "missing", "unseen"]);
    assert_eq!(reference.cell(&text("19.0")), (0, Kind::Valid));
}

#[test]
fn references_that_differ_in_a_count_or_a_cell_have_other_fingerprints() {
    let fingerprint = |values: &[&str]| {
        categorical(&values.iter().map(|value| text(value)).collect::<Vec<_>>()).fingerprint()
    };
    let all = [&["a", "b", "b"][..], &["a", "a", "b"], &["a", "c", "c"], &["ab", "", ""]].map(fingerprint);
    assert_eq!(fingerprint(&["b", "a", "b"]), all[0]);
    for (at, one) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(one), "{all:?}");
    }
}

#[test]
fn numbers_too_many_to_keep_are_counted_as_a_window_counts_them() {
    for step in [1_u64, 77, 2_001, 90_001] {
        let scattered = (1..6_000).map(|n| (n * step % 100_003) as f64 * 0.37 - 9_000.0);
        let values = numbers(scattered);
        let reference = numeric(&values);
        assert_eq!(counted(&reference, &values), reference.counts());
        assert_eq!(reference.counts().len(), 14);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (-50.0..50.0_f64).prop_map(Value::Number),
        4 => (-5..5).prop_map(|n| Value::Number(f64::from(n))),
        1 => any::<f64>().prop_map(Value::Number),
        2 => "[a-c0-9]{0,2}".prop_map(|text| Value::Text(text.into())),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop::sample::select(vec![Value::Null, Value::Absent, Value::Other]),
    ]
}

proptest! {
    #[test]
    fn a_reference_counts_its_own_rows_as_a_window_does(
        values in prop::collection::vec(any_value(), 0..400),
        column in prop::sample::select(vec![ColumnKind::Float, ColumnKind::Text]),
    ) {
        let feature_type = if column == ColumnKind::Float { FeatureType::Numeric } else { FeatureType::Categorical };
        let reference = reference(column, feature_type, &values);
        prop_assert_eq!(counted(&reference, &values), reference.counts());
        prop_assert_eq!(reference.cell_names().len(), reference.counts().len());
    }

    #[test]
    fn every_value_falls_into_a_cell(
        values in prop::collection::vec(any_value(), 0..50), value in any_value(), as_text in any::<bool>(),
    ) {
        let reference = if as_text { categorical(&values) } else { numeric(&values) };
        let (cell, kind) = reference.cell(&value);
        prop_assert!(cell < reference.counts().len());
        prop_assert_eq!(kind.is_missing(), reference.cell_names()[cell] == "missing");
    }
}
