//! A replay through a proxy that loses answers: what was accepted already is not counted again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;

use super::Exporter;
use crate::support::http::client;
use crate::support::program::{EXPORTER, binary};
use crate::support::write;

/// Hands requests on, and closes the connection instead of answering as long as `to_lose` says so.
struct Proxy {
    url: String,
    to_lose: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Proxy {
    async fn to(target: &str, lose: usize) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let to_lose = Arc::new(AtomicUsize::new(lose));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, target.to_owned(), Arc::clone(&to_lose)));
        Proxy { url, to_lose, _serving: serving }
    }
}

async fn serve(listener: TcpListener, target: String, to_lose: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, target.clone(), Arc::clone(&to_lose)));
    }
}

async fn connection(stream: TcpStream, target: String, to_lose: Arc<AtomicUsize>) {
    let service = hyper::service::service_fn(|request| hand_on(request, &target, &to_lose));
    // a connection that is closed on purpose ends here
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn hand_on(
    request: Request<Incoming>,
    target: &str,
    to_lose: &AtomicUsize,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let mut onwards = client().post(format!("{target}{}", parts.uri.path()));
    for name in ["content-type", "content-encoding", "idempotency-key"] {
        onwards = onwards.header(name, &parts.headers[name]);
    }
    let answer = onwards.body(body).send().await.map_err(io::Error::other)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(io::Error::other)?;
    let lose = to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if lose.is_ok() {
        return Err(io::Error::other("the answer is lost on purpose"));
    }
    Ok(Response::builder().status(status).body(Full::new(body)).expect("a response"))
}

#[tokio::test]
async fn a_replay_whose_answers_are_lost_counts_every_row_once() {
    let exporter = Exporter::start("").await;
    let proxy = Proxy::to(&exporter.program.url, 3).await;
    let rows: String = (0..500).map(|row| format!("{},{},1\n", 20 + row % 60, 1_704_067_200 + row)).collect();
    write(exporter.home.path(), "rows.csv", format!("income,at,said\n{rows}"));
    let output = Command::new(binary(EXPORTER))
        .current_dir(exporter.home.path())
        .args(["replay", "rows.csv", "--url", &proxy.url, "--model", "loans", "--version", "1"])
        .args(["--time", "at", "--prediction", "said", "--batch", "100"])
        .output()
        .await
        .expect("the replay runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(proxy.to_lose.load(Ordering::SeqCst), 0, "all answers were lost that were to be lost");
    exporter.wait_for_sum("model_predictions_total", 500).await;
    let page = exporter.program.metrics().await;
    assert!(page.contains("modelwatch_exporter_ingest_repeated_total 3\n"), "{page}");
}
