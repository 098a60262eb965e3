//! The exporter's pages with real data, with hostile names, and before the first event.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::browser::checks::page_is_sound;
use crate::support::http::{JSON, NDJSON, post};
use crate::support::loans::{self, Applicant, START};
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{employment, home, write};

/// What could end a tag, an attribute, a text of a script, a path or a query.
const HOSTILE: &str = r#"<script>alert(1)</script><img src=x onerror=alert(1)> "' & ?#%2F/\ 점수"#;

/// The exact values in a table's row that begins with this text.
fn values(row: &str) -> String {
    format!(
        "return [...[...document.querySelectorAll('tbody tr')].find(tr => tr.cells[0].innerText === {row} && tr.cells.length > 4)\
         .querySelectorAll('data')].map(data => Number(data.value))",
        row = json!(row)
    )
}

fn numbers(found: &Value) -> Vec<f64> {
    found.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

#[tokio::test]
async fn pages_of_real_data_are_sound_and_show_what_the_api_says() {
    let home = home();
    let exporter = employment::exporter(home.path()).await;
    let browser = Browser::start().await;
    let model = format!("{}/models/employment", exporter.url);
    for url in [&exporter.url, &model, &format!("{model}?version=2015&window=7d&feature=AGEP")] {
        page_is_sound(&browser, url).await;
    }
    let report = exporter.get("/api/v1/models/employment").await.json();
    let window = &report["versions"]["2015"]["segments"][""]["windows"]["7d"];

    browser.open(&format!("{}/", exporter.url)).await;
    let first = browser.text("return document.querySelector('main li').innerText").await;
    assert!(first.contains("employment") && first.contains("features drifted: AGEP"), "{first}");
    browser.open(&format!("{model}?version=2015&window=7d")).await;
    let psi = &window["features"]["AGEP"]["methods"]["psi"];
    assert_eq!(window["features"]["AGEP"]["detected"], true, "{window}");
    let shown = numbers(&browser.run(&values("AGEP")).await);
    assert_eq!(shown, ["score", "threshold", "excess", "p_value"].map(|name| psi[name].as_f64().unwrap()));
    let most = browser.text("return document.querySelector('.excess th').innerText").await;
    assert_eq!(most, "AGEP", "what moved most stands first");
    let quality = numbers(&browser.run(&values("accuracy")).await);
    let (now, before) =
        (&window["quality"]["metrics"]["accuracy"], &window["baseline"]["metrics"]["accuracy"]);
    let (now, before) = (now.as_f64().unwrap(), before.as_f64().unwrap());
    assert_eq!(quality, [now, before, now - before]);

    let area = numbers(&browser.run(&values("roc_auc")).await);
    let of = |part: &str| window["quality"][part]["roc_auc"].as_f64().unwrap();
    assert_eq!(area[..3], [of("metrics"), of("lower_bounds"), of("upper_bounds")]);

    let pictures = "/api/v1/models/employment/distributions?version=2015&window=7d&feature=AGEP";
    let cells = exporter.get(pictures).await.json()["features"]["AGEP"]["cells"].clone();
    let shares = |name: &str| cells.as_array().unwrap().iter().map(|cell| cell[name].as_f64().unwrap()).sum();
    let (reference, current): (f64, f64) = (shares("reference"), shares("current"));
    assert!((reference - 1.0).abs() < 1e-9 && (current - 1.0).abs() < 1e-9, "{cells}");
    let card = "[...document.querySelectorAll('figure.card')].find(card => card.querySelector('h3').innerText === 'AGEP')";
    let row = numbers(
        &browser
            .run(&format!("return [...{card}.querySelectorAll('tbody tr')[0].querySelectorAll('data')].map(d => Number(d.value))"))
            .await,
    );
    // a cell below all bins that is empty on both sides is not drawn
    let first = cells.as_array().unwrap().iter().find(|cell| cell["kind"] == "bin").unwrap();
    assert_eq!(row, [first["reference"].as_f64().unwrap(), first["current"].as_f64().unwrap()], "{cells}");
    browser.close().await;
}

#[tokio::test]
async fn a_page_reads_the_same_without_scripts() {
    let home = home();
    loans::configure(home.path(), "");
    let exporter = Program::exporter(home.path()).await;
    let body = loans::lines(&[Applicant::usual(1).prediction("1", START)]);
    assert_eq!(post(&format!("{}/v1/events", exporter.url), NDJSON, body).await.status, 200);
    exporter.wait_for_line("data_rows_total{model=\"loans\",source=\"http\"} 1").await;
    let browser = Browser::start().await;
    for path in ["/", "/models/loans"] {
        let url = format!("{}{path}", exporter.url);
        browser.open(&url).await;
        let with = browser.shown().await;
        browser.forbid_scripts().await;
        browser.open(&url).await;
        assert_eq!(browser.shown().await, with);
        assert!(with.contains("too few rows") || with.contains("drift is told from 50 on"), "{with}");
    }
    browser.close().await;
}

#[tokio::test]
async fn hostile_names_are_shown_as_text_and_their_links_lead_somewhere() {
    let home = home();
    let column = HOSTILE.replace('"', "\"\"");
    let rows: String = (0..200).map(|row| format!("\"{column}{}\",{}\n", row % 3, row % 2)).collect();
    write(home.path(), "reference.csv", format!("\"{column}\",said\n{rows}"));
    write(
        home.path(),
        "exporter.yaml",
        format!(
            "storage: {{path: data}}\nmodels:\n  - {{name: {name}, task: binary, positive_label: 1, reference: reference.csv, reference_columns: {{prediction: said}}, windows: [1h], clock: event, drift: {{min_rows: 50}}}}\n",
            name = json!(HOSTILE)
        ),
    );
    let exporter = Program::exporter(home.path()).await;
    let event = |row: i64| {
        let features = json!({ HOSTILE: format!("{HOSTILE}{}", row % 2) });
        json!({"event": "prediction", "model": HOSTILE, "version": HOSTILE, "time": START + 60 * row, "features": features, "prediction": 1})
    };
    let events: Vec<Value> = (0..200).map(event).collect();
    let answer = post(&format!("{}/v1/events", exporter.url), NDJSON, loans::lines(&events)).await;
    assert_eq!(answer.json()["accepted"], 200, "{}", answer.body);
    let browser = Browser::start().await;
    let link = until("the page lists the version", async || {
        browser.open(&exporter.url).await;
        let link = browser.run("return document.querySelector('tbody a')?.href").await;
        link.as_str().map(str::to_owned).ok_or("no row yet".to_owned())
    })
    .await;
    for url in [&exporter.url, &link] {
        page_is_sound(&browser, url).await;
        let (shown, tags) = (
            browser.shown().await,
            browser.run("return document.querySelectorAll('script, img').length").await,
        );
        assert!(shown.contains(HOSTILE), "{shown}");
        assert_eq!(tags, 0);
    }
    let title = browser.text("return document.title").await;
    assert_eq!(title, format!("{HOSTILE} · modelwatch"));
    let category = browser.text("return document.querySelector('figure.card tbody th').innerText").await;
    assert_eq!(category, format!("{HOSTILE}0"));
    browser.close().await;
}

#[tokio::test]
async fn before_the_first_event_the_page_says_how_to_send_it() {
    let home = home();
    loans::configure(home.path(), "");
    let exporter = Program::exporter(home.path()).await;
    let browser = Browser::start().await;
    page_is_sound(&browser, &format!("{}/models/loans", exporter.url)).await;
    page_is_sound(&browser, &exporter.url).await;
    let command = browser.text("return document.querySelector('pre').innerText").await;
    let at = exporter.url.trim_start_matches("http://");
    assert!(command.starts_with("curl ") && command.contains(&format!("{at}/v1/events")), "{command}");
    let event = command.split(" -d '").nth(1).unwrap().trim_end_matches('\'');
    let answer = post(&format!("{}/v1/events", exporter.url), JSON, event.to_owned()).await;
    assert_eq!(answer.json()["accepted"], 1, "{}", answer.body);
    exporter.wait_for_line("data_rows_total{model=\"loans\",source=\"http\"} 1").await;
    browser.open(&exporter.url).await;
    let shown = browser.shown().await;
    assert!(shown.contains("too few rows") && shown.contains("waiting for labels"), "{shown}");
    browser.close().await;
}

#[tokio::test]
async fn what_is_not_known_is_told_with_its_reason() {
    let home = home();
    loans::configure(home.path(), "  - {name: bare, task: binary, positive_label: 1, clock: event}\n");
    let exporter = Program::exporter(home.path()).await;
    let mut bare = Applicant::usual(2).prediction("1", START);
    bare["model"] = json!("bare");
    let mut events = vec![Applicant::usual(1).prediction("1", START), bare, Applicant::usual(3).label(START)];
    events[1]["features"] = json!({});
    let answer = post(&format!("{}/v1/events", exporter.url), NDJSON, loans::lines(&events)).await;
    assert_eq!(answer.json()["accepted"], 3, "{}", answer.body);
    exporter.wait_for_line("model_labels_unmatched_total{model=\"loans\",version=\"\"} 1").await;
    for (path, reasons) in [
        (
            "/models/loans",
            ["the window holds 1 row, and drift is told from 50 on", "1 label came whose <code>id</code>"],
        ),
        ("/models/bare", ["No feature is monitored", "There is no baseline"]),
        ("/", ["too few rows (50 needed)", "no feature is monitored"]),
    ] {
        let page = exporter.get(path).await.body;
        for reason in reasons {
            assert!(page.contains(reason), "{path}: {reason} is missing in {page}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_on_a_page_with_ways_on() {
    let home = home();
    loans::configure(home.path(), "");
    let exporter = Program::exporter(home.path()).await;
    let body = loans::lines(&[Applicant::usual(1).prediction("1", START)]);
    assert_eq!(post(&format!("{}/v1/events", exporter.url), NDJSON, body).await.status, 200);
    exporter.wait_for_line("data_rows_total{model=\"loans\",source=\"http\"} 1").await;
    for (path, said) in [
        ("/models/%3Cb%3E", "No model `&lt;b&gt;` is configured."),
        ("/models/loans?version=9", "this model has no version `9`"),
        ("/models/loans?segment=sex%3D2", "this version has no segment `sex=2`"),
        ("/models/loans?window=%3C", "this model has no window `&lt;`"),
    ] {
        let answer = exporter.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.body.contains(said) && answer.body.contains("href=\"/models/loans\""),
            "{}",
            answer.body
        );
    }
    assert_eq!(exporter.get("/models/loans?window=1h&window=1d").await.status, 400);
    assert_eq!(exporter.get("/api/v1/models/loans/distributions?window=2h").await.status, 404);
}
