//! Real processes on free ports, ended by id when their test ends.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A built program of this workspace, by name.
pub(crate) fn binary(name: &str) -> PathBuf {
    let mut dir = std::env::current_exe().expect("the test's own path");
    dir.pop();
    dir.pop();
    let path = dir.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace --bins` first", path.display());
    path
}

/// A running program that is killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Process {
    /// Starts a program on a free port of loopback and waits until `/-/ready` answers 200.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Process {
        let port = free_port();
        let child = Command::new(binary(name))
            .args(arguments)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let process = Process { child, url: format!("http://127.0.0.1:{port}") };
        process.wait_until_ready().await;
        process
    }

    /// Waits until `/metrics` has exactly this line.
    pub(crate) async fn wait_for_line(&self, wanted: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut text = String::new();
        while Instant::now() < deadline {
            text = reqwest::get(format!("{}/metrics", self.url)).await.unwrap().text().await.unwrap();
            if text.lines().any(|line| line == wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no line {wanted} in:\n{text}");
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Ok(answer) = reqwest::get(format!("{}/-/ready", self.url)).await
                && answer.status() == 200
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} did not become ready", self.url);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of loopback that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port()
}
