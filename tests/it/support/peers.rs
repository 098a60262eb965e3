//! Prometheus and Alertmanager as Debian packages them, on free ports of loopback.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::http;
use super::process::{Process, free_port};
use super::wait::until;

/// A running peer; it ends with its test.
pub(crate) struct Peer {
    _process: Process,
    /// Where it listens.
    pub(crate) url: String,
}

impl Peer {
    /// Prometheus with `home/prometheus.yml`.
    pub(crate) async fn prometheus(home: &Path) -> Peer {
        Peer::prometheus_with(home, &[]).await
    }

    /// The same with more flags.
    pub(crate) async fn prometheus_with(home: &Path, flags: &[&str]) -> Peer {
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", home.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", home.join("prometheus").display()));
        command.args(flags);
        Peer::start("prometheus", command, free_port()).await
    }

    /// Alertmanager with `home/alertmanager/alertmanager.yml`, on a port that its Prometheus knows.
    pub(crate) async fn alertmanager(home: &Path, port: u16) -> Peer {
        let folder = home.join("alertmanager");
        let mut command = Command::new("prometheus-alertmanager");
        command.arg(format!("--config.file={}", folder.join("alertmanager.yml").display()));
        command.arg(format!("--storage.path={}", folder.join("data").display()));
        command.arg("--cluster.listen-address=");
        Peer::start("alertmanager", command, port).await
    }

    /// So many Alertmanagers that know of each other, with the one configuration `home/alertmanager/alertmanager.yml`.
    pub(crate) async fn alertmanagers(home: &Path, count: usize) -> Vec<Peer> {
        let folder = home.join("alertmanager");
        let ports: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let mut peers = Vec::new();
        for (number, port) in ports.iter().enumerate() {
            let mut command = Command::new("prometheus-alertmanager");
            command.arg(format!("--config.file={}", folder.join("alertmanager.yml").display()));
            command.arg(format!("--storage.path={}", folder.join(format!("data{number}")).display()));
            command.arg(format!("--cluster.listen-address=127.0.0.1:{port}"));
            // each waits so long for the one before it, shortened: then more than one of them tells the receivers
            command.args(["--cluster.peer-timeout=200ms", "--cluster.settle-timeout=1s"]);
            command.args(
                ports
                    .iter()
                    .filter(|other| *other != port)
                    .map(|other| format!("--cluster.peer=127.0.0.1:{other}")),
            );
            peers.push(Peer::start("alertmanager", command, free_port()).await);
        }
        peers
    }

    async fn start(name: &str, mut command: Command, port: u16) -> Peer {
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let mut process = Process::spawn(name, &mut command);
        let url = format!("http://127.0.0.1:{port}");
        let client = http::client();
        let ready = format!("{url}/-/ready");
        until(&format!("{name} is ready"), async || {
            if let Some(status) = process.ended() {
                panic!("{name} ended with {status}");
            }
            match client.get(&ready).send().await {
                Ok(answer) if answer.status() == 200 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        Peer { _process: process, url }
    }
}

/// What `promtool check metrics` says of a page; nothing when all is well.
pub(crate) fn check_metrics(page: &str) -> String {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = promtool.spawn().expect("promtool is there: apt-get install prometheus");
    running.stdin.take().expect("its input").write_all(page.as_bytes()).expect("promtool reads");
    let output = running.wait_with_output().expect("promtool ends");
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() || !said.is_empty(), "promtool failed in silence");
    said
}
