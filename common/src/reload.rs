//! Reloading the configuration: SIGHUP and `POST /-/reload` ask, the program answers, one reload at a time.

use std::future::Future;

use prometheus::IntGauge;
use tokio::sync::{mpsc, oneshot};

use crate::shutdown::Shutdown;

/// Why a configuration was not taken over, for whoever asked.
pub type Refusal = String;

type Answer = oneshot::Sender<Result<(), Refusal>>;

/// Asks the program to reload. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reload(mpsc::Sender<Answer>);

/// What was asked for and is to be answered by the program.
#[derive(Debug)]
pub struct Reloads(mpsc::Receiver<Answer>);

/// The two ends of reloading.
#[must_use]
pub fn channel() -> (Reload, Reloads) {
    let (ask, asked) = mpsc::channel(1);
    (Reload(ask), Reloads(asked))
}

impl Reload {
    /// Reloads and waits for the result.
    ///
    /// # Errors
    /// Why the new configuration was refused (the old one stays), or that the program is stopping.
    pub async fn ask(&self) -> Result<(), Refusal> {
        let (answer, result) = oneshot::channel();
        let stopping = || "the program is stopping".to_owned();
        self.0.send(answer).await.map_err(|_| stopping())?;
        result.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Asks for a reload without waiting for it; the result is in the log. While one is waiting already, that one serves.
    pub fn request(&self) {
        let (answer, _) = oneshot::channel();
        // full: the waiting reload will read the newest file; closed: the program is stopping
        let _ = self.0.try_send(answer);
    }
}

impl Reloads {
    /// Calls `apply` for every request until `shutdown`, tells the asker and the gauge
    /// `*_config_last_reload_successful`, and logs the result. `apply` keeps the old configuration when it fails.
    pub async fn run<A, F>(mut self, succeeded: IntGauge, shutdown: Shutdown, mut apply: A)
    where
        A: FnMut() -> F + Send,
        F: Future<Output = Result<(), Refusal>> + Send,
    {
        loop {
            let asker = tokio::select! {
                asker = self.0.recv() => asker,
                () = shutdown.cancelled() => None,
            };
            let Some(asker) = asker else { return };
            let result = apply().await;
            succeeded.set(i64::from(result.is_ok()));
            log(&result);
            // whoever asked may have gone away
            let _ = asker.send(result);
        }
    }
}

fn log(result: &Result<(), Refusal>) {
    match result {
        Ok(()) => tracing::info!("reloaded the configuration"),
        Err(reason) => tracing::error!(reason, "kept the old configuration, the new one is refused"),
    }
}

#[cfg(test)]
mod tests;
