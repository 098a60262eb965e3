//! Waiting for something to be so, never for time to pass.

use std::time::{Duration, Instant};

/// How long anything may take here, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(20);

/// What `attempt` finds, once it finds it; until then it says what is still missing.
pub(crate) async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(found) => return found,
            Err(missing) if Instant::now() > deadline => {
                panic!("not within {} s: {what}: {missing}", PATIENCE.as_secs())
            }
            Err(_) => pause(POLL).await,
        }
    }
}

/// Lets time pass that a test itself schedules, such as the moment of a kill; never used to wait for a program.
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
