//! The demo's child processes: started with a log file each, watched, and ended by id, the last one started first.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long a program may take to be ready; a reference is read within it.
const START: Duration = Duration::from_secs(60);
/// How long a program may take to end before it is killed.
const END: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// The loopback ports of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// Of the exporter.
    pub(crate) exporter: u16,
    /// Of the receiver.
    pub(crate) receiver: u16,
    /// Of Prometheus.
    pub(crate) prometheus: u16,
    /// Of Alertmanager.
    pub(crate) alertmanager: u16,
}

impl Addresses {
    /// Four ports that nothing listens on.
    ///
    /// # Errors
    /// When the system has none.
    pub(crate) fn free() -> Result<Addresses> {
        let bound = || TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1");
        let listeners = [bound()?, bound()?, bound()?, bound()?];
        let mut ports = [0; 4];
        for (port, listener) in ports.iter_mut().zip(&listeners) {
            *port = listener.local_addr()?.port();
        }
        let [exporter, receiver, prometheus, alertmanager] = ports;
        Ok(Addresses { exporter, receiver, prometheus, alertmanager })
    }

    /// `text` with the shipped addresses replaced by these.
    pub(crate) fn replace_in(&self, text: &str) -> String {
        let shipped = [
            (9740, self.exporter),
            (9741, self.receiver),
            (9090, self.prometheus),
            (9093, self.alertmanager),
        ];
        let mut text = text.to_owned();
        for (from, to) in shipped {
            // the system gives ports from far above the shipped ones, so none is replaced twice
            text = text.replace(&address(from), &address(to));
        }
        text
    }
}

/// `HOST:PORT` on loopback.
pub(crate) fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// `http://HOST:PORT` on loopback.
pub(crate) fn url(port: u16) -> String {
    format!("http://{}", address(port))
}

/// The processes of one run, in the order in which they were started.
pub(crate) struct Fleet {
    logs: PathBuf,
    running: Vec<Running>,
}

struct Running {
    name: &'static str,
    child: Child,
}

impl Fleet {
    /// None yet; their output will be written to `logs/NAME.log`.
    pub(crate) fn new(logs: &Path) -> Fleet {
        Fleet { logs: logs.to_owned(), running: Vec::new() }
    }

    /// Starts a program that runs until the end of the demo.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&mut self, name: &'static str, command: Command) -> Result<()> {
        let child = self.spawn(name, command)?;
        self.running.push(Running { name, child });
        Ok(())
    }

    /// Starts a program that ends by itself.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(&self, name: &str, mut command: Command) -> Result<Child> {
        let path = self.log(name);
        let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // a group of its own: Ctrl-C reaches the demo alone, which ends the others in order
        command.process_group(0).kill_on_drop(true);
        let program = command.as_std().get_program().to_owned();
        command.spawn().with_context(|| format!("cannot start {name}: does {} exist?", program.display()))
    }

    /// Waits until `url` answers 200.
    ///
    /// # Errors
    /// When a process ended, or nothing answers within a minute: says where its log is.
    pub(crate) async fn wait_until_ready(&mut self, name: &str, url: &str) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            self.check()?;
            if reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "{name} was not ready within {} s at {url}: see {}",
                    START.as_secs(),
                    self.log(name).display()
                );
            }
            sleep(POLL).await;
        }
    }

    /// That all still run.
    ///
    /// # Errors
    /// When one ended: says which, how, and where its log is.
    pub(crate) fn check(&mut self) -> Result<()> {
        let logs = &self.logs;
        for Running { name, child } in &mut self.running {
            if let Some(status) = child.try_wait()? {
                bail!("{name} ended with {status}: see {}", logs.join(format!("{name}.log")).display());
            }
        }
        Ok(())
    }

    /// Where a program writes.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Ends all, the last one started first, and waits for each.
    pub(crate) async fn end(&mut self) {
        while let Some(Running { mut child, .. }) = self.running.pop() {
            end(&mut child).await;
        }
    }
}

/// Asks a process to end, and kills it when it does not.
pub(crate) async fn end(child: &mut Child) -> Option<ExitStatus> {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok())
        && let Ok(ended) = timeout(END, child.wait()).await
    {
        return ended.ok();
    }
    child.kill().await.ok();
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_process_that_ends_early_is_named_with_its_log() {
        let logs = tempfile::tempdir().unwrap();
        let mut fleet = Fleet::new(logs.path());
        fleet.start("exporter", sh("echo no reference; exit 64")).unwrap();
        fleet.running[0].child.wait().await.unwrap();
        let error = fleet.check().unwrap_err().to_string();
        assert!(error.contains("exporter ended with exit status: 64"), "{error}");
        assert!(error.contains("exporter.log"), "{error}");
        assert_eq!(std::fs::read_to_string(fleet.log("exporter")).unwrap(), "no reference\n");
    }

    #[tokio::test]
    async fn the_last_one_started_ends_first_and_none_is_left() {
        let logs = tempfile::tempdir().unwrap();
        let order = logs.path().join("order");
        let mut fleet = Fleet::new(logs.path());
        for name in ["first", "second"] {
            let ready = logs.path().join(format!("{name}.ready"));
            let script = format!(
                "trap 'echo {name} >> {}; exit' TERM; touch {}; while :; do sleep 0.01; done",
                order.display(),
                ready.display()
            );
            fleet.start(name, sh(&script)).unwrap();
            let deadline = Instant::now() + END;
            while !ready.exists() {
                assert!(Instant::now() < deadline, "{name} never started");
                sleep(POLL).await;
            }
        }
        fleet.end().await;
        assert_eq!(std::fs::read_to_string(order).unwrap(), "second\nfirst\n");
        assert!(fleet.running.is_empty());
    }

    #[test]
    fn free_ports_differ() {
        let Addresses { exporter, receiver, prometheus, alertmanager } = Addresses::free().unwrap();
        let ports = std::collections::BTreeSet::from([exporter, receiver, prometheus, alertmanager]);
        assert_eq!(ports.len(), 4);
    }
}
