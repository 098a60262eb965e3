//! Killing either program at any moment loses nothing, and doubles only what history marks as ambiguous.

mod exporter;
mod receiver;

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::support::program::Program;
use crate::support::wait::pause;

/// How often a program is killed in one test.
const KILLS: usize = 30;

/// Kills a program that is under load, most often when it serves and sometimes while it starts.
async fn kill_often(program: &mut Program, random: &mut StdRng, kills: usize) {
    for _ in 0..kills {
        if random.random_bool(0.7) {
            program.ready().await;
        }
        pause(Duration::from_millis(random.random_range(50..400))).await;
        program.crash();
    }
    program.ready().await;
}
