use super::*;
use crate::reload;

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn draining_asks_every_task_to_stop_and_waits_for_it() {
    let tasks = Tasks::new();
    let (said, mut heard) = tokio::sync::mpsc::channel(1);
    let shutdown = tasks.shutdown();
    tasks.spawn("worker", async move {
        shutdown.cancelled().await;
        said.send("stopped").await.unwrap();
    });
    tasks.drain(SOON).await.unwrap();
    assert_eq!(heard.recv().await, Some("stopped"));
    assert!(tasks.shutdown().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_is_named() {
    let tasks = Tasks::new();
    tasks.spawn("deaf", std::future::pending());
    tasks.spawn("quick", async {});
    let left = tasks.drain(SOON).await.unwrap_err().to_string();
    assert_eq!(left, "these tasks had not ended after 5s: deaf");
}

#[tokio::test]
async fn a_panic_stops_the_program_unless_the_task_was_one_of_many() {
    let tasks = Tasks::new();
    tasks.spawn_expendable("connection", async { panic!("on purpose") });
    tasks.spawn("engine", std::future::pending());
    tokio::task::yield_now().await;
    assert!(!tasks.shutdown().is_cancelled());

    tasks.spawn("journal", async { panic!("on purpose") });
    tokio::time::timeout(SOON, tasks.shutdown().cancelled()).await.expect("the program stops");
}

#[tokio::test]
async fn sighup_asks_for_a_reload_and_sigterm_for_the_end() {
    let tasks = Tasks::new();
    let (reload, reloads) = reload::channel();
    signals(&tasks, reload).unwrap();
    let (said, mut heard) = tokio::sync::mpsc::channel(1);
    let gauge = prometheus::IntGauge::new("x", "x").unwrap();
    let apply = move || {
        let said = said.clone();
        async move { said.send(()).await.map_err(|error| error.to_string()) }
    };
    tasks.spawn("reload", reloads.run(gauge, tasks.shutdown(), apply));

    send_to_this_process("HUP").await;
    assert_eq!(tokio::time::timeout(SOON, heard.recv()).await.expect("a reload"), Some(()));
    assert!(!tasks.shutdown().is_cancelled());
    send_to_this_process("TERM").await;
    tokio::time::timeout(SOON, tasks.shutdown().cancelled()).await.expect("a shutdown");
    tasks.drain(SOON).await.unwrap();
}

async fn send_to_this_process(signal: &str) {
    let pid = std::process::id().to_string();
    let status = tokio::process::Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap();
    assert!(status.success());
}
