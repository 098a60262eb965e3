//! What tests of several rooms need: a receiver in this process, with a clock that they hold and destinations that say
//! what they are told to.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use modelwatch_common::config::Environment;
use modelwatch_common::shutdown::Tasks;
use modelwatch_common::time::Clock;
use modelwatch_receiver_core::alert::Snapshot;
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::outcome::Outcome;
use modelwatch_receiver_core::retry::Next;
use prometheus::Registry;
use tokio::sync::watch;

use crate::app;
use crate::config::Config;
use crate::history::{self, Entry, RawFilter};
use crate::intake::{Intake, IntakeError, Intaker, Terms, Webhook};
use crate::metrics::Metrics;
use crate::notify::{BoxFuture, Notifier, Parcel, Rendered};
use crate::store::{Beginning, Claim, Claimed, Ending, Outlet, Store, new_id};

/// When every test begins.
pub(crate) const START: i64 = 1_700_000_000;

/// A clock that stands still until it is moved.
pub(crate) struct HeldClock(AtomicI64);

impl HeldClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A store and what is around it, in a folder of its own.
pub(crate) struct Rig {
    _directory: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) clock: Arc<HeldClock>,
    pub(crate) registry: Registry,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) bell: watch::Sender<()>,
    pub(crate) tasks: Tasks,
    pub(crate) config: Config,
}

impl Rig {
    /// With this configuration.
    pub(crate) async fn new(yaml: &str) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let config = load(directory.path(), yaml).unwrap();
        let store = Store::open(&config.store.place).await.unwrap();
        let registry = Registry::new();
        Rig {
            metrics: Arc::new(Metrics::register(&registry).unwrap()),
            clock: Arc::new(HeldClock(AtomicI64::new(START * 1_000_000))),
            bell: watch::Sender::new(()),
            tasks: Tasks::new(),
            _directory: directory,
            store,
            registry,
            config,
        }
    }

    pub(crate) fn terms(&self) -> Arc<ArcSwap<Terms>> {
        Arc::new(ArcSwap::from_pointee(app::terms(&self.config)))
    }

    /// The way in, and the task behind it, which does not run yet.
    pub(crate) fn intake(&self) -> (Intake, Intaker) {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let metrics = Arc::clone(&self.metrics);
        Intaker::new(self.store.clone(), self.terms(), clock, metrics, self.bell.clone())
    }

    /// The way in, with its task running.
    pub(crate) fn running_intake(&self) -> Intake {
        let (intake, intaker) = self.intake();
        self.tasks.spawn("intake", intaker.run(self.tasks.shutdown()));
        intake
    }

    /// Delivers everything that waits.
    pub(crate) async fn deliver(&self) {
        for channel in &self.config.channels {
            loop {
                let (wording, now) = (self.config.wording(), self.clock.now());
                let outlet =
                    Outlet { channel: channel.name(), rate: None, has_recipients: false, keeps_posts: false };
                match self.store.claim(outlet, &wording, now).await.unwrap() {
                    Claim::Ours(claimed) => self.say_yes(&claimed).await,
                    Claim::Nothing => break,
                    Claim::Suppressed(_) | Claim::Told | Claim::Dead(_) => {}
                }
            }
        }
    }

    async fn say_yes(&self, claimed: &Claimed) {
        let at = self.clock.now();
        let attempt = new_id();
        let beginning = Beginning { id: &attempt, content: "content", problem: None, at };
        assert!(self.store.begin_attempt(claimed, beginning).await.unwrap());
        let outcome = Outcome::Delivered { detail: "yes".to_owned() };
        let ending = Ending { outcome: &outcome, next: Next::Done, at, fallback: None };
        self.store.end_attempt(&attempt, claimed, ending).await.unwrap();
    }

    /// Everything in the history, oldest first.
    pub(crate) async fn history(&self) -> Vec<Entry> {
        let filter = RawFilter { limit: Some("1000".to_owned()), ..RawFilter::default() };
        let filter = filter.validate(self.clock.now()).unwrap();
        let mut found = history::list(&self.store, &filter).await.unwrap().notifications;
        found.reverse();
        found
    }

    /// Waits until the history is as wished.
    pub(crate) async fn until(&self, wished: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let history = self.history().await;
            if wished(&history) {
                return history;
            }
            assert!(std::time::Instant::now() < deadline, "the history never became as wished: {history:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The value of one series, as `name{a="b"}`.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = modelwatch_common::metrics::text(&self.registry).unwrap();
        let text = String::from_utf8(text).unwrap();
        let series = format!("modelwatch_receiver_{series} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&series));
        line.unwrap_or_else(|| panic!("there is no {series}in {text}")).parse().unwrap()
    }
}

/// The configuration in a file of `directory`.
pub(crate) fn load(directory: &Path, yaml: &str) -> Result<Config, modelwatch_common::config::ConfigError> {
    let file = directory.join("receiver.yaml");
    std::fs::write(&file, yaml).unwrap();
    Config::load(&file, None, &Environment::default())
}

/// Alerts of one group: name and, if it is over, when it ended (seconds after the start).
pub(crate) fn group(alerts: &[(&str, Option<i64>)]) -> Webhook {
    from_source("am", &alerts.iter().map(|(name, end)| (*name, 0, *end)).collect::<Vec<_>>())
}

/// Alerts of one group: name, start and end (seconds after the start).
pub(crate) fn from_source(source: &str, alerts: &[(&str, i64, Option<i64>)]) -> Webhook {
    let text = |second: i64| Timestamp::from_second(START + second).unwrap().to_string();
    let alerts: Vec<serde_json::Value> = alerts
        .iter()
        .map(|(name, start, end)| {
            serde_json::json!({
                "status": if end.is_some() { "resolved" } else { "firing" },
                "labels": { "alertname": name },
                "annotations": {},
                "startsAt": text(*start),
                "endsAt": end.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), text),
            })
        })
        .collect();
    let body = serde_json::json!({ "version": "4", "groupKey": "g", "alerts": alerts }).to_string();
    let snapshot = Snapshot::parse(body.as_bytes()).unwrap();
    Webhook { source: source.to_owned(), snapshot, channels: None }
}

/// Accepts webhooks one after the other.
pub(crate) async fn accept_all(intake: &Intake, webhooks: &[Webhook]) -> Result<(), IntakeError> {
    for webhook in webhooks {
        intake.accept(webhook.clone()).await?;
    }
    Ok(())
}

/// A destination that gives the answers it was told to, then says yes.
#[derive(Default)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Outcome>>,
    sent: Mutex<Vec<(tokio::time::Instant, String)>>,
    stuck: bool,
    go: tokio::sync::Notify,
}

impl Scripted {
    pub(crate) fn answering(answers: impl IntoIterator<Item = Outcome>) -> Scripted {
        Scripted { answers: Mutex::new(answers.into_iter().collect()), ..Scripted::default() }
    }

    /// One that does not answer until it is let go.
    pub(crate) fn stuck() -> Scripted {
        Scripted { stuck: true, ..Scripted::default() }
    }

    /// One that does not answer until it is let go, and then so.
    pub(crate) fn stuck_then(answers: impl IntoIterator<Item = Outcome>) -> Scripted {
        Scripted { stuck: true, ..Scripted::answering(answers) }
    }

    /// Lets a stuck one answer, once.
    pub(crate) fn answer(&self) {
        self.go.notify_one();
    }

    /// The titles that were sent, in order, and when.
    pub(crate) fn sent(&self) -> Vec<(tokio::time::Instant, String)> {
        self.sent.lock().unwrap().clone()
    }
}

impl Notifier for Scripted {
    fn render(&self, message: &Message) -> Rendered {
        Rendered { content: message.title(), problem: None }
    }

    fn send<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Outcome> {
        self.sent.lock().unwrap().push((tokio::time::Instant::now(), parcel.rendered.content.clone()));
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            if self.stuck {
                self.go.notified().await;
            }
            answer.unwrap_or(Outcome::Delivered { detail: "yes".to_owned() })
        })
    }
}
