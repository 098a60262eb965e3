//! A destination that behaves as told, once per connection.

use std::sync::{Arc, Mutex};

use modelwatch_common::shutdown::Tasks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a request.
#[derive(Debug, Clone)]
pub(super) enum Behaviour {
    /// Writes these bytes and closes.
    Answer(String),
    /// Reads, and says nothing.
    Silence,
    /// Reads, and closes.
    DropAfterReading,
}

impl Behaviour {
    /// A complete answer.
    pub(super) fn answer(status: u16, body: &str) -> Self {
        Self::Answer(format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
    }
}

/// A listening destination; it ends with the test's runtime.
pub(super) struct Destination {
    /// Where it listens.
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Destination {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        Self::start_with(vec![behaviour]).await
    }

    /// One that does the first of these with the first request and so on, and the last with all that follow.
    pub(super) async fn start_with(behaviours: Vec<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        Tasks::new().spawn("destination", async move {
            let last = behaviours.last().cloned().into_iter().cycle();
            let mut turns = behaviours.into_iter().chain(last);
            while let (Ok((stream, _)), Some(behaviour)) = (listener.accept().await, turns.next()) {
                serve(stream, &behaviour, &seen).await;
            }
        });
        Self { url, requests }
    }

    /// The last request, head and body.
    pub(super) fn request(&self) -> String {
        self.requests().pop().unwrap_or_default()
    }

    /// All requests, in their order.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|one| String::from_utf8_lossy(one).into_owned()).collect()
    }
}

async fn serve(mut stream: TcpStream, behaviour: &Behaviour, seen: &Mutex<Vec<Vec<u8>>>) {
    let request = read(&mut stream).await;
    seen.lock().unwrap().push(request);
    match behaviour {
        Behaviour::Answer(bytes) => {
            // a client that went away is the client's affair
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
        // until the client gives up
        Behaviour::Silence => drop(stream.read(&mut [0]).await),
        Behaviour::DropAfterReading => {}
    }
}

/// Head and body of a request with a `content-length`, or whatever else came before the end.
async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_complete(&request) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    request
}

fn is_complete(request: &[u8]) -> bool {
    if request.first().is_some_and(|first| !first.is_ascii_alphabetic()) {
        return true;
    }
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() >= head.len() + 4 + length.unwrap_or_default()
}
