//! Puts the parts together: load, build, recover, serve, drain. The only place that sees the whole configuration.

mod threads;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use modelwatch_common::config::{ConfigError, Environment, Faults};
use modelwatch_common::http::Server;
use modelwatch_common::http::admin::{self, AdminState, Readiness};
use modelwatch_common::reload::{self, Refusal};
use modelwatch_common::shutdown::{Tasks, signals};
use modelwatch_exporter_core::state::Setup;
use prometheus::Registry;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::config::Config;
use crate::engine::Request;
use crate::http::{self, ROOM_KIBIBYTES, Web};
use crate::references;
use crate::telemetry::Metrics;
use threads::{Threads, Watching};

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
        let setup = Setup { series_per_family: config.series_per_family, ..Setup::new(models) };
        Ok((config, Arc::new(setup)))
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

    let threads = Threads::start(
        &config,
        Arc::clone(&setup),
        Watching { readiness: readiness.clone(), metrics: metrics.clone(), shutdown: tasks.shutdown() },
    )?;
    let (current, setups) = watch::channel(setup);
    let auth = config.web.auth();
    auth.count_in(&registry, "modelwatch_exporter")?;
    let web = Web {
        requests: threads.requests.clone(),
        setup: setups,
        published: threads.published.clone(),
        registry,
        metrics: metrics.clone(),
        max_body: config.web.max_body(),
        room: Arc::new(Semaphore::new(ROOM_KIBIBYTES as usize)),
    };
    let status = status(&origin, &threads);
    let router =
        http::routes(web, auth).merge(admin::routes(AdminState { readiness, reload: ask, status }, auth));
    let reloader =
        Reloader { origin, started: Arc::new(config), current, requests: threads.requests.clone() };
    let succeeded = metrics.program.config_last_reload_successful.clone();
    tasks.spawn("reload", asked.run(succeeded, tasks.shutdown(), move || reloader.clone().reload()));
    server.run(router, tasks.clone()).await;
    let drained = tasks.drain(DRAINS_WITHIN).await;
    threads.end().await?;
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

/// Takes a changed configuration over: models, references, certificates, tokens and users; the address and the storage need
/// a restart.
#[derive(Clone)]
struct Reloader {
    origin: Origin,
    started: Arc<Config>,
    current: watch::Sender<Arc<Setup>>,
    requests: std::sync::mpsc::SyncSender<Request>,
}

impl Reloader {
    async fn reload(self) -> Result<(), Refusal> {
        let (config, setup) = load(&self.origin).await.map_err(|error| format!("{error:#}"))?;
        let (reply, answered) = oneshot::channel();
        let request = Request::Reload { setup: Arc::clone(&setup), reply };
        let requests = self.requests;
        let sent = tokio::task::spawn_blocking(move || requests.send(request)).await;
        let stopping = || "the exporter is stopping".to_owned();
        sent.map_err(|_| stopping())?.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?.map_err(|error| error.to_string())?;
        self.current.send_replace(setup);
        self.started.web.take_over(&config.web);
        for key in self.started.needing_restart(&config) {
            tracing::warn!(key, "this key was changed and takes effect only at a restart");
        }
        Ok(())
    }
}
