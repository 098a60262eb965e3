//! The two programs under test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reqwest::{Certificate, Client, Identity};

use super::certificates::Certified;
use super::http::{self, Answer};
use super::process::{Process, free_port};
use super::wait::until;

/// The exporter's name.
pub(crate) const EXPORTER: &str = "modelwatch-exporter";
/// The receiver's name.
pub(crate) const RECEIVER: &str = "modelwatch-receiver";

/// A built program of this workspace.
pub(crate) fn binary(name: &str) -> PathBuf {
    let mut folder = std::env::current_exe().expect("the test's own path");
    folder.pop();
    folder.pop();
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --workspace --all-targets` first",
        path.display()
    );
    path
}

/// A program that serves, on one port over all its restarts.
pub(crate) struct Program {
    name: &'static str,
    home: PathBuf,
    port: u16,
    process: Process,
    client: Client,
    /// Where it listens.
    pub(crate) url: String,
}

impl Program {
    /// The exporter with `home/exporter.yaml`, ready.
    pub(crate) async fn exporter(home: &Path) -> Program {
        Program::start(EXPORTER, home).await
    }

    /// The receiver with `home/receiver.yaml`, ready.
    pub(crate) async fn receiver(home: &Path) -> Program {
        Program::start(RECEIVER, home).await
    }

    /// The exporter over TLS, whose certificate this authority signed.
    pub(crate) async fn exporter_over_tls(home: &Path, authority: &str) -> Program {
        Program::start_over_tls(EXPORTER, home, Program::trusting(authority, None)).await
    }

    /// The receiver over TLS.
    pub(crate) async fn receiver_over_tls(home: &Path, authority: &str) -> Program {
        Program::start_over_tls(RECEIVER, home, Program::trusting(authority, None)).await
    }

    /// The receiver over TLS, asked by a client that shows a certificate.
    pub(crate) async fn receiver_showing(home: &Path, authority: &str, shown: &Certified) -> Program {
        Program::start_over_tls(RECEIVER, home, Program::trusting(authority, Some(shown))).await
    }

    /// A client that trusts this authority only, and shows a certificate if it has one.
    pub(crate) fn trusting(authority: &str, shown: Option<&Certified>) -> Client {
        // whoever comes second finds it installed
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = Certificate::from_pem(authority.as_bytes()).expect("a certificate");
        let mut builder = Client::builder().no_proxy().tls_info(true).tls_certs_only([authority]);
        if let Some(Certified { certificate, key, .. }) = shown {
            let pem = format!("{certificate}{key}");
            builder = builder.identity(Identity::from_pem(pem.as_bytes()).expect("a key"));
        }
        builder.build().expect("a client")
    }

    async fn start(name: &'static str, home: &Path) -> Program {
        Program::start_with(name, home, "http://127.0.0.1", http::client()).await
    }

    async fn start_over_tls(name: &'static str, home: &Path, client: Client) -> Program {
        Program::start_with(name, home, "https://localhost", client).await
    }

    async fn start_with(name: &'static str, home: &Path, origin: &str, client: Client) -> Program {
        let port = free_port();
        let process = spawn(name, home, port, &[], &[]);
        let url = format!("{origin}:{port}");
        let mut program = Program { name, home: home.to_owned(), port, process, client, url };
        program.ready().await;
        program
    }

    /// The client that it was started with.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The same, started anew with more flags, without waiting until it is ready.
    pub(crate) fn with_flags(mut self, flags: &[&str]) -> Program {
        self.process.kill();
        self.process = spawn(self.name, &self.home, self.port, flags, &[]);
        self
    }

    /// Kills it and starts it again with these variables, without waiting until it is ready.
    pub(crate) fn crash_with(&mut self, variables: &[(&str, &str)]) {
        self.process.kill();
        self.process = spawn(self.name, &self.home, self.port, &[], variables);
    }

    /// What `/proc` says of it in kB, such as `VmRSS`, the memory that it has now, or `VmHWM`, the most that it ever had.
    pub(crate) fn memory(&self, field: &str) -> u64 {
        self.process.status(field)
    }

    /// Waits until `/-/ready` answers 200.
    pub(crate) async fn ready(&mut self) {
        let url = format!("{}/-/ready", self.url);
        until(&format!("{} is ready", self.name), async || {
            if let Some(status) = self.process.ended() {
                panic!("{} ended with {status}: {}", self.name, self.process.output());
            }
            match self.client.get(&url).send().await {
                Ok(answer) if answer.status() == 200 => Ok(()),
                Ok(answer) => Err(answer.status().to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Kills it at once and starts it again, without waiting until it is ready.
    pub(crate) fn crash(&mut self) {
        self.process.kill();
        self.process = spawn(self.name, &self.home, self.port, &[], &[]);
    }

    /// Sends it a signal such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Everything that it has written since it was started last.
    pub(crate) fn output(&self) -> String {
        self.process.output()
    }

    /// The exit code with which it ends.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        until(&format!("{} ends", self.name), async || self.process.ended().ok_or("it runs".to_owned()))
            .await
            .code()
    }

    /// What `GET path` answers.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        http::get(&format!("{}{path}", self.url)).await
    }

    /// What `/metrics` says now.
    pub(crate) async fn metrics(&self) -> String {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// Waits until `/metrics` has exactly this line.
    pub(crate) async fn wait_for_line(&self, wanted: &str) {
        let name = wanted.split(['{', ' ']).next().unwrap_or_default();
        until(wanted, async || {
            let text = self.metrics().await;
            if text.lines().any(|line| line == wanted) {
                return Ok(());
            }
            let lines: Vec<_> = text.lines().filter(|line| line.starts_with(name)).collect();
            Err(format!("there is only\n{}", lines.join("\n")))
        })
        .await;
    }
}

fn spawn(name: &str, home: &Path, port: u16, flags: &[&str], variables: &[(&str, &str)]) -> Process {
    let file = home.join(name.replace("modelwatch-", "")).with_extension("yaml");
    let mut command = Command::new(binary(name));
    command.arg("serve").arg(format!("--config.file={}", file.display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}")).args(flags).envs(variables.iter().copied());
    Process::spawn(name, &mut command)
}

/// What a program said that ended by itself.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) err: String,
}

/// Runs a program to its end in the folder `home`, without any variables but those given.
pub(crate) fn run(name: &str, home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::new(binary(name));
    command.current_dir(home).args(arguments).env_clear().envs(variables.iter().copied());
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
