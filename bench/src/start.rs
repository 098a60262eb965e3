//! How soon the receiver is there, what it takes when nothing happens, and how big it is.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::figures::{Times, median, megabytes, milliseconds};
use crate::program::{folder, receiver};
use crate::report::Section;

/// How often it is started.
const STARTS: usize = 7;
/// How long nothing happens before its memory is looked at.
const REST: Duration = Duration::from_secs(2);

/// The table.
///
/// # Errors
/// When the receiver does not start.
pub(crate) async fn measure(program: &Path, place: &Path) -> Result<Section> {
    let explanation = format!(
        "From starting the process to `/-/ready` answering 200, with a new and with an existing store (medians of {STARTS}); resident memory \
         {} s later; the file as built.",
        REST.as_secs()
    );
    let columns = ["new store, ms", "existing store, ms", "idle RSS MB", "program MB"];
    let mut section = Section::new("Start and size", &explanation, &columns);
    let (mut first, mut again, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let folder = folder(place, "start")?;
        let config = "routes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n";
        let running = receiver(program, &folder, config).await?;
        first.push(running.started_in);
        running.stop().await?;
        let running = receiver(program, &folder, config).await?;
        again.push(running.started_in);
        sleep(REST).await;
        idle.push(running.memory()?.now);
        running.stop().await?;
    }
    section.row(vec![
        milliseconds(Times::new(first).percentile(50)),
        milliseconds(Times::new(again).percentile(50)),
        megabytes(median(idle)),
        megabytes(std::fs::metadata(program)?.len()),
    ]);
    Ok(section)
}
