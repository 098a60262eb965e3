use super::*;

#[test]
fn on_equal_cells_the_null_is_nearly_chi_square() {
    // N·M/(N+M) · PSI and 8·N·M/(N+M) · JSD are χ² with 9 degrees of freedom: mean 9, exceeded by 16.919 with 5 %
    // (scipy.stats.chi2.isf(0.05, 9)).
    let (reference, rows) = ([5_000; 10], 20_000);
    let scale = effective(50_000, rows);
    let mut nulls = NullCache::default();
    let psi = nulls.get(Method::Psi, &reference, rows).unwrap();
    assert!((psi.mean() * scale - 9.0).abs() < 0.6, "{}", psi.mean() * scale);
    assert!((psi.exceeded_with(0.05) * scale - 16.919).abs() < 1.2, "{}", psi.exceeded_with(0.05) * scale);
    let distance = nulls.get(Method::JensenShannon, &reference, rows).unwrap().exceeded_with(0.05);
    assert!((8.0 * scale * distance * distance - 16.919).abs() < 1.2);
}

#[test]
fn chance_exceeds_the_quantile_as_often_as_it_says() {
    let (reference, rows) = ([2_000, 1_500, 900, 400, 150, 40, 10], 120);
    for method in Method::ALL {
        let null = NullCache::default().get(method, &reference, rows).unwrap();
        let limit = null.exceeded_with(0.05);
        let pooled = pooled(&reference, rows);
        let pool = Pool::new(&pooled, rows);
        let mut random = StdRng::seed_from_u64(7);
        let exceeded = (0..3_000).filter(|_| {
            let mut current = vec![0; pooled.len()];
            pool.draw(&mut random, &mut |cell, chosen| current[cell] = chosen);
            let rest: Vec<u64> = pooled.iter().zip(&current).map(|(all, chosen)| all - chosen).collect();
            method.score(&Table::new(&rest, &current).unwrap()) > limit
        });
        let share = exceeded.count() as f64 / 3_000.0;
        assert!((share - 0.05).abs() <= 0.015, "{method:?}: {share}");
    }
}

#[test]
fn a_rarer_chance_is_a_greater_score() {
    let null = NullCache::default().get(Method::Psi, &[300, 200, 100], 80).unwrap();
    let scores = [1.0, 0.5, 0.05, 1e-3, 1e-9, 1e-100].map(|probability| null.exceeded_with(probability));
    assert!(scores.is_sorted() && scores.iter().all(|score| score.is_finite()), "{scores:?}");
}

#[test]
fn a_window_that_grows_by_a_row_hardly_moves_its_null() {
    let mut nulls = NullCache::default();
    let mut mean = |rows| nulls.get(Method::Psi, &[500; 10], rows).unwrap().mean();
    // 1 217 and 1 218 rows lie on either side of a step of the grid.
    for (rows, next) in [(150, 151), (1_217, 1_218)] {
        let (before, after) = (mean(rows), mean(next));
        assert!((after / before - 1.0).abs() < 0.1, "{before} {after}");
    }
}

/// A null that no draw comes to.
const MARKED: NullScore =
    NullScore { method: Method::Psi, mean: 42.0, divergence_mean: 0.0, divergence_variance: 0.0 };

#[test]
fn a_publication_draws_nothing_that_the_one_before_asked_for_however_much_that_was() {
    let references = || (1..=40_000).map(|rows| [rows, 2]);
    let mut nulls = NullCache::default();
    for reference in references() {
        nulls.recent.insert((Method::Psi, fingerprint(&reference), 4), MARKED);
    }
    for publication in 0..3 {
        nulls.next();
        let known = references().all(|reference| nulls.get(Method::Psi, &reference, 4) == Some(MARKED));
        assert!(known, "publication {publication}");
    }
    assert_eq!((nulls.recent.len(), nulls.older.len()), (40_000, 40_000));
}

#[test]
fn what_a_publication_did_not_ask_for_is_forgotten_with_it() {
    let mut nulls = NullCache::default();
    nulls.get(Method::Psi, &[3, 2], 5);
    nulls.next();
    nulls.next();
    assert_eq!((nulls.recent.len(), nulls.older.len()), (0, 0));
}

#[test]
fn one_cell_has_a_null_of_zero() {
    let null = NullCache::default().get(Method::JensenShannon, &[40, 0], 7).unwrap();
    assert_eq!((null.mean(), null.exceeded_with(1e-6)), (0.0, 0.0));
}

#[test]
fn without_rows_there_is_no_null() {
    let mut nulls = NullCache::default();
    assert_eq!(nulls.get(Method::Psi, &[0, 0], 5), None);
    assert_eq!(nulls.get(Method::Psi, &[5, 5], 0), None);
}

#[test]
fn the_pool_keeps_the_shape_and_has_every_row() {
    let pooled = pooled(&[700, 0, 200, 99, 1], 333);
    assert_eq!(pooled.iter().sum::<u64>(), 1_333);
    assert_eq!(pooled[0], 700 + 233);
}
