//! What a destination that is down costs: memory against the number of messages that wait for it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::sleep;

use crate::bodies::{Bodies, Dialect, Mix};
use crate::figures::{megabytes, milliseconds, thousands};
use crate::load::{Target, Until, run};
use crate::program::{folder, receiver};
use crate::report::Section;

/// Over how many connections the queue is filled.
const CONNECTIONS: u64 = 50;
/// How long the receiver may come to rest before its memory is looked at.
const REST: Duration = Duration::from_secs(2);

/// The table.
///
/// # Errors
/// When the receiver does not start or does not accept.
pub(crate) async fn measure(program: &Path, place: &Path, longest: u64) -> Result<Section> {
    let explanation = "One Slack channel whose address refuses connections; every webhook is a new group with one alert, so each is a message \
                       that waits. One process, filled step by step.";
    let columns = ["messages that wait", "RSS MB", "peak RSS MB", "accepting one more, p99 ms"];
    let mut section = Section::new("Memory against the length of a queue", explanation, &columns);
    // port 9 (discard) is privileged and nobody listens there
    let channel = "{name: team, type: slack, webhook_url: \"http://127.0.0.1:9/services/x\"}";
    let config = format!("environment: dev\nroutes: [{{channels: [team]}}]\nchannels: [{channel}]\n");
    let running = receiver(program, &folder(place, "queue")?, &config).await?;
    let target = Target { address: running.address, path: "/webhook" };
    let mut each = Bodies::for_each(Dialect::Webhook, Mix::Fresh, 1, CONNECTIONS);
    let mut waiting = 0;
    for wanted in [0, longest / 100, longest / 10, longest] {
        let more = (wanted - waiting) / CONNECTIONS;
        let mut slowest = None;
        if more > 0 {
            let outcome = run(target, each.clone(), Until::Each(more)).await?;
            ensure!(
                outcome.refused == 0,
                "{} webhooks were refused while filling the queue",
                outcome.refused
            );
            each.iter_mut().for_each(|bodies| bodies.skip(more));
            slowest = Some(outcome.times.percentile(99));
        }
        waiting += more * CONNECTIONS;
        sleep(REST).await;
        let memory = running.memory()?;
        let slowest = slowest.map_or_else(|| "-".to_owned(), milliseconds);
        section.row(vec![thousands(waiting), megabytes(memory.now), megabytes(memory.peak), slowest]);
    }
    running.stop().await?;
    Ok(section)
}
