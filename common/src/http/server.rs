//! From a socket to a router: a cap on connections, a limit on slow clients, and a drain with a deadline.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, Response, StatusCode};
use axum::middleware::from_fn;
use axum::routing::any;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use super::tls::{self, Tls};
use super::{Auth, ListenAddress, Problem, Scope, WebConfig, cross_site};
use crate::config::ByteSize;
use crate::shutdown::{Shutdown, Tasks};

/// Further connections wait in the operating system's queue; Prometheus' own programs stop at the same number.
const MAX_CONNECTIONS: usize = 512;
/// How long a client may take to send the head of a request, the first one included, and how long an HTTP/1.1 connection
/// may stay idle. The client of an HTTP/2 connection is asked as often whether it is still there, and keeps its place for
/// as long as it answers.
const HEAD_ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// How long requests under way may take once the program is to stop.
const DRAINS_WITHIN: Duration = Duration::from_secs(10);
/// After a failure to accept (too many open files), so that it is not tried in a circle.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(200);

/// A bound socket that is not served yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Tls,
    auth: Auth,
    max_body: ByteSize,
}

/// HTTP cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {}", sentence(reason))]
    Listen {
        /// As it stands in the configuration.
        address: ListenAddress,
        /// What the operating system said.
        reason: io::Error,
    },
}

impl Server {
    /// Binds the address of `web`, and warns when it can be reached from outside without a token.
    ///
    /// # Errors
    /// When the address is in use, or not one of this machine.
    pub async fn bind(web: &WebConfig) -> Result<Server, HttpError> {
        let failed = |reason| HttpError::Listen { address: web.listen_address().clone(), reason };
        let listener = TcpListener::bind(web.listen_address().host_and_port()).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        web.warn_when_open();
        let (tls, auth) = (web.tls().clone(), web.auth().clone());
        Ok(Server { listener, address, tls, auth, max_body: web.max_body() })
    }

    /// Where it listens, with the port that the operating system chose if 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until the shutdown of `tasks`, then lets requests under way end, for ten seconds at most.
    /// When it returns, no connection is left.
    pub async fn run(self, router: Router, tasks: Tasks) {
        tracing::info!(address = %self.address, tls = self.tls.is_on(), "serving HTTP");
        let router = with_common_answers(router, &self.auth, self.max_body);
        let connections = Connections::new(router, self.tls, tasks.clone());
        let shutdown = tasks.shutdown();
        loop {
            tokio::select! {
                (stream, place) = accept(&self.listener, &connections.places) => connections.serve(stream, place),
                () = shutdown.cancelled() => break,
            }
        }
        drop(self.listener);
        connections.drain().await;
    }
}

/// What is answered where the program has no route and to pages of other sites, and the limit for bodies that extractors
/// read.
fn with_common_answers(router: Router, auth: &Auth, max_body: ByteSize) -> Router {
    let limit = usize::try_from(max_body.bytes()).unwrap_or(usize::MAX);
    let unknown = Router::new().route("/", any(not_found)).route("/{*path}", any(not_found));
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback_service(auth.guard(Scope::Read, unknown))
        .layer(DefaultBodyLimit::max(limit))
        .layer(from_fn(cross_site::refuse))
}

async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // the semaphore is never closed, so there is always a permit
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(AFTER_FAILED_ACCEPT).await;
            }
        }
    }
}

/// The open connections of a server.
struct Connections {
    places: Arc<Semaphore>,
    tls: Tls,
    builder: Builder<Spawner>,
    service: TowerToHyperService<Router>,
    graceful: GracefulShutdown,
    /// Ends what did not drain.
    cut: Shutdown,
    tasks: Tasks,
}

impl Connections {
    fn new(router: Router, tls: Tls, tasks: Tasks) -> Connections {
        let mut builder = Builder::new(Spawner(tasks.clone()));
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_ARRIVES_WITHIN);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_ARRIVES_WITHIN);
        Connections {
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            tls,
            builder,
            service: TowerToHyperService::new(router),
            graceful: GracefulShutdown::new(),
            cut: Shutdown::default(),
            tasks,
        }
    }

    fn serve(&self, stream: TcpStream, place: Option<OwnedSemaphorePermit>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let connection = Connection {
            _place: place,
            builder: self.builder.clone(),
            service: self.service.clone(),
            watcher: self.graceful.watcher(),
            cut: self.cut.clone(),
        };
        let acceptor = self.tls.acceptor();
        let shutdown = self.tasks.shutdown();
        self.tasks.spawn_expendable("http connection", async move {
            match acceptor {
                None => connection.speak(stream).await,
                Some(acceptor) => connection.encrypt(acceptor, stream, shutdown).await,
            }
        });
    }

    async fn drain(self) {
        if tokio::time::timeout(DRAINS_WITHIN, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("requests had not ended after {DRAINS_WITHIN:?}, they are cut off");
            self.cut.trigger();
        }
    }
}

/// One of them.
struct Connection {
    _place: Option<OwnedSemaphorePermit>,
    builder: Builder<Spawner>,
    service: TowerToHyperService<Router>,
    watcher: Watcher,
    cut: Shutdown,
}

impl Connection {
    async fn encrypt(self, acceptor: TlsAcceptor, stream: TcpStream, shutdown: Shutdown) {
        let encrypted = tokio::select! {
            encrypted = tls::accept(acceptor, stream) => encrypted,
            () = shutdown.cancelled() => return,
        };
        match encrypted {
            Ok(stream) => self.speak(stream).await,
            Err(error) => tracing::debug!(%error, "a connection was not encrypted"),
        }
    }

    /// Answers requests until the client goes, is too slow, or the program stops.
    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (service, asked) = (self.service, Arc::new(Notify::new()));
        let first = Arc::clone(&asked);
        let service = service_fn(move |request: Request<Incoming>| {
            first.notify_one();
            answer(service.clone(), request)
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let broke = tokio::select! {
            served = self.watcher.watch(connection) => served.err().map(|error| error.to_string()),
            () = silence(&asked) => Some("its client asked for nothing in time".to_owned()),
            () = self.cut.cancelled() => None,
        };
        if let Some(reason) = broke {
            tracing::debug!(reason, "a connection broke");
        }
    }
}

async fn answer(
    service: TowerToHyperService<Router>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    service.call(request).await
}

/// Ends when the first request has not come in time, else never: hyper waits for it as long as the client likes.
async fn silence(asked: &Notify) {
    if tokio::time::timeout(HEAD_ARRIVES_WITHIN, asked.notified()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

/// Lets hyper run the streams of an HTTP/2 connection beside the other tasks.
#[derive(Clone)]
struct Spawner(Tasks);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, stream: F) {
        self.0.spawn_expendable("http stream", stream);
    }
}

/// The operating system's message starts with a capital and ends with a number.
fn sentence(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the address is already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need privileges".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests;
