//! A real PostgreSQL server for one test: in a folder of its own, on a free port of loopback, ended by its id when it is
//! dropped. Whoever does not have the Debian package `postgresql` is told so by the test that fails.
//!
//! The folder is a copy of one that is made once, so that a server takes a fraction of a second. Everybody may connect
//! as `postgres` without a password, unless a test writes another `pg_hba.conf`. Nothing is synced to disk: only the
//! machine's end would lose something, never the server's.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

mod binaries;
mod template;

use binaries::{Binaries, as_postgres, checked};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many ports are tried: another process may take one between looking and using it.
const PORTS: u32 = 5;

/// How a server is stopped; the names of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Connections are closed, what they had begun is undone, everything is on disk.
    Fast,
    /// As if the machine failed: every process ends at once, and the next start recovers.
    Immediate,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    binaries: Binaries,
    folder: TempDir,
    settings: Vec<String>,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// One sentence: there is no PostgreSQL here, or why it does not start.
    pub fn start() -> io::Result<Server> {
        Server::start_with(&[])
    }

    /// Starts a server with these settings of `postgresql.conf`, such as `ssl=on`.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(settings: &[&str]) -> io::Result<Server> {
        let binaries = Binaries::find()?;
        let folder = template::copy(&binaries)?;
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Server { binaries, folder, settings, port: 0, process: None };
        for attempt in 1..=PORTS {
            server.port = free_port()?;
            match server.run() {
                Err(error) if attempt == PORTS => return Err(error),
                Err(_) => {}
                Ok(()) => break,
            }
        }
        Ok(server)
    }

    /// The port it listens at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its `postgresql.conf` and `pg_hba.conf`.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Makes the database `name`, and returns its URL.
    ///
    /// # Errors
    /// When it is there already, or the server does not answer.
    pub fn database(&self, name: &str) -> io::Result<String> {
        self.sql("postgres", &format!("create database \"{name}\""))?;
        Ok(self.url(name))
    }

    /// The URL of the database `name`; `postgres` is there from the start.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs a statement in a database; returns the rows, a line each, with `|` between columns.
    ///
    /// # Errors
    /// What the server said.
    pub fn sql(&self, database: &str, statement: &str) -> io::Result<String> {
        let port = self.port.to_string();
        let mut psql = Command::new(self.binaries.path("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"]);
        psql.args(["-p", &port, "-d", database, "-c", statement]).env("PGCONNECT_TIMEOUT", "20");
        Ok(checked("psql", &mut psql)?.trim_end().to_owned())
    }

    /// Stops it; the folder stays, for [`Server::again`].
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self, how: Stop) -> io::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let signal = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        };
        // it may have ended by itself
        let _ = Command::new("kill").args(["-s", signal, &process.id().to_string()]).status();
        process.wait().map(drop)
    }

    /// Starts it again, with the same port and folder.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn again(&mut self) -> io::Result<()> {
        self.stop(Stop::Fast)?;
        self.run()
    }

    /// What it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts the process and waits until it answers.
    fn run(&mut self) -> io::Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.log_file())?;
        let data = self.data();
        let mut command = as_postgres(&self.binaries.path("postgres"))?;
        command.arg("-D").arg(&data).arg("-p").arg(self.port.to_string());
        for setting in SETTINGS.iter().copied().chain(self.settings.iter().map(String::as_str)) {
            command.arg("-c").arg(setting);
        }
        let output = log.try_clone()?;
        let process = command.current_dir("/").stdin(Stdio::null()).stdout(output).stderr(log).spawn()?;
        let process = self.process.insert(process);
        let deadline = Instant::now() + PATIENCE;
        while !is_ready(&data, process.id()) {
            if process.try_wait()?.is_some() || Instant::now() > deadline {
                self.stop(Stop::Immediate)?;
                return Err(io::Error::other(format!("postgres does not start: {}", self.log())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop(Stop::Immediate);
    }
}

/// Small and quick; what is committed survives the end of the server, and only that of the machine may lose it.
const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=16MB",
    "max_connections=100",
    "timezone=UTC",
];

/// Whether the server with this id says in its `postmaster.pid` that it takes connections.
fn is_ready(data: &Path, id: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let mut lines = text.lines();
    let is_it = lines.next() == Some(id.to_string().as_str());
    is_it && lines.nth(6).is_some_and(|status| status.trim() == "ready")
}

/// A free port from below those that the system gives to clients, so that none takes it while a server is restarted.
fn free_port() -> io::Result<u16> {
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    let first = seed.wrapping_add(std::process::id().wrapping_mul(7919)) % 16_000;
    let mut ports =
        (0..16_000).map(|step| 16_000 + (first + step) % 16_000).filter_map(|port| u16::try_from(port).ok());
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).ok_or_else(|| io::Error::other("no port of loopback is free"))
}

#[cfg(test)]
mod tests;
