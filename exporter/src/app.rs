//! Puts the parts together: load, build, recover, serve, drain. The only place that sees the whole configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use modelwatch_common::config::{ConfigError, Environment, Faults};
use modelwatch_common::http::Server;
use modelwatch_common::http::admin::{self, AdminState, Readiness};
use modelwatch_common::reload::{self, Refusal};
use modelwatch_common::shutdown::{Tasks, signals};
use modelwatch_common::time::SystemClock;
use modelwatch_exporter_core::state::Setup;
use prometheus::Registry;
use tokio::sync::{oneshot, watch};

use crate::config::Config;
use crate::engine::{self, Engine, QUEUE, Request};
use crate::http::{self, Web};
use crate::publisher::{self, Published};
use crate::references;
use crate::telemetry::Metrics;

/// How long tasks may take to end.
const DRAINS_WITHIN: Duration = Duration::from_secs(20);

/// Where the configuration comes from; read again at a reload.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// `--web.listen-address`.
    pub listen_address: Option<String>,
    /// The process's environment.
    pub environment: Environment,
}

impl Origin {
    /// Reads and checks the configuration and the references it names.
    ///
    /// # Errors
    /// Everything that is wrong, each fault with its key.
    pub fn load(&self) -> Result<(Config, Arc<Setup>), ConfigError> {
        let config = Config::load(&self.file, self.listen_address.as_deref(), &self.environment)?;
        let mut faults = Faults::new(&self.file);
        let mut models = Vec::new();
        for (at, model) in config.models.iter().enumerate() {
            match references::build(model) {
                Ok(setup) => models.push(Arc::new(setup)),
                Err(error) => faults.add(format!("models[{at}]"), error),
            }
        }
        faults.into_result()?;
        Ok((config, Arc::new(Setup::new(models))))
    }
}

/// Serves until a signal.
///
/// # Errors
/// What stands in the way of starting.
pub async fn serve(origin: Origin) -> anyhow::Result<()> {
    let (config, setup) = load(&origin).await?;
    let registry = Registry::new();
    let metrics = Metrics::register(&registry)?;
    let server = Server::bind(&config.web).await?;
    let readiness = Readiness::not_yet("the accepted events are being counted again");
    let tasks = Tasks::new();
    let (ask, asked) = reload::channel();
    signals(&tasks, ask.clone()).context("cannot listen for signals")?;

    let threads = Threads::start(&config, Arc::clone(&setup), &readiness, &metrics).await?;
    let (current, setups) = watch::channel(setup);
    let auth = config.web.auth();
    let web = Web {
        requests: threads.requests.clone(),
        setup: setups,
        published: threads.published.clone(),
        registry,
        metrics: metrics.clone(),
        max_body: config.web.max_body(),
    };
    let status = status(&origin, &threads);
    let router =
        http::routes(web, auth).merge(admin::routes(AdminState { readiness, reload: ask, status }, auth));
    let reloader = Reloader { origin, current, requests: threads.requests.clone() };
    let succeeded = metrics.program.config_last_reload_successful.clone();
    tasks.spawn("reload", asked.run(succeeded, tasks.shutdown(), move || reloader.clone().reload()));
    server.run(router, tasks.clone()).await;
    let drained = tasks.drain(DRAINS_WITHIN).await;
    threads.end().await;
    Ok(drained?)
}

async fn load(origin: &Origin) -> anyhow::Result<(Config, Arc<Setup>)> {
    let origin = origin.clone();
    Ok(tokio::task::spawn_blocking(move || origin.load()).await??)
}

fn status(origin: &Origin, threads: &Threads) -> Arc<dyn Fn() -> serde_json::Value + Send + Sync> {
    let file = origin.file.display().to_string();
    let published = threads.published.clone();
    Arc::new(move || {
        let models: Vec<_> = published.borrow().models.keys().cloned().collect();
        serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "config_file": file, "models": models })
    })
}

/// The engine's and the publisher's thread.
struct Threads {
    requests: std::sync::mpsc::SyncSender<Request>,
    published: watch::Receiver<Arc<Published>>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    async fn start(
        config: &Config,
        setup: Arc<Setup>,
        readiness: &Readiness,
        metrics: &Metrics,
    ) -> anyhow::Result<Threads> {
        let storage = config.storage.clone();
        let recovered =
            tokio::task::spawn_blocking(move || engine::recover(&storage.path, storage.durability, setup))
                .await?
                .context("storage.path")?;
        let (requests, waiting) = sync_channel(QUEUE);
        let (stills, to_publish) = sync_channel(1);
        let (publish, published) = watch::channel(Arc::new(Published::default()));
        let engine = Engine::new(recovered, stills, Arc::new(SystemClock), metrics.clone());
        let (readiness, metrics) = (readiness.clone(), metrics.clone());
        let handles = vec![
            spawn("engine", move || engine.run(&waiting))?,
            spawn("publisher", move || publisher::run(&to_publish, &publish, &readiness, &metrics))?,
        ];
        Ok(Threads { requests, published, handles })
    }

    /// Ends when nobody can send requests any more and the state is saved.
    async fn end(self) {
        drop(self.requests);
        let joined = tokio::task::spawn_blocking(move || {
            for handle in self.handles {
                if handle.join().is_err() {
                    tracing::error!("a thread ended by a panic");
                }
            }
        });
        // the closure above does not panic
        let _ = joined.await;
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> anyhow::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).context("cannot start a thread")
}

/// Takes a changed configuration over: models and references; addresses and storage need a restart.
#[derive(Clone)]
struct Reloader {
    origin: Origin,
    current: watch::Sender<Arc<Setup>>,
    requests: std::sync::mpsc::SyncSender<Request>,
}

impl Reloader {
    async fn reload(self) -> Result<(), Refusal> {
        let (_, setup) = load(&self.origin).await.map_err(|error| format!("{error:#}"))?;
        let (reply, answered) = oneshot::channel();
        let request = Request::Reload { setup: Arc::clone(&setup), reply };
        let requests = self.requests;
        let sent = tokio::task::spawn_blocking(move || requests.send(request)).await;
        let stopping = || "the exporter is stopping".to_owned();
        sent.map_err(|_| stopping())?.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?.map_err(|error| error.to_string())?;
        self.current.send_replace(setup);
        Ok(())
    }
}
