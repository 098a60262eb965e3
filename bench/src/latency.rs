//! From a webhook to its message, when nothing else happens.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::time::{sleep, timeout};

use crate::bodies::{Bodies, Dialect, Mix, number};
use crate::figures::{Times, milliseconds};
use crate::load::Connection;
use crate::program::{alertmanager, alertmanager_version, folder, receiver};
use crate::report::Section;
use crate::stand_in::StandIn;

/// How many messages are waited for.
const MESSAGES: u64 = 500;
/// How long nothing happens between two of them.
const IDLE: Duration = Duration::from_millis(20);
/// After how long a message counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(20);

/// The table.
///
/// # Errors
/// When a program does not start, or a message does not come.
pub(crate) async fn measure(program: &Path, place: &Path) -> Result<Section> {
    let explanation = format!(
        "From the first byte of a webhook with one new alert to the moment when a stand-in for Slack on this machine has the whole message, \
         one after the other with {} ms of rest; {MESSAGES} messages. Alertmanager: from `POST /api/v2/alerts` through its own Slack \
         receiver with `group_wait: 0s`, without a disk.",
        IDLE.as_millis()
    );
    let columns = ["through", "p50 ms", "p99 ms", "slowest ms"];
    let mut section = Section::new("Webhook → message", &explanation, &columns);
    section.row(row("modelwatch-receiver", &through_receiver(program, place).await?));
    if let (Some(times), Some(version)) = (through_alertmanager(place).await?, alertmanager_version()) {
        section.row(row(&format!("Alertmanager {version}"), &times));
    }
    Ok(section)
}

async fn through_receiver(program: &Path, place: &Path) -> Result<Times> {
    let mut slack = StandIn::start().await?;
    let channel = format!("{{name: team, type: slack, webhook_url: \"{}\", rate: 1000/s}}", slack.url);
    let config = format!("environment: dev\nroutes: [{{channels: [team]}}]\nchannels: [{channel}]\n");
    let running = receiver(program, &folder(place, "latency")?, &config).await?;
    let mut connection = Connection::open(running.address).await?;
    let times = send(&mut connection, "/webhook", Dialect::Webhook, &mut slack).await?;
    running.stop().await?;
    Ok(times)
}

async fn through_alertmanager(place: &Path) -> Result<Option<Times>> {
    let mut slack = StandIn::start().await?;
    let config = format!(
        "route: {{receiver: team, group_by: [alertname, model], group_wait: 0s, group_interval: 1m}}\n\
         receivers: [{{name: team, slack_configs: [{{api_url: \"{}\", text: '{{{{ .CommonLabels.model }}}}'}}]}}]\n",
        slack.url
    );
    let Some(running) = alertmanager(&folder(place, "latency_alertmanager")?, &config).await? else {
        return Ok(None);
    };
    let mut connection = Connection::open(running.address).await?;
    let times = send(&mut connection, "/api/v2/alerts", Dialect::Alerts, &mut slack).await?;
    running.stop().await?;
    Ok(Some(times))
}

async fn send(
    connection: &mut Connection,
    path: &str,
    dialect: Dialect,
    slack: &mut StandIn,
) -> Result<Times> {
    let mut bodies = Bodies::new(dialect, Mix::Fresh, 1, 0);
    let mut times = Vec::new();
    for group in 0..MESSAGES {
        let body = bodies.next_body();
        let sent = Instant::now();
        let (answer, arrival) = tokio::join!(connection.post(path, body), timeout(LOST_AFTER, slack.next()));
        ensure!(answer?.status == 200, "an alert was not accepted");
        let arrival = arrival.context("a message did not come")?.context("the stand-in is gone")?;
        let text = String::from_utf8_lossy(&arrival.body);
        ensure!(text.contains(&number(group)), "a message is not about what was sent last: {text}");
        times.push(arrival.at.duration_since(sent));
        sleep(IDLE).await;
    }
    Ok(Times::new(times))
}

fn row(through: &str, times: &Times) -> Vec<String> {
    let of = |percent| milliseconds(times.percentile(percent));
    vec![through.to_owned(), of(50), of(99), of(100)]
}
