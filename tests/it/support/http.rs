//! Requests over loopback, answered or failing the test.

use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// The media type of events, one a line.
pub(crate) const NDJSON: &str = "application/x-ndjson";
/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A client with connections of its own.
pub(crate) fn client() -> Client {
    // whoever comes second finds it installed
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

/// What `GET url` answers.
pub(crate) async fn get(url: &str) -> Answer {
    send(client().get(url)).await
}

/// What `POST url` answers.
pub(crate) async fn post(url: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    send(client().post(url).header("content-type", media_type).body(body)).await
}

/// What a request answers.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    attempt(request).await.expect("an answer")
}

/// What a request answers, or why there was no whole answer.
pub(crate) async fn attempt(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let answer = request.send().await?;
    Ok(Answer { status: answer.status().as_u16(), body: answer.text().await? })
}
