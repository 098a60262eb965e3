use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn equal_values_have_one_canonical_text() {
    let classes: [(&str, &[Value]); 7] = [
        ("1", &[Value::Number(1.0), text("1"), text("1.0"), text("1.000")]),
        ("0", &[Value::Number(0.0), Value::Number(-0.0), text("0"), text("-0"), text("-0.0"), text("0.0")]),
        ("-2.5", &[Value::Number(-2.5), text("-2.5"), text("-2.50")]),
        ("100", &[Value::Number(100.0), text("100"), text("100.0")]),
        ("true", &[Value::Bool(true), text("True"), text("true")]),
        ("false", &[Value::Bool(false), text("False"), text("false")]),
        ("0.30000000000000004", &[Value::Number(0.1 + 0.2), text("0.30000000000000004")]),
    ];
    for (expected, values) in classes {
        for value in values {
            assert_eq!(canonical(value).as_deref(), Some(expected), "{value:?}");
        }
    }
}

#[test]
fn texts_that_only_look_like_numbers_stay_as_they_are() {
    for same in [
        "01", "00", "1.", ".5", "1e3", "+1", " 1", "1 ", "0x10", "-", "1.0.0", "TRUE", "-01.0", "٣", "NaN",
        "é.0",
    ] {
        assert_eq!(canonical_text(same), same);
    }
}

#[test]
fn long_numerals_keep_every_digit() {
    assert_eq!(canonical_text("12345678901234567890.0"), "12345678901234567890");
}

#[test]
fn what_cannot_be_a_category_has_no_canonical_text() {
    let unusable = [
        Value::Null,
        Value::Absent,
        Value::Other,
        text(""),
        Value::Number(f64::NAN),
        Value::Number(f64::INFINITY),
    ];
    for value in unusable {
        assert_eq!(canonical(&value), None, "{value:?}");
    }
}

#[test]
fn texts_are_never_allocated() {
    for value in [text("1.0"), text("plain"), Value::Bool(true)] {
        assert!(matches!(canonical(&value), Some(Cow::Borrowed(_))), "{value:?}");
    }
}

#[test]
fn the_kind_of_a_value_by_itself() {
    let kinds = [
        (Value::Number(3.0), Kind::Valid),
        (Value::Number(f64::NAN), Kind::Nan),
        (Value::Number(f64::NEG_INFINITY), Kind::Infinite),
        (text(""), Kind::Empty),
        (text(" "), Kind::Valid),
        (Value::Bool(false), Kind::Valid),
        (Value::Null, Kind::Null),
        (Value::Absent, Kind::Absent),
        (Value::Other, Kind::BadType),
    ];
    for (value, kind) in kinds {
        assert_eq!(value.kind(), kind, "{value:?}");
    }
}

proptest! {
    #[test]
    fn canonical_text_of_a_canonical_text_is_itself(text in "\\PC{0,12}|-?[0-9]{1,3}(\\.[0-9]{0,4})?") {
        let once = canonical_text(&text);
        prop_assert_eq!(canonical_text(once), once);
    }

    #[test]
    fn a_number_and_its_text_are_one_category(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
        let canonical = canonical_number(number);
        prop_assert_eq!(canonical.parse::<f64>().unwrap(), number);
        prop_assert_eq!(canonical_text(&canonical), canonical.as_str());
    }
}
