//! Requests that cannot be served say why, with the status of the contract.
//!
//! The whole exchange is kept in `golden/`; the tables beside it hold what every answer has to name, whatever its words.

use crate::support::golden;
use crate::support::http::{NDJSON, client, send};
use crate::support::program::{EXPORTER, Program, RECEIVER};
use crate::support::{home, loans, write};

use super::{event_cases, exporter_requests, receiver_requests};

/// What the programs are asked for, and the groups of their golden files.
const EXPORTER_GROUP: &str = "modelwatch-exporter-requests";
const RECEIVER_GROUP: &str = "modelwatch-receiver-requests";
/// The groups of golden files that stand here.
pub(super) const GROUPS: [&str; 2] = [EXPORTER_GROUP, RECEIVER_GROUP];

/// One request.
pub(super) struct Request {
    /// What is wrong with it; also the name of its golden file.
    pub(super) name: &'static str,
    /// The method and the path with its query.
    pub(super) target: (&'static str, &'static str),
    /// Headers.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// What is sent.
    pub(super) body: Body,
    /// The status of the answer.
    pub(super) status: u16,
    /// What the answer has to name.
    pub(super) named: &'static [&'static str],
}

/// What a request carries.
pub(super) enum Body {
    /// This text.
    Text(&'static str),
    /// These bytes.
    Bytes(&'static [u8]),
    /// A text so many times.
    Repeated(&'static str, usize),
}

impl Request {
    /// An event alone in its body, of which nothing can be counted.
    pub(super) const fn event(
        name: &'static str,
        line: &'static str,
        named: &'static [&'static str],
    ) -> Request {
        let headers = &[("content-type", NDJSON)];
        Request { name, target: ("POST", "/v1/events"), headers, body: Body::Text(line), status: 400, named }
    }

    /// Something that is asked for with the address alone.
    pub(super) const fn get(
        name: &'static str,
        path: &'static str,
        status: u16,
        named: &'static [&'static str],
    ) -> Request {
        Request { name, target: ("GET", path), headers: &[], body: Body::Text(""), status, named }
    }

    /// The body, where it is text.
    pub(super) fn text(&self) -> &'static str {
        match self.body {
            Body::Text(text) => text,
            Body::Bytes(_) | Body::Repeated(..) => panic!("{} carries no short text", self.name),
        }
    }

    /// Asks, and answers with the whole exchange and the status.
    async fn exchange(&self, base: &str) -> (String, u16) {
        let (method, path) = self.target;
        let mut said = format!("{method} {path}\n");
        let mut request = client().request(method.parse().unwrap(), format!("{base}{path}"));
        for (name, value) in self.headers {
            said += &format!("{name}: {value}\n");
            request = request.header(*name, *value);
        }
        let shown = self.body.shown();
        if !shown.is_empty() {
            said += &format!("\n{shown}\n");
        }
        let answer = send(request.body(self.body.bytes())).await;
        said += &format!("--- {}\n{}\n", answer.status, answer.body);
        (said, answer.status)
    }
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Body::Text(text) => text.as_bytes().to_vec(),
            Body::Bytes(bytes) => bytes.to_vec(),
            Body::Repeated(text, times) => text.repeat(*times).into_bytes(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Body::Text(text) => (*text).to_owned(),
            Body::Bytes(bytes) => bytes.escape_ascii().to_string(),
            Body::Repeated(text, times) => format!("{text} ({times} times)"),
        }
    }
}

/// Both programs, with bodies limited to what is quickly sent.
async fn programs() -> (tempfile::TempDir, Program, Program) {
    let home = home();
    loans::configure(home.path(), "web: {max_body: 64KiB}\n");
    write(home.path(), "receiver.yaml", receiver_requests::CONFIG);
    let (exporter, receiver) = tokio::join!(Program::exporter(home.path()), Program::receiver(home.path()));
    (home, exporter, receiver)
}

fn tables<'a>(
    exporter: &'a Program,
    receiver: &'a Program,
) -> impl Iterator<Item = (&'static str, &'a Program, &'static Request)> {
    let of_exporter = event_cases::EVENTS.iter().chain(exporter_requests::REQUESTS);
    let of_exporter = of_exporter.map(move |request| (EXPORTER_GROUP, exporter, request));
    of_exporter
        .chain(receiver_requests::REQUESTS.iter().map(move |request| (RECEIVER_GROUP, receiver, request)))
}

#[tokio::test]
async fn a_request_that_cannot_be_served_is_answered_with_what_is_wrong() {
    let (_home, exporter, receiver) = programs().await;
    for (group, program, request) in tables(&exporter, &receiver) {
        let (exchange, status) = request.exchange(&program.url).await;
        assert_eq!(status, request.status, "{}: {exchange}", request.name);
        let answer = exchange.split_once("--- ").map(|(_, answer)| answer).unwrap_or_default();
        for named in request.named {
            assert!(answer.contains(named), "{} has to name {named}: {exchange}", request.name);
        }
        golden::assert_golden(group, request.name, &exchange);
    }
    assert_eq!(exporter.get("/-/ready").await.status, 200, "{EXPORTER} goes on");
    assert_eq!(receiver.get("/-/ready").await.status, 200, "{RECEIVER} goes on");
    assert_eq!(receiver.get("/api/v1/notifications").await.json()["notifications"], serde_json::json!([]));
}

#[test]
fn every_golden_exchange_is_needed() {
    let events = event_cases::EVENTS.iter().chain(exporter_requests::REQUESTS);
    golden::assert_no_other(EXPORTER_GROUP, events.map(|request| request.name));
    golden::assert_no_other(RECEIVER_GROUP, receiver_requests::REQUESTS.iter().map(|request| request.name));
}

#[tokio::test]
#[ignore = "rewrites the golden files with what the programs answer now"]
async fn rewrite_golden_exchanges() {
    let (_home, exporter, receiver) = programs().await;
    for (group, program, request) in tables(&exporter, &receiver) {
        golden::rewrite(group, request.name, &request.exchange(&program.url).await.0);
    }
}
