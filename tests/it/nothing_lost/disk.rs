//! A store that cannot be written for a while: its disk is full, or another program holds its lock.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::{came, send, write_config};
use crate::support::alerts::{Alert, webhook};
use crate::support::history::{attempts, history, quiet_at_last};
use crate::support::home;
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::slack::Slack;
use crate::support::wait::until;

/// How large the disk of the store is.
const SIZE: &str = "size=8m";

/// A small disk; unmounted when its test ends.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Disk {
        std::fs::create_dir(folder).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder).status();
        assert!(mounted.unwrap().success(), "these tests run as root, which a disk of their own needs");
        Disk(folder.to_owned())
    }

    /// Leaves no room.
    fn fill(&self) {
        let filler = self.0.join("filler");
        for block in [1 << 16, 1 << 10, 1] {
            let mut file = std::fs::File::options().create(true).append(true).open(&filler).unwrap();
            while std::io::Write::write_all(&mut file, &vec![0; block]).is_ok() {}
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // lazily, since the receiver may still have it open
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

struct Full {
    slack: Slack,
    receiver: Program,
    disk: Disk,
    _home: TempDir,
}

impl Full {
    async fn start() -> Full {
        let home = home();
        let disk = Disk::mount(&home.path().join("store"));
        let slack = write_config(&home, "sqlite:store/receiver.db", 1).await.remove(0);
        let receiver = Program::receiver(home.path()).await;
        Full { slack, receiver, disk, _home: home }
    }

    /// Sends different alerts until one is refused, since a log that has room left goes on being written in place.
    async fn send_until_refused(&self) -> Vec<Alert> {
        let mut sent = Vec::new();
        loop {
            let number = sent.len();
            let alert = Alert::firing("Drift", START).with("number", &number.to_string());
            let body = webhook(&format!("g{number}"), [&alert]).to_string();
            let answer = post(&format!("{}/webhook", self.receiver.url), JSON, body).await;
            sent.push(alert);
            match answer.status {
                200 => assert!(number < 5_000, "the disk is full"),
                503 => return sent,
                other => panic!("{other}: {}", answer.body),
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_answered_503_and_what_was_answered_200_is_told() {
    let full = Full::start().await;
    full.disk.fill();
    let sent = full.send_until_refused().await;
    full.receiver.wait_for_line("modelwatch_receiver_webhooks_total{result=\"failed\"} 1").await;
    full.disk.empty();
    let last = sent.len() - 1;
    send(&full.receiver.url, &format!("g{last}"), &[&sent[last]]).await;
    quiet_at_last(&full.receiver).await;
    let history = history(&full.receiver).await;
    assert_eq!(history.len(), sent.len());
    assert!(history.iter().all(|one| attempts(one) == ["delivered"]), "{history:#?}");
    assert_eq!(full.slack.count(), sent.len());
}

#[tokio::test]
async fn an_answer_that_came_while_the_disk_was_full_is_noted_when_there_is_room() {
    let full = Full::start().await;
    full.slack.answer_after(Duration::from_secs(2));
    send(&full.receiver.url, "slow", &[&Alert::firing("Slow", START)]).await;
    came(&full.slack, 1).await;
    full.disk.fill();
    let sent = full.send_until_refused().await;
    until("the answer cannot be noted", async || {
        let output = full.receiver.output();
        if output.contains("the result could not be recorded yet") { Ok(()) } else { Err(output) }
    })
    .await;
    full.slack.answer_after(Duration::ZERO);
    full.disk.empty();
    quiet_at_last(&full.receiver).await;
    let history = history(&full.receiver).await;
    assert_eq!(history.len(), sent.len(), "the refused one is not there, the slow one is");
    assert!(history.iter().all(|one| attempts(one) == ["delivered"]), "{history:#?}");
    assert_eq!(full.slack.count(), sent.len(), "nothing was told twice");
}

#[tokio::test]
async fn a_store_that_another_program_locks_is_waited_for() {
    let home = home();
    let slack = write_config(&home, "sqlite:receiver.db", 1).await.remove(0);
    let receiver = Program::receiver(home.path()).await;
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('begin immediate'); print('locked', flush=True); sys.stdin.read()";
    let mut holder = Command::new("python3")
        .args(["-c", script])
        .arg(home.path().join("receiver.db"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.take().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "locked\n");
    // longer than SQLite itself waits: the first try is answered 503
    let alert = Alert::firing("Drift", START);
    let body = webhook("g", [&alert]).to_string();
    let answer = post(&format!("{}/webhook", receiver.url), JSON, body).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    drop(holder.stdin.take());
    holder.wait().unwrap();
    send(&receiver.url, "g", &[&alert]).await;
    quiet_at_last(&receiver).await;
    let history = history(&receiver).await;
    assert_eq!((history.len(), &history[0]["status"], slack.count()), (1, &json!("delivered"), 1));
}
