use rand::{SeedableRng, rngs::StdRng};
use statrs::function::{factorial, gamma::gamma_ur};

use super::*;

#[test]
fn factorials_are_those_of_statrs() {
    for n in [0, 1, 2, 15, 16, 170, 4_095, 4_096, 5_000, 1_000_000] {
        let (ours, theirs) = (ln_factorial(n), factorial::ln_factorial(n));
        assert!((ours - theirs).abs() <= 1e-12 * theirs.max(1.0), "{n}: {ours} {theirs}");
    }
    assert!((stirling(16.0) - ln_factorial(16)).abs() < 1e-11);
}

/// Draws from one population and compares the counts with their exact probabilities by Pearson's test.
fn fits(marked: u64, others: u64, chosen: u64) -> f64 {
    let mut random = StdRng::seed_from_u64(marked ^ (others << 20) ^ (chosen << 40));
    let (least, greatest) = (chosen.saturating_sub(others), chosen.min(marked));
    let mut seen = vec![0.0; (greatest - least + 1) as usize];
    let draws = 20_000;
    for _ in 0..draws {
        seen[(hypergeometric(&mut random, marked, others, chosen) - least) as usize] += 1.0;
    }
    let expected = (least..=greatest).map(|x| probability(marked, others, chosen, x) * f64::from(draws));
    let usual: Vec<(f64, f64)> =
        seen.into_iter().zip(expected).filter(|(_, expected)| *expected >= 5.0).collect();
    let statistic: f64 = usual.iter().map(|(seen, expected)| (seen - expected).powi(2) / expected).sum();
    gamma_ur((usual.len() as f64 - 1.0) / 2.0, statistic / 2.0)
}

#[test]
fn single_draws_follow_the_hypergeometric_distribution() {
    for (marked, others, chosen) in [
        (5, 7, 4),
        (7, 5, 9),
        (40, 3, 20),
        (3, 4_000, 800),
        (500, 69_500, 900),
        (30_000, 40_000, 5_000),
        (9, 9, 17),
    ] {
        let p_value = fits(marked, others, chosen);
        assert!(p_value > 1e-3, "{marked} {others} {chosen}: {p_value}");
    }
}

#[test]
fn a_draw_chooses_exactly_its_rows_and_never_more_than_a_cell_has() {
    let pooled = [0, 3, 1, 0, 500, 12, 1];
    let mut random = StdRng::seed_from_u64(1);
    for chosen in [0, 1, 20, 516, 517] {
        let pool = Pool::new(&pooled, chosen);
        for _ in 0..200 {
            let mut sum = 0;
            pool.draw(&mut random, &mut |cell, rows| {
                assert!(rows > 0 && rows <= pooled[cell], "{rows} of cell {cell}");
                sum += rows;
            });
            assert_eq!(sum, chosen);
        }
    }
}

#[test]
fn cells_get_their_share_with_the_variance_of_drawing_without_replacement() {
    let pooled = [60_u64, 30, 9, 1];
    let (pool, draws) = (Pool::new(&pooled, 40), 20_000.0);
    let mut random = StdRng::seed_from_u64(2);
    let mut sums = [(0.0, 0.0); 4];
    for _ in 0..20_000 {
        pool.draw(&mut random, &mut |cell, rows| {
            let rows = rows as f64;
            sums[cell] = (sums[cell].0 + rows, sums[cell].1 + rows * rows);
        });
    }
    for ((sum, squares), rows) in sums.into_iter().zip(pooled) {
        let share = rows as f64 / 100.0;
        let (mean, variance) = (40.0 * share, 40.0 * share * (1.0 - share) * 60.0 / 99.0);
        let seen = sum / draws;
        assert!((seen - mean).abs() < 4.0 * (variance / draws).sqrt(), "{seen} {mean}");
        assert!((squares / draws - seen * seen - variance).abs() < 0.05 * variance, "{rows}");
    }
}
