use proptest::prelude::*;

use super::*;

#[test]
fn windows_are_read_and_written_as_people_say_them() {
    for (text, shown) in
        [("1h", "1h"), ("24h", "1d"), ("7d", "7d"), ("1w", "7d"), ("90m", "90m"), ("1000rows", "1000rows")]
    {
        assert_eq!(text.parse::<WindowSpec>().unwrap().to_string(), shown);
    }
    for wrong in ["", "1", "h", "1s", "0h", "-1h", "1.5h", "47rows", "1 h", "99999999999999d", "rows"] {
        assert!(wrong.parse::<WindowSpec>().is_err(), "{wrong}");
    }
}

#[test]
fn short_windows_have_panes_of_a_minute_and_long_ones_48() {
    assert_eq!("5m".parse::<WindowSpec>().unwrap().panes(), 5);
    assert_eq!("1h".parse::<WindowSpec>().unwrap().panes(), 48);
    assert_eq!("1000rows".parse::<WindowSpec>().unwrap().panes(), 48);
}

#[test]
fn periods_are_aligned_to_the_windows_length_in_utc() {
    let day: WindowSpec = "1d".parse().unwrap();
    let midnight = Time(1_451_606_400_000);
    let before = day.period_of(day.pane_of(Time(midnight.0 - 1), 0));
    assert_eq!(day.period_of(day.pane_of(midnight, 0)), before + 1);
    assert_eq!(day.pane_end(day.pane_of(Time(midnight.0 - 1), 0)), Some(midnight));
}

#[test]
fn decisions_that_are_taken_often_are_taken_at_a_small_share_of_the_level() {
    let share = |text: &str| text.parse::<WindowSpec>().unwrap().share_of_day(Duration::from_secs(21_600));
    assert_eq!((share("6h"), share("1d"), share("7d"), share("1000rows")), (0.25, 1.0, 1.0, 0.25));
}

proptest! {
    #[test]
    fn forty_eight_panes_hold_exactly_the_rows_of_the_window(rows in 48_i64..5000, period in 0_i64..50) {
        let window = WindowSpec::Rows(rows);
        let first = (period * rows) as u64;
        let panes: Vec<i64> = (first..first + rows as u64).map(|at| window.pane_of(Time(0), at)).collect();
        prop_assert_eq!(panes[0], period * 48);
        prop_assert_eq!(*panes.last().unwrap(), period * 48 + 47);
        prop_assert!(panes.windows(2).all(|pair| pair[1] - pair[0] <= 1));
    }

    #[test]
    fn a_moment_lies_before_the_end_of_its_pane_and_not_before_the_end_of_the_one_before(
        minutes in 1_i64..100_000, at in -10_000_000_000_000_i64..10_000_000_000_000,
    ) {
        let window = WindowSpec::Span(minutes * MINUTE);
        let pane = window.pane_of(Time(at), 0);
        prop_assert!(Time(at) < window.pane_end(pane).unwrap());
        prop_assert!(Time(at) >= window.pane_end(pane - 1).unwrap());
    }
}
