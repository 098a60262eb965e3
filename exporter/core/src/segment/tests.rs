use super::*;

fn keys(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

fn with_keys(names: &[&str]) -> Segments {
    let mut segments = Segments::default();
    segments.adopt(&keys(names));
    segments
}

/// The name of the segment of a row.
fn named(segments: &mut Segments, key: usize, value: &str, most: usize) -> String {
    let segment = segments.of_row(key, value, most).unwrap();
    segments.name(segment).unwrap().into()
}

#[test]
fn a_value_has_one_segment_named_by_key_and_value() {
    let mut segments = with_keys(&["SEX", "state"]);
    assert_eq!(named(&mut segments, 0, "2", 100), "SEX=2");
    assert_eq!(named(&mut segments, 1, "a=b \"c\"", 100), "state=a=b \"c\"");
    assert_eq!(segments.of_row(0, "2", 100), segments.of_row(0, "2", 100));
    assert_ne!(segments.of_row(0, "2", 100), segments.of_row(1, "2", 100));
}

#[test]
fn beyond_the_limit_of_all_keys_values_are_counted_together_by_key() {
    let mut segments = with_keys(&["SEX", "state"]);
    let names: Vec<_> = ["1", "2", "1", "3"].map(|value| named(&mut segments, 0, value, 2)).into();
    assert_eq!(names, ["SEX=1", "SEX=2", "SEX=1", "SEX=other"]);
    assert_eq!(named(&mut segments, 1, "ma", 2), "state=other");
    assert_eq!(segments.other_rows().collect::<Vec<_>>(), [("SEX", 1), ("state", 1)]);
}

#[test]
fn a_value_that_is_too_long_or_named_other_has_no_segment_of_its_own() {
    let mut segments = with_keys(&["k"]);
    assert_eq!(named(&mut segments, 0, "other", 100), "k=other");
    assert_eq!(named(&mut segments, 0, &"x".repeat(129), 100), "k=other");
    assert_eq!(named(&mut segments, 0, &"x".repeat(128), 100), format!("k={}", "x".repeat(128)));
    assert_eq!(own_name("k", "other"), None);
    assert_eq!(own_name("k", "1").as_deref(), Some("k=1"));
}

#[test]
fn what_is_reserved_has_room_before_what_comes() {
    let mut segments = with_keys(&["SEX"]);
    segments.reserve(["SEX=2", "gone=1", "SEX=3"], 2);
    assert_eq!(named(&mut segments, 0, "1", 2), "SEX=other");
    assert_eq!(named(&mut segments, 0, "3", 2), "SEX=3");
}

#[test]
fn keys_that_stay_keep_their_segments_and_those_that_return_get_new_ones() {
    let mut segments = with_keys(&["a", "b"]);
    let (of_a, of_b) = (segments.of_row(0, "1", 100), segments.of_row(1, "1", 100));
    segments.adopt(&keys(&["b"]));
    assert_eq!((segments.of_row(0, "1", 100), segments.of_row(1, "1", 100)), (of_b, None));
    assert_eq!(segments.name(of_a.unwrap()), None);
    segments.adopt(&keys(&["a", "b"]));
    assert_eq!(segments.of_row(1, "1", 100), of_b);
    assert_ne!(segments.of_row(0, "1", 100), of_a);
}
