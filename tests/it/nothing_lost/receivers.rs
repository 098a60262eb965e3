//! Several receivers that share a PostgreSQL database: whatever happens to any of them, or to the database, people are told
//! everything, and twice only what is marked.

mod alertmanagers;
mod fleet;

use std::time::Duration;

use rand::RngExt as _;

use crate::support::random::random;
use crate::support::wait::pause;
use fleet::Fleet;

/// How often somebody is killed in one test.
const KILLS: usize = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_any_of_three_receivers_lose_nothing_and_double_only_what_is_marked() {
    let mut random = random();
    let mut fleet = Fleet::start(3).await;
    let rounds = fleet.under_load(async |receivers, _| {
        for _ in 0..KILLS {
            let victim = random.random_range(0..receivers.len());
            pause(Duration::from_millis(random.random_range(100..900))).await;
            receivers[victim].crash();
        }
    });
    let rounds = rounds.await;
    fleet.assert_nothing_lost(&rounds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_stops_for_twenty_seconds_sends_nothing_that_others_took_over() {
    let mut fleet = Fleet::start(2).await;
    let rounds = fleet.under_load(async |receivers, _| {
        pause(Duration::from_secs(1)).await;
        receivers[0].signal("STOP");
        pause(Duration::from_secs(20)).await;
        receivers[0].signal("CONT");
        pause(Duration::from_secs(2)).await;
    });
    let rounds = rounds.await;
    fleet.assert_nothing_lost(&rounds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_cut_off_from_the_database_loses_nothing_and_blocks_nobody() {
    let mut fleet = Fleet::start(2).await;
    let rounds = fleet.under_load(async |_, network| {
        // what it had claimed is told by the other once it is taken for dead, half a minute later at most
        pause(Duration::from_secs(1)).await;
        network.stall();
        pause(Duration::from_secs(16)).await;
        network.resume();
        pause(Duration::from_secs(1)).await;
        network.cut();
        pause(Duration::from_secs(3)).await;
        network.resume();
    });
    let rounds = rounds.await;
    fleet.assert_nothing_lost(&rounds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_fails_and_comes_back_loses_nothing() {
    let mut fleet = Fleet::start(2).await;
    let mut server = fleet.take_server();
    let rounds = fleet.under_load(async |_, _| {
        for stop in [modelwatch_postgres::Stop::Immediate, modelwatch_postgres::Stop::Fast] {
            pause(Duration::from_secs(2)).await;
            server.stop(stop).unwrap();
            pause(Duration::from_secs(2)).await;
            server.again().unwrap();
        }
        pause(Duration::from_secs(2)).await;
    });
    let rounds = rounds.await;
    fleet.assert_nothing_lost(&rounds).await;
}
