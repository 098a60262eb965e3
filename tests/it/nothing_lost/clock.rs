//! A wall clock that somebody sets, by `libfaketime`: what waits is neither late nor given up for it, and nothing is told twice.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Scene, came, send, write_config};
use crate::support::alerts::Alert;
use crate::support::history::{history, marked, quiet_at_last};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::slack::Fault;
use crate::support::wait::until;
use crate::support::{home, write};

/// Where Debian's package has it, beneath a folder for the machine's kind.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut found =
        folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).filter(|file| file.exists());
    found.next().expect("libfaketime is there: apt-get install faketime")
}

/// The wall clock from now on, as an offset in seconds from the machine's.
fn set(home: &Path, offset: &str) {
    // whole or not at all: the program reads it at every look at the clock
    write(home, "clock.next", offset);
    std::fs::rename(home.join("clock.next"), home.join("clock")).unwrap();
}

/// Kills the receiver and starts it by the clock that was set.
async fn start_by_the_clock(scene: &mut Scene) {
    let (library, clock) = (library(), scene.home.path().join("clock"));
    scene.receiver.crash_with(&[
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ]);
    scene.receiver.ready().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_over_a_restart_holds_nothing_back() {
    let mut scene = Scene::start(1).await;
    let home = scene.home.path().to_owned();
    set(&home, "+0");
    start_by_the_clock(&mut scene).await;
    scene.send("before", &Alert::firing("Before", START)).await;
    came(scene.slack(), 1).await;
    set(&home, "-3600");
    start_by_the_clock(&mut scene).await;
    scene.send("after", &Alert::firing("After", START)).await;
    came(scene.slack(), 2).await;
    let found = scene.settled().await;
    let is_well =
        |one: &serde_json::Value| one["status"] == "delivered" && one["late"] == false && marked(one) == 0;
    assert!(found.len() == 2 && found.iter().all(is_well), "{found:#?}");
}

#[tokio::test]
async fn a_clock_that_jumps_an_hour_makes_nothing_late_and_loses_nothing() {
    for jump in ["+3600", "-3600"] {
        let mut scene = Scene::start(1).await;
        let home = scene.home.path().to_owned();
        set(&home, "+0");
        start_by_the_clock(&mut scene).await;
        scene.slack().always(Some(Fault::Status(500, "rollup_error")));
        let alert = Alert::firing("Before", START);
        scene.send("before", &alert).await;
        until("it was tried", async || {
            let found = history(&scene.receiver).await;
            let tries = found.first().and_then(|one| one["attempts"].as_array()).map_or(0, Vec::len);
            if tries > 1 { Ok(()) } else { Err(json!(found).to_string()) }
        })
        .await;
        set(&home, jump);
        scene.slack().always(None);
        came(scene.slack(), 1).await;
        scene.send("after", &Alert::firing("After", START)).await;
        came(scene.slack(), 2).await;
        scene.send("before", &alert.resolved(START + 60)).await;
        came(scene.slack(), 3).await;
        let found = scene.settled().await;
        let jumped = found.iter().map(|one| one["created_at"].as_str().unwrap()).collect::<Vec<_>>();
        let hours: std::collections::BTreeSet<_> = jumped.iter().map(|at| &at[11..13]).collect();
        assert!(hours.len() > 1, "{jump}: people see the clock that was set: {jumped:?}");
        assert_eq!((found.len(), scene.slack().count()), (3, 3), "{jump}");
        for one in &found {
            let is_well = one["status"] == "delivered" && one["late"] == false && marked(one) == 0;
            assert!(is_well, "{jump}: {one:#}");
        }
    }
}

#[tokio::test]
async fn receivers_whose_clocks_differ_agree_on_what_is_no_repeat() {
    let server = modelwatch_postgres::Server::start().unwrap();
    let (here, there) = (home(), home());
    let slacks = write_config(&here, &server.database("alerts").unwrap(), 1).await;
    std::fs::copy(here.path().join("receiver.yaml"), there.path().join("receiver.yaml")).unwrap();
    let (first, mut second) = tokio::join!(Program::receiver(here.path()), Program::receiver(there.path()));
    // longer than the interval of repeats, and than an alert that nobody speaks of stays alive
    second.crash_with(&[("LD_PRELOAD", library().to_str().unwrap()), ("FAKETIME", "+10h")]);
    second.ready().await;
    let alert = Alert::firing("Drift", START);
    send(&first.url, "g", &[&alert]).await;
    came(&slacks[0], 1).await;
    send(&second.url, "g", &[&alert]).await;
    second
        .wait_for_line("modelwatch_receiver_suppressed_total{channel=\"team\",reason=\"duplicate\"} 1")
        .await;
    send(&first.url, "g", &[&alert.resolved(START + 60)]).await;
    came(&slacks[0], 2).await;
    quiet_at_last(&first).await;
    let found = history(&first).await;
    assert_eq!((found.len(), slacks[0].count()), (2, 2), "{found:#?}");
    let calm =
        |one: &serde_json::Value| one["status"] == "delivered" && one["late"] == false && marked(one) == 0;
    assert!(found.iter().all(calm), "{found:#?}");
}
