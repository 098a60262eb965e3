//! What both programs do alike while they run: reload, refuse a bad reload, end when they are asked to.

use std::path::Path;

use tempfile::TempDir;

use crate::support::http::{JSON, NDJSON, post};
use crate::support::loans::{self, Applicant, START};
use crate::support::program::Program;
use crate::support::{home, write};

const RECEIVER: &str = "storage: {url: \"sqlite:receiver.db\"}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n";

/// Both programs, each with its configuration file and the start of its own metrics' names.
async fn both() -> (TempDir, [(Program, &'static str, &'static str); 2]) {
    let home = home();
    loans::configure(home.path(), "");
    write(home.path(), "receiver.yaml", RECEIVER);
    let exporter = Program::exporter(home.path()).await;
    let receiver = Program::receiver(home.path()).await;
    let programs = [
        (exporter, "exporter.yaml", "modelwatch_exporter"),
        (receiver, "receiver.yaml", "modelwatch_receiver"),
    ];
    (home, programs)
}

/// Adds lines to a configuration and gives back what it was.
fn spoil(home: &Path, file: &str, more: &str) -> String {
    let before = std::fs::read_to_string(home.join(file)).unwrap();
    write(home, file, format!("{before}{more}"));
    before
}

#[tokio::test]
async fn a_bad_reload_is_refused_with_the_reason_and_a_good_one_heals_it() {
    let (home, programs) = both().await;
    for (program, file, prefix) in programs {
        let reload = format!("{}/-/reload", program.url);
        let succeeded = |value: u8| format!("{prefix}_config_last_reload_successful {value}");
        program.wait_for_line(&succeeded(1)).await;
        let endless = format!("colour:\n  {}red\n", "- ".repeat(100_000));
        for (bad, reason) in [("colour: red\n", "colour"), (&endless, "levels deep")] {
            let before = spoil(home.path(), file, bad);
            let refused = post(&reload, JSON, "").await;
            assert!((400..600).contains(&refused.status), "{file}: {}", refused.status);
            assert!(refused.body.contains(file) && refused.body.contains(reason), "{}", refused.body);
            program.wait_for_line(&succeeded(0)).await;
            assert_eq!(program.get("/-/ready").await.status, 200, "the old configuration goes on");
            write(home.path(), file, before);
            let taken = post(&reload, JSON, "").await;
            assert_eq!(taken.status, 200, "{file}: {}", taken.body);
            program.wait_for_line(&succeeded(1)).await;
        }
    }
}

#[tokio::test]
async fn a_hangup_reloads_as_well() {
    let (home, programs) = both().await;
    for (program, file, prefix) in programs {
        let before = spoil(home.path(), file, "colour: red\n");
        program.signal("HUP");
        program.wait_for_line(&format!("{prefix}_config_last_reload_successful 0")).await;
        write(home.path(), file, before);
        program.signal("HUP");
        program.wait_for_line(&format!("{prefix}_config_last_reload_successful 1")).await;
    }
}

#[tokio::test]
async fn both_end_with_0_when_they_are_asked_to_and_go_on_where_they_were() {
    let (home, programs) = both().await;
    let body = loans::lines([&Applicant::usual(1).prediction("1", START)]);
    assert_eq!(post(&format!("{}/v1/events", programs[0].0.url), NDJSON, body).await.status, 200);
    for ((mut program, file, _), signal) in programs.into_iter().zip(["TERM", "INT"]) {
        program.signal(signal);
        assert_eq!(program.exit_code().await, Some(0), "{file}");
    }
    let exporter = Program::exporter(home.path()).await;
    exporter.wait_for_line("data_rows_total{model=\"loans\",source=\"http\"} 1").await;
}

#[tokio::test]
async fn people_find_a_page_and_programs_a_status() {
    let (_home, programs) = both().await;
    for (program, file, _) in programs {
        let page = program.get("/").await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<html") && !page.body.contains("<script>"), "{file}: {}", page.body);
        let status = program.get("/api/v1/status").await;
        assert_eq!(status.status, 200);
        assert!(status.json()["version"].is_string(), "{}", status.body);
        assert_eq!(program.get("/nowhere").await.status, 404);
        assert_eq!(program.get("/-/healthy").await.status, 200);
    }
}
