//! The program put together: the only place that sees the whole configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::Router;
use modelwatch_common::config::{ConfigError, Environment, Faults};
use modelwatch_common::http::admin::{self, AdminState, Readiness};
use modelwatch_common::http::{Scope, Server};
use modelwatch_common::metrics::ProgramMetrics;
use modelwatch_common::reload::{self, Refusal, Reload};
use modelwatch_common::shutdown::{self, Tasks};
use modelwatch_common::telemetry::Level;
use modelwatch_common::time::Clock;
use prometheus::Registry;
use tokio::sync::{Semaphore, watch};

use crate::alertmanager::{AlertmanagerMetrics, Asker, Limits, Upstream, UpstreamError};
use crate::config::Config;
use crate::delivery::{Delivery, Destination, Means, Plan};
use crate::drill::{self, Drills};
use crate::http::Receiving;
use crate::intake::{Intake, Intaker, Terms};
use crate::metrics::Metrics;
use crate::notify::{self, ChannelError};
use crate::page::Pages;
use crate::preview::{self, Previews};
use crate::replay::{self, Replays};
use crate::store::{Fallback, Store};
use crate::templates::{TemplateSource, Templates};
use crate::{heartbeat, history, http, page};

/// How long deliveries under way may take once the program is to stop; the rest stays in the outbox.
const GRACE: Duration = Duration::from_secs(20);

/// How long it may take then to give back what was under way; others find out by themselves that it is nobody's.
const LEAVES_WITHIN: Duration = Duration::from_secs(5);

/// Where the configuration comes from; read again at every reload.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The value of `--web.listen-address`.
    pub listen: Option<String>,
    /// The variables of this process.
    pub environment: Environment,
    /// The value of `--log.level`.
    pub log_level: Level,
}

impl Origin {
    /// The configuration as it is now.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.file, self.listen.as_deref(), &self.environment)
    }

    /// The configuration as it is now, if it can be served with these flags.
    ///
    /// # Errors
    /// As [`load`](Self::load), and every channel that could not be heard.
    pub fn load_to_serve(&self) -> Result<Config, ConfigError> {
        let config = self.load()?;
        let mut faults = Faults::new(&self.file);
        config.check_log_level(self.log_level, &mut faults);
        faults.into_result().map(|()| config)
    }
}

/// Runs the receiver until it is told to stop.
///
/// # Errors
/// One sentence: a bad configuration, an address in use, a store that cannot be used.
pub async fn serve(origin: Origin) -> anyhow::Result<()> {
    let config = origin.load_to_serve()?;
    let server = Server::bind(&config.web).await?;
    let store = Store::open(&config.store.place).await?;
    let tasks = Tasks::new();
    let router = start(origin, &config, store.clone(), &tasks).await?;
    server.run(router, tasks.clone()).await;
    if let Err(left) = tasks.drain(GRACE).await {
        tracing::warn!(%left, "what was under way is ambiguous and will be sent again");
    }
    leave(&store).await;
    Ok(())
}

/// What is not done is for others, or for the next start.
async fn leave(store: &Store) {
    let left = tokio::time::timeout(LEAVES_WITHIN, async {
        let resigned = store.resign().await;
        store.close().await;
        resigned.map_err(|error| error.to_string())
    });
    let silent = |_| Err(format!("the store took longer than {} seconds", LEAVES_WITHIN.as_secs()));
    if let Err(error) = left.await.unwrap_or_else(silent) {
        tracing::warn!(error, "what was under way is given back only later");
    }
}

/// What all parts share.
struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    registry: Registry,
    metrics: Arc<Metrics>,
    templates: Arc<Templates>,
}

impl Shared {
    fn new(config: &Config, store: Store) -> anyhow::Result<Shared> {
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::register(&registry)?);
        config.web.auth().count_in(&registry, "modelwatch_receiver")?;
        let source = TemplateSource::new(config.templates.clone(), &config.channels);
        let templates = Arc::new(Templates::load(source, &registry)?);
        Ok(Shared { clock: store.clock(), store, registry, metrics, templates })
    }
}

/// Starts every part but HTTP, whose routes are returned.
async fn start(origin: Origin, config: &Config, store: Store, tasks: &Tasks) -> anyhow::Result<Router> {
    let shared = Shared::new(config, store)?;
    let bell = watch::Sender::new(());
    let terms = Arc::new(ArcSwap::from_pointee(terms(config)));
    let (intake, intaker) = Intaker::new(
        shared.store.clone(),
        Arc::clone(&terms),
        Arc::clone(&shared.clock),
        Arc::clone(&shared.metrics),
        bell.clone(),
    );
    tasks.spawn("intake", intaker.run(tasks.shutdown()));
    let delivery = start_delivery(config, &shared, tasks, bell)?;
    watch_heartbeats(&shared, &intake, &terms, tasks).await;
    let upstream = start_asking(config, &shared, &intake, &terms, tasks)?;
    keep_house(config, &shared, tasks);
    let replays =
        Replays { store: shared.store.clone(), delivery: delivery.clone(), clock: Arc::clone(&shared.clock) };
    let drills =
        Drills { intake: intake.clone(), terms: Arc::clone(&terms), clock: Arc::clone(&shared.clock) };
    let parts = Reloadable {
        origin,
        started: config.clone(),
        terms,
        templates: Arc::clone(&shared.templates),
        delivery,
        upstream,
    };
    let reload = start_reloading(parts, &shared.registry, tasks)?;
    let writing = drill::routes(drills.clone()).merge(replay::routes(replays));
    Ok(router(config, &shared, drills.terms, drills.intake, writing).merge(admin(config, &shared, reload)))
}

fn start_delivery(
    config: &Config,
    shared: &Shared,
    tasks: &Tasks,
    bell: watch::Sender<()>,
) -> anyhow::Result<Delivery> {
    let means = Means {
        store: shared.store.clone(),
        clock: Arc::clone(&shared.clock),
        metrics: Arc::clone(&shared.metrics),
        tasks: tasks.clone(),
        bell,
    };
    let plan = plan(config, &shared.templates).context("cannot use the channels")?;
    Ok(Delivery::start(means, plan))
}

async fn watch_heartbeats(shared: &Shared, intake: &Intake, terms: &Arc<ArcSwap<Terms>>, tasks: &Tasks) {
    let watch = heartbeat::Watch {
        store: shared.store.clone(),
        intake: intake.clone(),
        terms: Arc::clone(terms),
        clock: Arc::clone(&shared.clock),
        metrics: Arc::clone(&shared.metrics),
    };
    watch.recall().await;
    tasks.spawn("heartbeats", watch.run(tasks.shutdown()));
}

/// Starts asking Alertmanager; a reload tells whom.
fn start_asking(
    config: &Config,
    shared: &Shared,
    intake: &Intake,
    terms: &Arc<ArcSwap<Terms>>,
    tasks: &Tasks,
) -> anyhow::Result<watch::Sender<Option<Arc<Upstream>>>> {
    let upstream = watch::Sender::new(upstream(config)?);
    let asker = Asker {
        store: shared.store.clone(),
        intake: intake.clone(),
        terms: Arc::clone(terms),
        upstream: upstream.subscribe(),
        clock: Arc::clone(&shared.clock),
        metrics: AlertmanagerMetrics::register(&shared.registry)?,
    };
    tasks.spawn("alertmanager", asker.run(tasks.shutdown()));
    Ok(upstream)
}

/// Starts what runs beside the way of an alert.
fn keep_house(config: &Config, shared: &Shared, tasks: &Tasks) {
    tasks.spawn("templates", Arc::clone(&shared.templates).watch(tasks.shutdown()));
    let pruning =
        shared.store.clone().keep_pruned(config.store.retention, Arc::clone(&shared.clock), tasks.shutdown());
    tasks.spawn("pruning", pruning);
    tasks.spawn("labels", shared.store.clone().keep_labelled(tasks.shutdown()));
}

/// The parts that a reload changes.
struct Reloadable {
    origin: Origin,
    started: Config,
    terms: Arc<ArcSwap<Terms>>,
    templates: Arc<Templates>,
    delivery: Delivery,
    upstream: watch::Sender<Option<Arc<Upstream>>>,
}

impl Reloadable {
    /// Takes over routes, channels, templates, certificates, tokens and users; what is on disk and under way is not touched.
    fn apply(&self) -> Result<(), Refusal> {
        let config = self.origin.load_to_serve().map_err(|error| error.to_string())?;
        let plan = plan(&config, &self.templates).map_err(|error| error.to_string())?;
        let upstream = upstream(&config).map_err(|error| error.to_string())?;
        let source = TemplateSource::new(config.templates.clone(), &config.channels);
        self.templates.adopt(source).map_err(|faults| faults.to_string())?;
        self.terms.store(Arc::new(terms(&config)));
        self.delivery.replan(plan);
        self.upstream.send_replace(upstream);
        self.started.web.take_over(&config.web);
        for key in self.started.needing_restart(&config) {
            tracing::warn!(key, "this key was changed and takes effect only at a restart");
        }
        Ok(())
    }
}

fn start_reloading(parts: Reloadable, registry: &Registry, tasks: &Tasks) -> anyhow::Result<Reload> {
    let program = ProgramMetrics::register(registry, "modelwatch_receiver", env!("CARGO_PKG_VERSION"))?;
    let (reload, reloads) = reload::channel();
    shutdown::signals(tasks, reload.clone()).context("cannot listen for signals")?;
    let parts = Arc::new(parts);
    let apply = move || {
        let parts = Arc::clone(&parts);
        // files are read and templates rendered: not on the I/O threads
        let applied = tokio::task::spawn_blocking(move || parts.apply());
        async move { applied.await.unwrap_or_else(|error| Err(error.to_string())) }
    };
    tasks.spawn("reload", reloads.run(program.config_last_reload_successful, tasks.shutdown(), apply));
    Ok(reload)
}

/// What intake goes by.
pub(crate) fn terms(config: &Config) -> Terms {
    let policy = config.policy.clone().asking_about(config.asked_sources());
    Terms { policy, wording: config.wording() }
}

/// Who is asked whether alerts still fire.
fn upstream(config: &Config) -> Result<Option<Arc<Upstream>>, UpstreamError> {
    let settings = config.alertmanager.as_ref();
    let upstream = settings.map(|settings| Upstream::new(settings, Limits::default())).transpose()?;
    Ok(upstream.map(Arc::new))
}

fn plan(config: &Config, templates: &Arc<Templates>) -> Result<Plan, ChannelError> {
    let mut destinations = BTreeMap::new();
    for channel in &config.channels {
        let notifier = notify::build(channel, templates)?;
        let fallback = channel
            .fallback()
            .and_then(|name| config.channel(name))
            .map(|other| Fallback { channel: other.name().to_owned(), send_resolved: other.send_resolved() });
        let destination = Destination { notifier, rate: channel.rate(), fallback };
        destinations.insert(channel.name().to_owned(), destination);
    }
    Ok(Plan { destinations, settings: config.delivery, wording: config.wording() })
}

/// What receives, reads and writes, each behind its scope.
fn router(
    config: &Config,
    shared: &Shared,
    terms: Arc<ArcSwap<Terms>>,
    intake: Intake,
    writing: Router,
) -> Router {
    let auth = config.web.auth();
    let metrics = Arc::clone(&shared.metrics);
    let receiving = Receiving { intake, metrics, max_body: config.web.max_body() };
    let pages = Pages {
        store: shared.store.clone(),
        templates: Arc::clone(&shared.templates),
        clock: Arc::clone(&shared.clock),
        terms: Arc::clone(&terms),
    };
    let previews = Previews {
        templates: Arc::clone(&shared.templates),
        store: shared.store.clone(),
        clock: Arc::clone(&shared.clock),
        terms: Arc::clone(&terms),
        turn: Arc::new(Semaphore::new(1)),
    };
    let history = history::routes(shared.store.clone(), Arc::clone(&shared.clock), terms);
    // trying a template changes nothing, so whoever may read may
    let trying = page::editor_routes(previews.clone()).merge(preview::routes(previews));
    let reading = page::routes(pages).merge(history).merge(trying);
    http::routes(receiving, auth)
        .merge(auth.guard(Scope::Read, reading))
        .merge(auth.guard(Scope::Write, writing))
}

/// What both programs have.
fn admin(config: &Config, shared: &Shared, reload: Reload) -> Router {
    let auth = config.web.auth();
    let readiness = Readiness::not_yet("starting");
    readiness.ready();
    let started_at = shared.clock.now();
    let status =
        move || serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "started_at": started_at });
    admin::metrics_route(shared.registry.clone(), auth)
        .merge(admin::routes(AdminState { readiness, reload, status: Arc::new(status) }, auth))
}
