use proptest::prelude::*;
use rand::RngExt;

use super::super::permutation::ln_choose;
use super::*;

/// Every choice of `chosen` rows from the pool: its counts with its probability.
fn choices(pooled: &[u64], chosen: u64) -> Vec<(Vec<u64>, f64)> {
    fn extend(
        pooled: &[u64],
        chosen: u64,
        so_far: &mut Vec<u64>,
        ln_ways: f64,
        all: &mut Vec<(Vec<u64>, f64)>,
    ) {
        let Some((first, rest)) = pooled.split_first() else {
            all.extend((chosen == 0).then(|| (so_far.clone(), ln_ways)));
            return;
        };
        for taken in 0..=chosen.min(*first) {
            so_far.push(taken);
            extend(rest, chosen - taken, so_far, ln_ways + ln_choose(*first, taken), all);
            so_far.pop();
        }
    }
    let mut all = Vec::new();
    extend(pooled, chosen, &mut Vec::new(), -ln_choose(pooled.iter().sum(), chosen), &mut all);
    all.into_iter().map(|(counts, ln_ways)| (counts, ln_ways.exp())).collect()
}

fn table_of(pooled: &[u64], current: &[u64]) -> Table {
    let reference: Vec<u64> = pooled.iter().zip(current).map(|(all, taken)| all - taken).collect();
    Table::new(&reference, current).unwrap()
}

/// The exact permutation probability of a statistic at least as great as that of `current`.
fn exact(pooled: &[u64], current: &[u64]) -> f64 {
    let observed = statistic(&table_of(pooled, current)) * (1.0 - 1e-9);
    let all = choices(pooled, current.iter().sum());
    all.iter().filter(|(counts, _)| statistic(&table_of(pooled, counts)) >= observed).map(|(_, p)| p).sum()
}

#[test]
fn mean_and_variance_are_those_of_every_possible_choice() {
    for (pooled, chosen) in [
        (&[3, 4, 5][..], 4),
        (&[1, 1, 7, 3], 5),
        (&[10, 2], 3),
        (&[6, 6, 1], 5),
        (&[2, 3], 1),
        (&[9, 4, 2, 1, 1], 6),
    ] {
        let all = choices(pooled, chosen);
        let moment = |power: i32| -> f64 {
            all.iter().map(|(counts, p)| p * statistic(&table_of(pooled, counts)).powi(power)).sum()
        };
        let null = Null::of(&table_of(pooled, &all[0].0)).unwrap();
        assert!((null.mean - moment(1)).abs() < 1e-9, "{pooled:?}");
        assert!((null.variance - (moment(2) - moment(1) * moment(1))).abs() < 1e-9, "{pooled:?}");
    }
}

#[test]
fn where_every_choice_gives_the_same_statistic_there_is_no_evidence() {
    for (reference, current) in
        [(&[1, 0][..], &[0, 1][..]), (&[2, 1], &[0, 1]), (&[1, 1, 0], &[0, 0, 1]), (&[4, 4], &[7, 7])]
    {
        assert_eq!(p_value(&Table::new(reference, current).unwrap()), Some(1.0), "{reference:?} {current:?}");
    }
}

#[test]
fn a_constant_has_no_p_value() {
    assert_eq!(p_value(&Table::new(&[700, 0], &[90, 0]).unwrap()), None);
}

#[test]
fn refined_p_values_are_the_exact_ones() {
    for (pooled, current) in [
        (&[60, 20, 12, 8][..], &[2, 3, 4, 6][..]),
        (&[200, 30, 5, 2], &[4, 2, 4, 2]),
        (&[400, 3, 3], &[16, 2, 2]),
        (&[300, 40, 40, 4], &[9, 2, 3, 3]),
    ] {
        let table = table_of(pooled, current);
        assert!(
            Null::of(&table).unwrap().tail(statistic(&table)) < REFINED_BELOW,
            "{pooled:?} is not refined"
        );
        let (refined, exact) = (p_value(&table).unwrap(), exact(pooled, current));
        let error = (exact / 10_000.0).sqrt().max(exact / 20.0_f64.sqrt());
        assert!((refined - exact).abs() < 4.0 * error + 1e-4, "{pooled:?}: {refined} is not {exact}");
    }
}

#[test]
fn the_same_counts_have_the_same_p_value() {
    let table = Table::new(&[600, 300, 60, 40], &[20, 15, 9, 6]).unwrap();
    assert_eq!(p_value(&table), p_value(&table.clone()));
}

#[test]
fn p_falls_as_drift_grows_and_never_below_the_gamma_tail() {
    let reference = [500; 10];
    let mut previous = 1.0;
    for moved in (30..=100).step_by(5) {
        let mut current = [(100 - moved) / 10; 10];
        current[9] += moved + (100 - moved) % 10;
        let table = Table::new(&reference, &current).unwrap();
        let p_value = p_value(&table).unwrap();
        assert!(p_value <= previous, "{moved}: {p_value} after {previous}");
        assert!(p_value >= Null::of(&table).unwrap().tail(statistic(&table)));
        previous = p_value;
    }
    assert!(previous < 1e-50, "all rows in one of ten bins have p = {previous}");
}

/// A pool of random shape: shares from sharply to mildly unequal, and `chosen` of its rows.
fn random_pool(random: &mut StdRng, cells: usize, rows: u64) -> Vec<u64> {
    let weights: Vec<f64> = (0..cells).map(|_| 0.05 - random.random::<f64>().ln()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum * rows as f64).round().max(1.0) as u64).collect()
}

/// The share of tables without drift whose p-value is at most `level`.
fn rejected(cells: usize, current_rows: u64, level: f64) -> f64 {
    let mut random = StdRng::seed_from_u64(cells as u64 * 1_000_003 + current_rows);
    let (tables, mut rejected) = (1_500, 0);
    for _ in 0..tables {
        let pooled = random_pool(&mut random, cells, 5_000 + current_rows);
        let mut current = vec![0; cells];
        Pool::new(&pooled, current_rows).draw(&mut random, &mut |cell, rows| current[cell] = rows);
        rejected += u32::from(p_value(&table_of(&pooled, &current)).is_some_and(|p| p <= level));
    }
    f64::from(rejected) / f64::from(tables)
}

#[test]
fn without_drift_five_percent_are_rejected_at_five_percent() {
    for cells in [2, 10, 50] {
        for current_rows in [50, 500, 5_000] {
            let share = rejected(cells, current_rows, 0.05);
            assert!((share - 0.05).abs() <= 0.015, "K = {cells}, M = {current_rows}: {share}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_bound_is_never_below_the_exact_probability(
        pooled in prop::collection::vec(prop_oneof![1u64..4, 5u64..60], 2..5), chosen in 1u64..12, pick in any::<prop::sample::Index>(),
    ) {
        prop_assume!(chosen < pooled.iter().sum());
        let all = choices(&pooled, chosen);
        let current = &all[pick.index(all.len())].0;
        let table = table_of(&pooled, current);
        let null = Null::of(&table).unwrap();
        prop_assume!(statistic(&table) > 0.0 && null.variance > 1e-9);
        let bound = bound::exceedance(&table, statistic(&table), null.scale());
        let exact = exact(&pooled, current);
        prop_assert!(bound >= exact * (1.0 - 1e-9) && bound <= 1.0, "{bound} {exact}");
    }
}
