//! Operating system processes: ended and reaped by id when their test ends, their output shown when it fails.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::NamedTempFile;

use super::random::seed;

/// How much of a failed program's output is shown, in bytes.
const SHOWN: usize = 6_000;

/// A running process.
pub(crate) struct Process {
    name: String,
    child: Child,
    output: NamedTempFile,
}

impl Process {
    /// Starts `command`; both its outputs are kept.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Process {
        let output = NamedTempFile::new().expect("a file for the output");
        let stream = || Stdio::from(output.as_file().try_clone().expect("a second handle"));
        let child = command.stdin(Stdio::null()).stdout(stream()).stderr(stream()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{name} cannot be started ({command:?}): {error}"));
        Process { name: name.to_owned(), child, output }
    }

    /// Everything that it has written so far.
    pub(crate) fn output(&self) -> String {
        let mut text = Vec::new();
        let read = self.output.reopen().and_then(|mut file| file.read_to_end(&mut text));
        read.expect("the output can be read");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process can be asked")
    }

    /// Sends it a signal such as `TERM`, by its id.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success(), "{} takes {name}", self.name);
    }

    /// A number that `/proc` says of it, in kB for memory.
    pub(crate) fn status(&self, field: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = text.lines().find(|line| line.starts_with(field)).expect("a field of /proc");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// Ends it at once (`SIGKILL`), by its id, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // it may have ended by itself, which is what kill complains about
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let output = self.output();
            let start = output.floor_char_boundary(output.len().saturating_sub(SHOWN));
            eprintln!("--- the end of what {} wrote:\n{}", self.name, &output[start..]);
        }
    }
}

/// A port of loopback that is free, from below those that the system gives to clients, so that none takes it meanwhile.
pub(crate) fn free_port() -> u16 {
    let mut random = StdRng::seed_from_u64(seed());
    let mut ports = std::iter::repeat_with(|| random.random_range(16_000..32_000));
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).expect("a free port")
}
