use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::shutdown::Tasks;

fn gauge() -> IntGauge {
    IntGauge::new("last_reload_successful", "as in the program").unwrap()
}

#[tokio::test]
async fn the_asker_and_the_gauge_learn_how_a_reload_went() {
    let (reload, reloads) = channel();
    let (tasks, succeeded) = (Tasks::new(), gauge());
    let mut results = vec![Ok(()), Err("receiver.yaml: routes: expected a list".to_owned())];
    let apply = move || std::future::ready(results.pop().unwrap());
    tasks.spawn("reload", reloads.run(succeeded.clone(), tasks.shutdown(), apply));

    assert_eq!(reload.ask().await, Err("receiver.yaml: routes: expected a list".to_owned()));
    assert_eq!(succeeded.get(), 0);
    assert_eq!(reload.ask().await, Ok(()));
    assert_eq!(succeeded.get(), 1);
    tasks.drain(std::time::Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_stopping_program_says_so_instead_of_hanging() {
    let (reload, reloads) = channel();
    let tasks = Tasks::new();
    tasks.shutdown().trigger();
    reloads.run(gauge(), tasks.shutdown(), std::future::pending).await;
    assert_eq!(reload.ask().await, Err("the program is stopping".to_owned()));
}

#[tokio::test]
async fn requests_that_come_while_one_is_waiting_become_one_reload() {
    let (reload, reloads) = channel();
    let (tasks, count) = (Tasks::new(), Arc::new(AtomicUsize::new(0)));
    reload.request();
    reload.request();
    let counted = Arc::clone(&count);
    let apply = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(()))
    };
    tasks.spawn("reload", reloads.run(gauge(), tasks.shutdown(), apply));
    reload.ask().await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2, "the waiting one and the one asked for now");
    tasks.drain(std::time::Duration::from_secs(5)).await.unwrap();
}
