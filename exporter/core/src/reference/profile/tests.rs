use proptest::prelude::*;

use super::*;

fn of(column: ColumnKind, values: &[Value]) -> Profile {
    let mut profile = Profile::new(column);
    values.iter().for_each(|value| profile.observe(value));
    profile
}

fn numbers(numbers: impl IntoIterator<Item = i32>) -> Vec<Value> {
    numbers.into_iter().map(|number| Value::Number(f64::from(number))).collect()
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| Value::Text((*text).into())).collect()
}

#[test]
fn types_are_inferred_from_storage_and_distinct_values() {
    let cases = [
        (ColumnKind::Float, numbers([1, 2, 1]), FeatureType::Numeric),
        (ColumnKind::Integer, numbers((0..10).chain(0..10)), FeatureType::Categorical),
        (ColumnKind::Integer, numbers(0..11), FeatureType::Numeric),
        (ColumnKind::Integer, numbers(0..9_000), FeatureType::Numeric),
        (ColumnKind::Bool, vec![Value::Bool(true), Value::Bool(false)], FeatureType::Categorical),
        (ColumnKind::Text, texts(&["a", "b", "a"]), FeatureType::Categorical),
        (ColumnKind::Text, texts(&["a", "b", "c"]), FeatureType::Identifier),
        (ColumnKind::Text, texts(&["1", "1.0", "2"]), FeatureType::Categorical),
        (ColumnKind::Text, texts(&["only"]), FeatureType::Categorical),
        (ColumnKind::Text, texts(&[]), FeatureType::Categorical),
    ];
    for (column, values, expected) in cases {
        assert_eq!(of(column, &values).inferred_type(), expected, "{column:?} {values:?}");
    }
}

#[test]
fn every_kind_of_a_column_is_counted() {
    let values = [
        Value::Number(1.0),
        Value::Number(f64::NAN),
        Value::Number(f64::INFINITY),
        Value::Number(f64::NEG_INFINITY),
        Value::Text("".into()),
        Value::Text("1".into()),
        Value::Null,
        Value::Absent,
        Value::Other,
    ];
    let count = |profile: &Profile, kind: Kind| profile.kinds()[kind.index()];
    let numeric = of(ColumnKind::Float, &values);
    assert_eq!(numeric.rows(), 9);
    assert_eq!([Kind::Valid, Kind::Infinite, Kind::BadType].map(|kind| count(&numeric, kind)), [1, 2, 2]);
    let text = of(ColumnKind::Text, &values);
    assert_eq!([Kind::Valid, Kind::Infinite, Kind::BadType].map(|kind| count(&text, kind)), [2, 2, 1]);
    for profile in [&numeric, &text] {
        let missing = [Kind::Nan, Kind::Null, Kind::Absent, Kind::Empty];
        assert_eq!(missing.map(|kind| count(profile, kind)), [1, 1, 1, 1]);
    }
}

#[test]
fn an_integer_part_and_a_float_part_make_a_float_column() {
    let mut merged = of(ColumnKind::Integer, &numbers([1, 2]));
    merged.merge(&of(ColumnKind::Float, &[Value::Number(1.5)])).unwrap();
    assert_eq!(merged, of(ColumnKind::Float, &[Value::Number(1.0), Value::Number(1.5), Value::Number(2.0)]));
}

#[test]
fn texts_and_numbers_are_not_one_column() {
    let error = of(ColumnKind::Text, &[]).merge(&of(ColumnKind::Float, &[])).unwrap_err();
    assert_eq!(error.to_string(), "a column of Text values cannot be merged with a column of Float values");
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(Value::Number),
        (-3..3).prop_map(|n| Value::Number(f64::from(n))),
        Just(Value::Number(-0.0)),
        "[0-2](\\.0)?|true|True|".prop_map(|text| Value::Text(text.into())),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        Just(Value::Absent),
        Just(Value::Other),
    ]
}

proptest! {
    #[test]
    fn parts_merged_in_any_order_are_the_whole(
        values in prop::collection::vec(any_value(), 0..60), cut in 0usize..60,
        column in prop::sample::select(vec![ColumnKind::Float, ColumnKind::Integer, ColumnKind::Text, ColumnKind::Bool]),
    ) {
        let (first, second) = values.split_at(cut.min(values.len()));
        let whole = of(column, &values);
        let bytes = serde_json::to_string(&whole).unwrap();
        for (one, other) in [(first, second), (second, first)] {
            let mut merged = of(column, one);
            merged.merge(&of(column, other)).unwrap();
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(&serde_json::to_string(&merged).unwrap(), &bytes);
        }
        prop_assert_eq!(serde_json::from_str::<Profile>(&bytes).unwrap(), whole);
    }
}
