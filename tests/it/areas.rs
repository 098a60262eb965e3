//! Areas under curves of real predictions with real labels, replayed through the running exporter.
//!
//! The numbers are scikit-learn 1.9.1's `roc_auc_score`, `average_precision_score` and `brier_score_loss` of the demo's data: all 75 000 rows, the
//! last 1 531 of them (the rows of the window of a day and its open pane), and the reference.

use crate::support::exposition::samples;
use crate::support::program::{EXPORTER, Program, run};
use crate::support::{home, root, write};

/// Window, metric, what scikit-learn says.
const REALISED: [(&str, &str, f64); 4] = [
    ("100000rows", "roc_auc", 0.887_083_706_798_242),
    ("100000rows", "pr_auc", 0.871_385_302_888_150_1),
    ("1d", "roc_auc", 0.906_044_203_648_132_4),
    ("1d", "pr_auc", 0.884_438_430_319_105_5),
];
/// The reference, by metric.
const EXPECTED: [(&str, f64); 2] = [("roc_auc", 0.903_360_969_060_035), ("pr_auc", 0.881_059_919_702_644_5)];
/// Brier scores of both windows, which are exact.
const BRIER: [(&str, f64); 2] = [("100000rows", 0.135_135_630_897_151_14), ("1d", 0.121_968_261_087_576_62)];
const BRIER_EXPECTED: f64 = 0.122_893_066_581_152_62;
/// The bound that is promised.
const BOUND: f64 = 1e-3;

/// What the exporter says after all predictions of the demo and their labels.
async fn replayed() -> String {
    let (home, data) = (home(), root().join("demo/data"));
    let file = |name: &str| data.join(name).display().to_string();
    write(
        home.path(),
        "exporter.yaml",
        format!(
            "storage: {{path: data, durability: os}}\nmodels: [{{name: employment, task: binary, positive_label: 1, reference: {}, \
             reference_columns: {{label: employed, prediction: prediction, score: predicted_probability, ignore: [id, year]}}, \
             windows: [1d, 100000rows], clock: event, labels: {{wait: 90d}}}}]\n",
            file("reference.parquet")
        ),
    );
    let exporter = Program::exporter(home.path()).await;
    let (rows, labels) = (file("production.parquet"), file("targets.parquet"));
    let arguments = [
        "replay",
        &rows,
        "--url",
        &exporter.url,
        "--model",
        "employment",
        "--version",
        "2015",
        "--id",
        "id",
        "--from",
        "2016-01-01T00:00:00Z",
        "--to",
        "2016-02-20T00:00:00Z",
        "--prediction",
        "prediction",
        "--score",
        "predicted_probability",
        "--labels",
        &labels,
        "--label",
        "employed",
        "--label-delay",
        "1h",
        "--ignore",
        "year",
    ];
    let said = run(EXPORTER, home.path(), &arguments, &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    exporter.wait_for_line("model_labels_total{model=\"employment\",version=\"2015\"} 75000").await;
    exporter.metrics().await
}

/// The one number of a window.
fn number(page: &str, family: &str, window: &str) -> f64 {
    let of_window = |sample: &crate::support::exposition::Sample| {
        sample.name == family && sample.labels["window"] == window
    };
    let found: Vec<_> = samples(page).into_iter().filter(of_window).collect();
    let [only] = &found[..] else { panic!("{family} of {window}: {found:?}") };
    only.value.parse().unwrap()
}

#[tokio::test]
async fn areas_of_real_predictions_are_scikit_learns_within_their_bounds() {
    let page = replayed().await;
    for (window, metric, exact) in REALISED {
        let of = |suffix: &str| number(&page, &format!("model_{metric}{suffix}"), window);
        let (value, lower, upper) = (of(""), of("_lower_bound"), of("_upper_bound"));
        assert!(lower <= exact && exact <= upper, "{metric} of {window}: {exact} in [{lower}, {upper}]");
        assert!(upper - lower <= BOUND, "{metric} of {window}: [{lower}, {upper}]");
        assert!((value - exact).abs() <= (upper - lower) / 2.0, "{metric} of {window}: {value}");
    }
    for (window, exact) in BRIER {
        assert!((number(&page, "model_brier_score", window) - exact).abs() < 1e-9, "{window}");
    }
    assert!((number(&page, "model_brier_score_baseline", "1d") - BRIER_EXPECTED).abs() < 1e-9);
    for (metric, exact) in EXPECTED {
        let baseline = number(&page, &format!("model_{metric}_baseline"), "1d");
        assert!((baseline - exact).abs() <= BOUND / 2.0, "{metric}: {baseline} for {exact}");
    }
}
