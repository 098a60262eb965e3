//! Sets the stage: the four programs with their derived configuration, each ready before the next one needs it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::Command;

use crate::derive::{self, ALERTMANAGER, Extras, PROMETHEUS, RECEIVER, write_text};
use crate::evidence;
use crate::peers::Peer;
use crate::processes::{Addresses, Fleet, address, url};

/// Where everything is.
pub(crate) struct Stage {
    /// The clone of modelwatch.
    pub(crate) root: PathBuf,
    /// Where evidence and logs stay: `target/demo`.
    pub(crate) folder: PathBuf,
    /// The ports of this run.
    pub(crate) addresses: Addresses,
    /// The channels that are told.
    pub(crate) channels: Vec<&'static str>,
    /// Configuration and data of this run alone, removed with the stage.
    run: TempDir,
    binaries: PathBuf,
}

impl Stage {
    /// Folders, free ports and derived configuration.
    ///
    /// # Errors
    /// When something shipped is missing or the disk refuses.
    pub(crate) fn new(root: &Path, extras: &Extras) -> Result<Stage> {
        let root = root.canonicalize().with_context(|| format!("no folder {}", root.display()))?;
        let folder = root.join("target/demo");
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        evidence::clear(&folder)?;
        let run = tempfile::Builder::new().prefix("run-").tempdir_in(&folder)?;
        let addresses = Addresses::free()?;
        derive::derive(&root, run.path(), &addresses, extras)?;
        // the receiver of the demo is open to the browser; Alertmanager shows its token all the same
        write_text(&run.path().join("alertmanager/receiver.token"), "demo\n")?;
        let channels = std::iter::once("console").chain(extras.names()).collect();
        Ok(Stage { root, folder, addresses, channels, run, binaries: own_folder()? })
    }

    /// Where the programs write their logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// A program of modelwatch.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// Starts the four programs. Prometheus comes last, so that it finds the others.
    ///
    /// # Errors
    /// When one cannot be started or is not ready in time.
    pub(crate) async fn start(&self, fleet: &mut Fleet) -> Result<()> {
        let prometheus = Peer::find(&["prometheus"], "prometheus", "prometheus").await?;
        let programs = ["alertmanager", "prometheus-alertmanager"];
        let alertmanager = Peer::find(&programs, "alertmanager", "prometheus-alertmanager").await?;
        let Addresses { exporter, receiver, prometheus: prometheus_port, alertmanager: alertmanager_port } =
            self.addresses;
        fleet.start("exporter", self.exporter())?;
        fleet.start("receiver", self.receiver())?;
        fleet.wait_until_ready("exporter", &format!("{}/-/ready", url(exporter))).await?;
        fleet.wait_until_ready("receiver", &format!("{}/-/ready", url(receiver))).await?;
        fleet.start("alertmanager", self.alertmanager(&alertmanager))?;
        fleet.wait_until_ready("alertmanager", &format!("{}/-/ready", url(alertmanager_port))).await?;
        fleet.start("prometheus", self.prometheus(&prometheus))?;
        fleet.wait_until_ready("prometheus", &format!("{}/-/ready", url(prometheus_port))).await
    }

    fn exporter(&self) -> Command {
        let mut command = Command::new(self.binary("modelwatch-exporter"));
        command.arg("serve").arg(flag("config.file", &self.root.join("demo/exporter.yaml")));
        command.arg(format!("--web.listen-address={}", address(self.addresses.exporter)));
        command.env("MODELWATCH_EXPORTER__STORAGE__PATH", self.run.path().join("exporter"));
        command
    }

    fn receiver(&self) -> Command {
        let mut command = Command::new(self.binary("modelwatch-receiver"));
        command.arg("serve").arg(flag("config.file", &self.run.path().join(RECEIVER)));
        command.arg(format!("--web.listen-address={}", address(self.addresses.receiver)));
        let store = format!("sqlite:{}", self.run.path().join("receiver.db").display());
        command.env("MODELWATCH_RECEIVER__STORAGE__URL", store);
        command.env("MODELWATCH_RECEIVER__WEB__EXTERNAL_URL", url(self.addresses.receiver));
        command
    }

    fn alertmanager(&self, peer: &Peer) -> Command {
        let mut command = peer.command(&self.root, self.run.path());
        command.arg(flag("config.file", &self.run.path().join(ALERTMANAGER)));
        command.arg(flag("storage.path", &self.run.path().join("alertmanager/data")));
        command.arg(format!("--web.listen-address={}", address(self.addresses.alertmanager)));
        // one alone: no gossip, no port for it
        command.arg("--cluster.listen-address=");
        command
    }

    fn prometheus(&self, peer: &Peer) -> Command {
        let mut command = peer.command(&self.root, self.run.path());
        command.arg(flag("config.file", &self.run.path().join(PROMETHEUS)));
        command.arg(flag("storage.tsdb.path", &self.run.path().join("prometheus")));
        command.arg(format!("--web.listen-address={}", address(self.addresses.prometheus)));
        // at its start Prometheus does not know Alertmanager yet: what it could not send is sent again soon
        command.arg("--rules.alert.resend-delay=5s");
        command
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// The folder of this program, where its siblings were built as well.
fn own_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    Ok(own.parent().context("this program has no folder")?.to_owned())
}
