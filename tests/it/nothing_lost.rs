//! What was answered 200 is told, whatever ends, hangs or fills up meanwhile, and told twice only where history says so.

mod asked;
mod clock;
mod crash_points;
mod destinations;
mod disk;
mod heartbeat;
mod hostile;
mod receivers;
mod storm;

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::alerts::{Alert, webhook};
use crate::support::history::{history, quiet_at_last};
use crate::support::http::{JSON, attempt, client};
use crate::support::program::Program;
use crate::support::slack::Slack;
use crate::support::wait::{pause, until};
use crate::support::{home, write};

/// What Alertmanager lets pass before it sends the same again, shortened.
const BREATH: Duration = Duration::from_millis(50);

/// A receiver that tells one or more channels of Slack, the first of which is called `team`.
struct Scene {
    slacks: Vec<Slack>,
    receiver: Program,
    home: TempDir,
}

/// The names of the channels.
const NAMES: [&str; 3] = ["team", "second", "third"];

impl Scene {
    /// With so many channels, each of which takes 100 messages a second.
    async fn start(channels: usize) -> Scene {
        let home = home();
        let slacks = write_config(&home, "sqlite:receiver.db", channels).await;
        let receiver = Program::receiver(home.path()).await;
        Scene { slacks, receiver, home }
    }

    fn slack(&self) -> &Slack {
        &self.slacks[0]
    }

    /// Sends one alert of a group until it is answered 200.
    async fn send(&self, group: &str, alert: &Alert) {
        send(&self.receiver.url, group, &[alert]).await;
    }

    /// The history once nothing is pending.
    async fn settled(&self) -> Vec<Value> {
        quiet_at_last(&self.receiver).await;
        history(&self.receiver).await
    }
}

/// Writes a configuration for so many channels, and starts what stands in for them.
async fn write_config(home: &TempDir, store: &str, channels: usize) -> Vec<Slack> {
    let mut slacks = Vec::new();
    let mut yaml = format!(
        "storage: {{url: \"{store}\"}}\nroutes: [{{channels: [{}]}}]\ndelivery: {{give_up_after: 30m, retry: {{initial: 100ms, max: 1s}}}}\nchannels:\n",
        NAMES[..channels].join(", ")
    );
    for name in &NAMES[..channels] {
        let slack = Slack::start().await;
        yaml += &format!(
            "  - {{name: {name}, type: slack, webhook_url: \"{}\", rate: 100/s}}\n",
            slack.webhook_url
        );
        slacks.push(slack);
    }
    write(home.path(), "receiver.yaml", yaml);
    slacks
}

/// Sends the same bytes until they are answered 200, as Alertmanager does; only 5xx and lost answers make it.
async fn send(receiver: &str, group: &str, alerts: &[&Alert]) {
    let (client, body) = (client(), webhook(group, alerts.iter().copied()).to_string());
    loop {
        let request = client.post(format!("{receiver}/webhook")).header("content-type", JSON);
        match attempt(request.body(body.clone())).await {
            Ok(answer) if answer.status == 200 => return,
            Ok(answer) => assert!(answer.status >= 500, "{}: {}", answer.status, answer.body),
            Err(_) => {}
        }
        pause(BREATH).await;
    }
}

/// Waits until the program says that it stopped at this point.
async fn stopped(receiver: &Program, point: &str) {
    until(&format!("it stops at {point}"), async || {
        let output = receiver.output();
        if output.contains(&format!("stopped at {point}")) { Ok(()) } else { Err(output) }
    })
    .await;
}

/// Waits until so many messages came.
async fn came(slack: &Slack, count: usize) {
    until(&format!("{count} messages came"), async || match slack.count() {
        enough if enough >= count => Ok(()),
        fewer => Err(format!("{fewer} did")),
    })
    .await;
}
