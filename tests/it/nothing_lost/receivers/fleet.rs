//! Several receivers, their database, and the network between the first of them and it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use modelwatch_postgres::Server;
use tempfile::TempDir;

use crate::support::history::{history, quiet_at_last};
use crate::support::network::Network;
use crate::support::program::Program;
use crate::support::rounds::{assert_nothing_lost, rounds_during};
use crate::support::slack::Slack;
use crate::support::{home, write};

/// How long Slack takes, so that trouble meets messages on their way.
const LATENCY: Duration = Duration::from_millis(10);

/// Receivers that share everything but their processes; the first reaches the database only through `network`.
pub(super) struct Fleet {
    /// Where people are told.
    pub(super) slack: Rc<Slack>,
    /// The receivers.
    pub(super) receivers: Vec<Program>,
    /// Between the first and the database.
    pub(super) network: Network,
    server: Option<Server>,
    _homes: Vec<TempDir>,
}

impl Fleet {
    pub(super) async fn start(size: usize) -> Fleet {
        let slack = Rc::new(Slack::start().await);
        slack.answer_after(LATENCY);
        let server = Server::start().unwrap();
        let direct = server.database("alerts").unwrap();
        let network = Network::to(server.port()).await;
        let through = direct.replace(&format!(":{}/", server.port()), &format!(":{}/", network.port));
        let (mut receivers, mut homes) = (Vec::new(), Vec::new());
        for number in 0..size {
            let home = home();
            write(home.path(), "receiver.yaml", config(&slack, if number == 0 { &through } else { &direct }));
            receivers.push(Program::receiver(home.path()).await);
            homes.push(home);
        }
        Fleet { slack, receivers, network, server: Some(server), _homes: homes }
    }

    /// The server, for a test that stops it; it has to live as long as the receivers.
    pub(super) fn take_server(&mut self) -> Server {
        self.server.take().unwrap()
    }

    /// Load on all of them for as long as `trouble` goes on, and until the groups are at rest after it.
    pub(super) async fn under_load(
        &mut self,
        trouble: impl AsyncFnOnce(&mut Vec<Program>, &Network),
    ) -> BTreeMap<String, usize> {
        let urls: Vec<String> = self.receivers.iter().map(|receiver| receiver.url.clone()).collect();
        rounds_during(&self.slack, &urls, trouble(&mut self.receivers, &self.network)).await
    }

    /// Everything was told, and no oftener than the history allows, which is the same whomever one asks.
    pub(super) async fn assert_nothing_lost(&mut self, rounds: &BTreeMap<String, usize>) {
        for receiver in &mut self.receivers {
            receiver.ready().await;
        }
        quiet_at_last(&self.receivers[0]).await;
        let all = history(&self.receivers[0]).await;
        assert_nothing_lost(&self.slack, &all, rounds);
        for other in &self.receivers[1..] {
            assert_eq!(history(other).await.len(), all.len());
        }
    }
}

fn config(slack: &Slack, database: &str) -> String {
    format!(
        "storage: {{url: \"{database}\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{}\", rate: 200/s}}]\ndedupe: {{flap: {{changes: 0}}}}\ndelivery: {{retry: {{initial: 100ms, max: 1s}}}}\n",
        slack.webhook_url
    )
}
