//! What the figures were measured on.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::figures::{Times, milliseconds};

/// How often the disk is asked.
const SYNCS: usize = 200;
/// How much is written each time.
const PAGE: [u8; 4096] = [7; 4096];

/// A paragraph about this machine, its disk and what was measured.
///
/// # Errors
/// When the disk cannot be written.
pub(crate) fn describe(place: &Path) -> Result<String> {
    let processors = std::thread::available_parallelism()?;
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let commit = said("git", &["describe", "--always", "--dirty"]).unwrap_or_else(|| "unknown".to_owned());
    let kernel = said("uname", &["-sr"]).unwrap_or_else(|| "unknown".to_owned());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "Commit {commit}, {processors} × {model} shared with whoever sends the load, {kernel}, load average {load} before. {}",
        disk_line("Before", place)?
    ))
}

/// A sentence about how long the disk takes to say that something is on it.
///
/// # Errors
/// When the disk cannot be written.
pub(crate) fn disk_line(when: &str, place: &Path) -> Result<String> {
    let times = syncs(place)?;
    Ok(format!(
        "{when}, an fdatasync of 4 KiB took {} ms (median), {} ms (99 %).",
        milliseconds(times.percentile(50)),
        milliseconds(times.percentile(99))
    ))
}

fn syncs(place: &Path) -> Result<Times> {
    let path = place.join("syncs");
    let mut file = File::create(&path)?;
    let mut times: Vec<Duration> = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&PAGE)?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(Times::new(times))
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
