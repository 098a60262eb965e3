//! The dead man's switch, with a real Prometheus whose Watchdog comes through a real Alertmanager.

use serde_json::json;

use crate::support::history::{history, quiet};
use crate::support::peers::Peer;
use crate::support::process::free_port;
use crate::support::program::Program;
use crate::support::slack::{Accepted, Slack};
use crate::support::wait::until;
use crate::support::{home, root, write};

const ALERTMANAGER: &str = "route: {receiver: modelwatch, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1s}\n";

/// An alert ends by itself four of these after the Prometheus that sent it is gone.
const RESEND: &str = "--rules.alert.resend-delay=1s";

async fn told(slack: &Slack, wanted: &[&str]) {
    until(&format!("people are told {wanted:?}"), async || {
        let titles: Vec<_> = slack.accepted().iter().map(Accepted::title).collect();
        if titles == wanted { Ok(()) } else { Err(format!("{titles:?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_prometheus_that_stops_is_told_and_so_is_its_return_whatever_is_restarted_between() {
    let (slack, home) = (Slack::start().await, home());
    let path = home.path();
    let yaml = format!(
        "storage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{}\", rate: 10/s}}]\nheartbeats: [{{name: prometheus, match: ['alertname=\"Watchdog\"'], every: 5s, grace: 5s, channels: [team]}}]\n",
        slack.webhook_url
    );
    write(path, "receiver.yaml", yaml);
    let mut receiver = Program::receiver(path).await;
    let hook = format!(
        "receivers: [{{name: modelwatch, webhook_configs: [{{url: \"{}/webhook\"}}]}}]\n",
        receiver.url
    );
    write(path, "alertmanager/alertmanager.yml", format!("{ALERTMANAGER}{hook}"));
    let port = free_port();
    let _alertmanager = Peer::alertmanager(path, port).await;
    write(
        path,
        "rules/modelwatch.rules.yml",
        std::fs::read(root().join("rules/modelwatch.rules.yml")).unwrap(),
    );
    write(
        path,
        "prometheus.yml",
        format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 500ms}}\nrule_files: [rules/*.rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: [\"127.0.0.1:{port}\"]}}]}}]}}\n"
        ),
    );
    let up = "modelwatch_receiver_heartbeat_up{name=\"prometheus\"} 1";
    let down = "modelwatch_receiver_heartbeat_up{name=\"prometheus\"} 0";
    let prometheus = Peer::prometheus_with(path, &[RESEND]).await;
    until("the heartbeat is heard", async || {
        let count = "modelwatch_receiver_webhooks_total{result=\"accepted\"} ";
        let metrics = receiver.metrics().await;
        let heard = metrics.lines().any(|line| line.starts_with(count) && !line.ends_with(" 0"));
        if heard { Ok(()) } else { Err("nothing came".to_owned()) }
    })
    .await;
    receiver.wait_for_line(up).await;
    receiver.crash();
    receiver.ready().await;
    drop(prometheus);
    told(&slack, &["[FIRING:1] HeartbeatMissing"]).await;
    quiet(&receiver).await;
    receiver.crash();
    receiver.ready().await;
    receiver.wait_for_line(down).await;
    let _prometheus = Peer::prometheus_with(path, &[RESEND]).await;
    told(&slack, &["[FIRING:1] HeartbeatMissing", "[RESOLVED:1] HeartbeatMissing"]).await;
    receiver.wait_for_line(up).await;
    quiet(&receiver).await;
    let history = history(&receiver).await;
    assert!(history.iter().all(|one| one["status"] == "delivered"), "{:#}", json!(history));
    assert_eq!(slack.count(), 2);
}
