//! What is wrong outside the configuration: a port that is taken, a store that cannot be had.

use std::net::TcpListener;

use tempfile::TempDir;

use crate::support::golden::assert_golden;
use crate::support::program::{EXPORTER, Program, RECEIVER, run};
use crate::support::{home, loans, write};

/// The golden files of each program.
pub(super) const NAMES: [&str; 3] = ["port_in_use", "store_that_cannot_be_written", "store_in_use"];

/// A home with what both programs need.
fn complete(exporter_store: &str, receiver_store: &str) -> TempDir {
    let home = home();
    write(home.path(), "reference.csv", loans::reference());
    let exporter = format!(
        "storage: {{path: {exporter_store}}}\nmodels: [{{name: loans, task: binary, reference: reference.csv, reference_columns: {{label: repaid, prediction: predicted, score: score, ignore: [id]}}}}]\n"
    );
    write(home.path(), "exporter.yaml", exporter);
    let receiver = format!(
        "storage: {{url: \"sqlite:{receiver_store}\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"http://127.0.0.1:9/\"}}]\n"
    );
    write(home.path(), "receiver.yaml", receiver);
    home
}

/// Serving ends with 1 and one sentence.
fn assert_refuses(program: &str, home: &TempDir, listen: &str, golden: &str) {
    let address = format!("--web.listen-address={listen}");
    let said = run(program, home.path(), &["serve", "--log.level=error", &address], &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "one sentence: {}", said.err);
    assert_golden(program, golden, &said.err.replace(listen, "HOST:PORT"));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for program in [EXPORTER, RECEIVER] {
        assert_refuses(program, &complete("data", "receiver.db"), &address, "port_in_use");
    }
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    // beneath a file there is no folder, whatever one is allowed
    for program in [EXPORTER, RECEIVER] {
        let home = complete("reference.csv/data", "reference.csv/receiver.db");
        assert_refuses(program, &home, "127.0.0.1:0", "store_that_cannot_be_written");
    }
}

#[tokio::test]
async fn a_second_exporter_on_the_same_store_is_refused_and_the_first_goes_on() {
    let home = complete("data", "receiver.db");
    let first = Program::exporter(home.path()).await;
    assert_refuses(EXPORTER, &home, "127.0.0.1:0", "store_in_use");
    assert_eq!(first.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn a_second_receiver_on_the_same_store_is_refused_and_the_first_goes_on() {
    let home = complete("data", "receiver.db");
    let first = Program::receiver(home.path()).await;
    assert_refuses(RECEIVER, &home, "127.0.0.1:0", "store_in_use");
    assert_eq!(first.get("/-/ready").await.status, 200);
}
