use proptest::prelude::*;

use super::*;
use crate::reference::{ColumnKind, Profile};
use crate::schema::FeatureType;
use crate::value::Value;

fn numeric() -> FeatureReference {
    let mut profile = Profile::new(ColumnKind::Float);
    (0..1_000).for_each(|n| profile.observe(&Value::Number(f64::from(n))));
    FeatureReference::new(&profile, FeatureType::Numeric).unwrap()
}

fn categorical(categories: usize) -> FeatureReference {
    let mut profile = Profile::new(ColumnKind::Text);
    (0..categories).for_each(|n| profile.observe(&Value::Text(n.to_string().into())));
    FeatureReference::new(&profile, FeatureType::Categorical).unwrap()
}

fn counted(reference: &FeatureReference, values: &[Value]) -> FeatureCounts {
    let mut counts = FeatureCounts::new(reference);
    for value in values {
        let (cell, kind) = reference.cell(value);
        counts.add(cell, kind);
    }
    counts
}

#[test]
fn a_numeric_feature_of_ten_bins_takes_at_most_256_bytes() {
    let counts = FeatureCounts::new(&numeric());
    let allocated = counts.cells().len() * size_of::<u64>();
    // An allocation is rounded up to 16 bytes and carries 8 of its own.
    assert!(size_of::<FeatureCounts>() + allocated.next_multiple_of(16) + 8 <= 256);
}

#[test]
fn a_pane_of_many_categories_holds_only_those_it_saw() {
    let counts = counted(&categorical(10_000), &[Value::Number(7.0), Value::Number(7.0), Value::Null]);
    assert_eq!(counts.cells().iter().sum::<u64>(), 3);
    assert_eq!(counts.cell_count(), 10_002);
    assert!(serde_json::to_string(&counts).unwrap().len() < 200);
}

#[test]
fn a_cell_that_does_not_exist_is_not_counted() {
    for mut counts in [FeatureCounts::new(&numeric()), FeatureCounts::new(&categorical(1_000))] {
        counts.add(1_000_000, Kind::Valid);
        assert_eq!(counts.cells().iter().sum::<u64>(), 0);
    }
}

fn any_values() -> impl Strategy<Value = Vec<Value>> {
    let value = prop_oneof![
        4 => (-100.0..1_100.0_f64).prop_map(|number| Value::Number(number.round())),
        1 => Just(Value::Number(f64::NAN)),
        1 => Just(Value::Null),
        1 => Just(Value::Other),
        1 => Just(Value::Text("x".into())),
    ];
    prop::collection::vec(value, 0..40)
}

proptest! {
    #[test]
    fn parts_merged_are_the_whole_and_subtracting_takes_them_back(
        first in any_values(), second in any_values(), categories in prop::sample::select(vec![0, 300, 1_000]),
    ) {
        let reference = if categories == 0 { numeric() } else { categorical(categories) };
        let (one, other) = (counted(&reference, &first), counted(&reference, &second));
        let whole = counted(&reference, &[first, second].concat());
        let (mut merged, mut turned) = (one.clone(), other.clone());
        merged.merge(&other);
        turned.merge(&one);
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(&turned, &whole);
        prop_assert_eq!(whole.rows(), whole.cells().iter().sum::<u64>());
        merged.subtract(&other);
        prop_assert_eq!(&merged, &one);
        let copy: FeatureCounts = serde_json::from_str(&serde_json::to_string(&merged).unwrap()).unwrap();
        prop_assert_eq!(copy, one);
    }
}
