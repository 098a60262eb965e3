use super::*;

fn text(page: Exposition) -> String {
    String::from_utf8(page.finish().to_vec()).unwrap()
}

fn written(value: f64) -> String {
    let mut out = String::new();
    number(&mut out, value);
    out
}

#[test]
fn a_family_is_written_once_with_all_its_samples() {
    let mut page = Exposition::new();
    for model in ["a", "b"] {
        page.family("data_rows_total", Kind::Counter, "Rows.").sample(&[("model", model)], 3.0);
        page.family("data_drift_score", Kind::Gauge, "Score.")
            .sample(&[("model", model), ("version", "1")], 0.5)
            .sample(&[("model", model), ("version", "2")], 0.25);
    }
    assert_eq!(page.samples(), 6);
    assert_eq!(
        text(page),
        "# HELP data_rows_total Rows.\n\
         # TYPE data_rows_total counter\n\
         data_rows_total{model=\"a\"} 3\n\
         data_rows_total{model=\"b\"} 3\n\
         # HELP data_drift_score Score.\n\
         # TYPE data_drift_score gauge\n\
         data_drift_score{model=\"a\",version=\"1\"} 0.5\n\
         data_drift_score{model=\"a\",version=\"2\"} 0.25\n\
         data_drift_score{model=\"b\",version=\"1\"} 0.5\n\
         data_drift_score{model=\"b\",version=\"2\"} 0.25\n"
    );
}

#[test]
fn families_keep_the_order_of_their_first_mention_and_empty_ones_are_left_out() {
    let mut page = Exposition::new();
    page.family("second", Kind::Gauge, "B.");
    page.family("empty", Kind::Gauge, "E.");
    page.family("first", Kind::Gauge, "A.").sample(&[], 1.0);
    page.family("second", Kind::Gauge, "B.").sample(&[], 2.0);
    assert_eq!(
        text(page),
        "# HELP second B.\n# TYPE second gauge\nsecond 2\n# HELP first A.\n# TYPE first gauge\nfirst 1\n"
    );
}

#[test]
fn label_values_and_help_are_escaped_as_the_format_says() {
    let mut page = Exposition::new();
    page.family("up", Kind::Gauge, "back\\slash,\nline and \"quotes\"").sample(&[("k", "a\"b\\c\nd é")], 1.0);
    assert_eq!(
        text(page),
        "# HELP up back\\\\slash,\\nline and \"quotes\"\n# TYPE up gauge\nup{k=\"a\\\"b\\\\c\\nd é\"} 1\n"
    );
}

#[test]
fn histograms_are_cumulative_and_end_at_infinity() {
    let mut page = Exposition::new();
    page.family("delay_seconds", Kind::Histogram, "Delay.").histogram(
        &[("model", "m")],
        &[0.1, 60.0],
        &[1, 0, 2],
        130.5,
    );
    page.family("bare", Kind::Histogram, "No labels.").histogram(&[], &[1.0], &[0, 0], 0.0);
    assert_eq!(
        text(page),
        "# HELP delay_seconds Delay.\n\
         # TYPE delay_seconds histogram\n\
         delay_seconds_bucket{model=\"m\",le=\"0.1\"} 1\n\
         delay_seconds_bucket{model=\"m\",le=\"60\"} 1\n\
         delay_seconds_bucket{model=\"m\",le=\"+Inf\"} 3\n\
         delay_seconds_sum{model=\"m\"} 130.5\n\
         delay_seconds_count{model=\"m\"} 3\n\
         # HELP bare No labels.\n\
         # TYPE bare histogram\n\
         bare_bucket{le=\"1\"} 0\n\
         bare_bucket{le=\"+Inf\"} 0\n\
         bare_sum 0\n\
         bare_count 0\n"
    );
}

#[test]
fn numbers_are_short_and_read_back_exactly() {
    let cases = [
        (0.0, "0"),
        (-2.0, "-2"),
        (0.1, "0.1"),
        (1.0 / 3.0, "0.3333333333333333"),
        (1_764_000_000.0, "1764000000"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (3.3e-26, "3.3e-26"),
        (-1e300, "-1e300"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ];
    for (value, expected) in cases {
        assert_eq!(written(value), expected);
    }
    for value in [f64::MIN_POSITIVE, f64::MAX, 1e16, 1e-5, 123_456.789, 5e-324, 9.999_999e-6] {
        assert_eq!(written(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
    }
}

#[test]
#[should_panic(expected = "is of one kind")]
fn one_name_cannot_have_two_kinds() {
    let mut page = Exposition::new();
    page.family("up", Kind::Gauge, "Up.");
    page.family("up", Kind::Counter, "Up.");
}
