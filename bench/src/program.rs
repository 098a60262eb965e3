//! The programs that are measured, as processes of their own on free ports of loopback.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::load::Connection;

/// How long a program may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long it may take to say whether it is.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// The kernel counts processor time in hundredths of a second, whatever its own ticks are.
const TICK_MS: u64 = 10;

/// What Debian and everyone else call it.
const ALERTMANAGERS: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// A process that is ready; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How long it took until it said that it is ready.
    pub(crate) started_in: Duration,
}

/// What a process has in memory, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) now: u64,
    /// At most so far.
    pub(crate) peak: u64,
}

/// A folder of its own within `place`.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn folder(place: &Path, name: &str) -> Result<PathBuf> {
    let folder = place.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir(&folder)?;
    Ok(folder)
}

/// Starts the receiver with its store in `folder`; `rest` is the configuration besides `storage`.
///
/// # Errors
/// When it does not get ready.
pub(crate) async fn receiver(program: &Path, folder: &Path, rest: &str) -> Result<Running> {
    let file = folder.join("receiver.yaml");
    std::fs::write(&file, format!("storage: {{url: \"sqlite:receiver.db\"}}\n{rest}"))?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--web.listen-address={address}"));
    Running::start(command, address, folder).await
}

/// Starts Alertmanager with that configuration; `None` when there is none on this machine.
///
/// # Errors
/// When it does not get ready.
pub(crate) async fn alertmanager(folder: &Path, config: &str) -> Result<Option<Running>> {
    let Some(program) = alertmanager_program() else { return Ok(None) };
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, config)?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.path={}", folder.display()));
    command.arg(format!("--web.listen-address={address}"));
    command.args(["--cluster.listen-address=", "--log.level=error"]);
    Running::start(command, address, folder).await.map(Some)
}

/// What Alertmanager says its version is.
pub(crate) fn alertmanager_version() -> Option<String> {
    let output = std::process::Command::new(alertmanager_program()?).arg("--version").output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Some(said.split_once("version ")?.1.split([' ', '+', ',']).next()?.to_owned())
}

fn alertmanager_program() -> Option<&'static str> {
    let runs = |program: &&str| {
        let mut command = std::process::Command::new(program);
        let command = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ALERTMANAGERS.into_iter().find(runs)
}

fn free_address() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

impl Running {
    /// Starts it; what it says goes into a file of `folder`, as it would at home.
    async fn start(mut command: Command, address: SocketAddr, folder: &Path) -> Result<Running> {
        let log = folder.join("log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).kill_on_drop(true);
        let began = Instant::now();
        let mut child = command.spawn().context("cannot start a program")?;
        while !is_ready(address).await {
            if let Some(status) = child.try_wait()? {
                bail!("a program ended before it was ready: {status}: {}", std::fs::read_to_string(&log)?);
            }
            if began.elapsed() > READY_WITHIN {
                bail!("a program was not ready within {READY_WITHIN:?}");
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(Running { child, address, started_in: began.elapsed() })
    }

    /// What it has in memory, as the kernel counts it.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let id = self.child.id().context("the process is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        Ok(Memory { now: kilobytes(&status, "VmRSS:")?, peak: kilobytes(&status, "VmHWM:")? })
    }

    /// The processor time that it took so far, user and system.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn processor(&self) -> Result<Duration> {
        let id = self.child.id().context("the process is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // what comes after its name, which may hold anything
        let numbers = status.rsplit_once(')').context("the kernel tells no processor time")?.1;
        let ticks = numbers.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * TICK_MS))
    }

    /// Ends it, gracelessly.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub(crate) async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// Whether it says so soon; it may listen and not answer yet.
async fn is_ready(address: SocketAddr) -> bool {
    let ask = async {
        let mut connection = Connection::open(address).await?;
        connection.get("/-/ready").await
    };
    let answer = timeout(ANSWERS_WITHIN, ask).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200))
}

fn kilobytes(status: &str, name: &str) -> Result<u64> {
    let line = status.lines().find(|line| line.starts_with(name)).context("the kernel tells no memory")?;
    let number = line.split_whitespace().nth(1).context("the kernel tells no memory")?;
    Ok(number.parse::<u64>()? * 1024)
}
