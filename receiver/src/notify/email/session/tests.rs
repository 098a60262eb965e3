use std::time::Duration;

use lettre::transport::smtp::client::TlsParameters;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

/// A server that consents to STARTTLS and goes on talking in the clear, as somebody on the way to it can make it seem.
async fn forge(listener: TcpListener) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    for said in
        ["220 here", "250-here\r\n250 STARTTLS", "220 go\r\n250-forged\r\n250 AUTH PLAIN\r\n235 forged"]
    {
        stream.write_all(format!("{said}\r\n").as_bytes()).await.unwrap();
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await.unwrap();
    }
    // it never answers within TLS: whatever the client believes, it read before
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn what_is_said_in_the_clear_behind_the_consent_to_starttls_is_no_answer() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
        protection: Protection::Starttls,
        login: None,
        roots: None,
    };
    let tls = TlsParameters::new("127.0.0.1".to_owned()).unwrap();
    let dial = Dial { server, tls: Some(tls), hidden: Hidden::default(), limits: Limits::default() };
    let opened = tokio::select! {
        opened = dial.open() => opened.map(drop),
        () = forge(listener) => unreachable!(),
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("it waits for an answer within TLS"),
    };
    let refused = opened.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Tls), "{refused:?}");
}
