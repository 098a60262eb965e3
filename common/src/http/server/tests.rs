use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::client;
use super::*;
use crate::config::{Environment, Source};

const TLS: &str = "{tls: {cert_file: cert.pem, key_file: key.pem}}";
const SOON: Duration = Duration::from_secs(5);

/// The section `web`, with another address; a certificate for localhost and its key are beside it.
pub(in crate::http) fn web_at(address: &str, yaml: &str) -> WebConfig {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.yaml");
    std::fs::write(&path, format!("web: {yaml}")).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(dir.path().join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(dir.path().join("key.pem"), key.serialize_pem()).unwrap();
    let mut source = Source::read(&path, "X", &Environment::default()).unwrap();
    let mut faults = source.faults();
    let web = WebConfig::load(&mut source, Some(address), 0, &mut faults);
    assert_eq!(faults.to_string(), "");
    web
}

fn web(yaml: &str) -> WebConfig {
    web_at("127.0.0.1:0", yaml)
}

/// Serves `router` on a free port; the tasks end it.
async fn serve(router: Router, yaml: &str) -> (SocketAddr, Tasks) {
    serve_with(router, &web(yaml)).await
}

async fn serve_with(router: Router, web: &WebConfig) -> (SocketAddr, Tasks) {
    let server = Server::bind(web).await.unwrap();
    let (address, tasks) = (server.local_addr(), Tasks::new());
    tasks.spawn("http", server.run(router, tasks.clone()));
    (address, tasks)
}

/// Sends `request` as it is and reads until the server closes.
async fn speak(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    heard(&mut stream).await
}

async fn heard(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer)).await.expect("an end").unwrap();
    answer
}

fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn it_serves_and_leaves_nothing_behind() {
    let (address, tasks) = serve(Router::new().route("/", get(async || "hello")), "").await;
    let answer = speak(address, &get_request("/")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"), "{answer}");
    tasks.drain(SOON).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "the socket is closed");
}

#[tokio::test]
async fn an_address_in_use_is_one_clear_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.yaml");
    std::fs::write(&path, format!("web: {{listen_address: '{address}'}}")).unwrap();
    let mut source = Source::read(&path, "X", &Environment::default()).unwrap();
    let mut faults = source.faults();
    let web = WebConfig::load(&mut source, None, 0, &mut faults);
    let error = Server::bind(&web).await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot listen on {address}: the address is already in use"));
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_taken_are_answered_in_json() {
    let (address, tasks) = serve(Router::new().route("/", get(async || "hello")), "").await;
    let missing = speak(address, &get_request("/nowhere")).await;
    assert!(
        missing.starts_with("HTTP/1.1 404 ")
            && missing.ends_with(r#"{"error":"there is nothing at this path"}"#)
    );
    let post =
        speak(address, "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    assert!(
        post.starts_with("HTTP/1.1 405 ") && post.contains("this path does not take this method"),
        "{post}"
    );
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn a_page_of_another_site_cannot_let_a_browser_send() {
    let (address, tasks) = serve(Router::new().route("/", post(async || "done")), "").await;
    let request = |more: &str| {
        format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n{more}\r\n")
    };
    assert!(speak(address, &request("")).await.starts_with("HTTP/1.1 200 "));
    assert!(speak(address, &request("origin: http://evil\r\n")).await.starts_with("HTTP/1.1 403 "));
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn with_tokens_an_unknown_path_answers_401() {
    let (address, tasks) = serve(Router::new(), "{auth: {tokens: [{name: a, token: x}]}}").await;
    assert!(speak(address, &get_request("/nowhere")).await.starts_with("HTTP/1.1 401 "));
    assert!(speak(address, &get_request("/")).await.starts_with("HTTP/1.1 401 "));
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_extractors() {
    let (address, tasks) =
        serve(Router::new().route("/", post(async |body: String| body)), "{max_body: 4}").await;
    let request = |body: &str| {
        format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert!(speak(address, &request("four")).await.ends_with("\r\n\r\nfour"));
    assert!(speak(address, &request("fifth")).await.starts_with("HTTP/1.1 413 "));
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_server_does() {
    let (started, mut start) = tokio::sync::mpsc::channel(1);
    let (end, ended) = tokio::sync::watch::channel(false);
    let slow = get(async move || {
        started.send(()).await.unwrap();
        let mut ended = ended;
        ended.wait_for(|ended| *ended).await.unwrap();
        "done"
    });
    let (address, tasks) = serve(Router::new().route("/", slow), "").await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(get_request("/").as_bytes()).await.unwrap();
    start.recv().await.unwrap();
    tasks.shutdown().trigger();
    end.send(true).unwrap();
    assert!(heard(&mut stream).await.ends_with("done"));
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let (address, tasks) = serve(Router::new().route("/", get(async || "hello")), "").await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 8];
    idle.read_exact(&mut some).await.unwrap();
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_cut_off() {
    let (started, mut start) = tokio::sync::mpsc::channel(1);
    let stuck = get(async move || {
        started.send(()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let (address, tasks) = serve(Router::new().route("/", stuck), "").await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(get_request("/").as_bytes()).await.unwrap();
    start.recv().await.unwrap();
    tasks.drain(DRAINS_WITHIN + SOON).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_its_head_too_slowly_is_dropped() {
    let (address, tasks) = serve(Router::new(), "").await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTT").await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(HEAD_ARRIVES_WITHIN * 2, read).await.expect("the server closes").unwrap();
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_dropped() {
    for yaml in ["", TLS] {
        let (address, tasks) = serve(Router::new(), yaml).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(HEAD_ARRIVES_WITHIN * 2, read).await.expect("the server closes").unwrap();
        tasks.drain(SOON).await.unwrap();
    }
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_own_connection_only() {
    let broken = get(async || if true { panic!("on purpose") } else { "never" });
    let router = Router::new().route("/", get(async || "hello")).route("/broken", broken);
    let (address, tasks) = serve(router, "").await;
    assert_eq!(speak(address, &get_request("/broken")).await, "");
    assert!(speak(address, &get_request("/")).await.ends_with("hello"));
    tasks.drain(SOON).await.unwrap();
}

/// An encrypted connection to a server that runs with `web`.
async fn encrypted(
    web: &WebConfig,
    address: SocketAddr,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    // the port is that of the section in real life
    let config = client::trusting_only(web.tls().certificate().unwrap()).unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
}

#[tokio::test]
async fn encrypted_it_serves_whoever_trusts_its_own_certificate_and_nobody_else() {
    let web = web(TLS);
    let (address, tasks) = serve_with(Router::new().route("/", get(async || "hello")), &web).await;
    let mut stream = encrypted(&web, address).await.unwrap();
    stream.write_all(get_request("/").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"), "{answer}");
    let error = encrypted(&self::web(TLS), address).await.unwrap_err().to_string();
    assert!(error.contains("another certificate than the one in web.tls.cert_file"), "{error}");
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn plain_http_where_tls_is_spoken_is_answered_in_words() {
    let (address, tasks) = serve(Router::new(), TLS).await;
    let answer = speak(address, &get_request("/")).await;
    assert!(answer.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{answer}");
    assert!(answer.ends_with("Client sent an HTTP request to an HTTPS server.\n"), "{answer}");
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn a_newer_certificate_is_shown_to_connections_that_come_after_it() {
    let (web, newer) = (web(TLS), self::web(TLS));
    let (address, tasks) = serve_with(Router::new().route("/", get(async || "hello")), &web).await;
    let before = encrypted(&web, address).await.unwrap();
    assert!(encrypted(&newer, address).await.is_err());
    web.take_over(&newer);
    assert!(encrypted(&newer, address).await.is_ok());
    let mut kept = before;
    kept.write_all(get_request("/").as_bytes()).await.unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"), "a connection from before goes on: {answer}");
    tasks.drain(SOON).await.unwrap();
}

#[tokio::test]
async fn a_handshake_under_way_does_not_hold_up_the_end() {
    let (address, tasks) = serve(Router::new(), TLS).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[0x16]).await.unwrap();
    tasks.drain(SOON).await.unwrap();
}
