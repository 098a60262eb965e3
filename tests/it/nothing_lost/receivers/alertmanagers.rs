//! Real Alertmanagers before the receivers: each tells all of them, and in a cluster several tell the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fleet::Fleet;
use crate::support::http::{JSON, post};
use crate::support::peers::Peer;
use crate::support::random::random;
use crate::support::rounds::{PATIENT, round_name, told};
use crate::support::wait::{pause, until};
use crate::support::{home, write};

/// How often all groups fire and end.
const ROUNDS: usize = 6;

struct Behind {
    alertmanagers: Vec<Peer>,
    fleet: Fleet,
    _home: TempDir,
}

impl Behind {
    async fn start(alertmanagers: usize, receivers: usize) -> Behind {
        let (fleet, home) = (Fleet::start(receivers).await, home());
        let mut config = "route: {receiver: all, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\nreceivers:\n  - name: all\n    webhook_configs:\n".to_owned();
        for receiver in &fleet.receivers {
            writeln!(config, "      - {{url: \"{}/webhook\", send_resolved: true}}", receiver.url).unwrap();
        }
        write(home.path(), "alertmanager/alertmanager.yml", config);
        let alertmanagers = Peer::alertmanagers(home.path(), alertmanagers).await;
        Behind { alertmanagers, fleet, _home: home }
    }

    /// Tells every Alertmanager of all groups, as Prometheus does; they end at `ends_at`.
    async fn tell(&self, round: usize, starts_at: Timestamp, ends_at: Option<Timestamp>) {
        let alert = |number: usize| {
            let group = format!("group {number}");
            let mut alert = json!({
                "labels": {"alertname": "Load", "severity": "warning", "group": group, "round": round.to_string()},
                "annotations": {"summary": round_name(&group, round)},
                "startsAt": starts_at.to_string(),
            });
            if let Some(ends_at) = ends_at {
                alert["endsAt"] = json!(ends_at.to_string());
            }
            alert
        };
        let body = Value::from_iter((0..PATIENT).map(alert)).to_string();
        for alertmanager in &self.alertmanagers {
            let answer = post(&format!("{}/api/v2/alerts", alertmanager.url), JSON, body.clone()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }

    /// Kills one receiver at a moment of its own, and waits until all groups were told.
    async fn kill_until_told(&mut self, round: usize, status: &'static str, random: &mut StdRng) {
        let victim = random.random_range(0..self.fleet.receivers.len());
        pause(Duration::from_millis(random.random_range(0..400))).await;
        self.fleet.receivers[victim].crash();
        until(&format!("round {round} is told {status}"), async || {
            let told = told(&self.fleet.slack);
            let missing = (0..PATIENT).map(|number| (round_name(&format!("group {number}"), round), status));
            let missing: Vec<_> = missing.filter(|wanted| !told.contains_key(wanted)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} are not")) }
        })
        .await;
    }
}

async fn nothing_is_lost_behind(alertmanagers: usize, receivers: usize) {
    let mut random = random();
    let mut behind = Behind::start(alertmanagers, receivers).await;
    for round in 0..ROUNDS {
        let starts_at = Timestamp::now();
        behind.tell(round, starts_at, None).await;
        behind.kill_until_told(round, "firing", &mut random).await;
        behind.tell(round, starts_at, Some(Timestamp::now())).await;
        behind.kill_until_told(round, "resolved", &mut random).await;
    }
    let rounds = BTreeMap::from_iter((0..PATIENT).map(|number| (format!("group {number}"), ROUNDS)));
    behind.fleet.assert_nothing_lost(&rounds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_receivers_behind_one_alertmanager_lose_nothing_while_either_is_killed() {
    nothing_is_lost_behind(1, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_receivers_behind_three_alertmanagers_lose_nothing_while_any_is_killed() {
    nothing_is_lost_behind(3, 3).await;
}
