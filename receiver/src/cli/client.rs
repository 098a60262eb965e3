//! Calling the running receiver, at the address and with the tokens of its own configuration.

use std::time::Duration;

use modelwatch_common::causes::causes;
use modelwatch_common::http::{Reach, Scope, Unreachable, WebConfig};
use modelwatch_common::secret::Secret;
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A receiver on the same machine or network connects at once or not at all.
const CONNECT: Duration = Duration::from_secs(5);

/// Longer than the store of a busy receiver makes anybody wait.
const ANSWER: Duration = Duration::from_secs(15);

/// Why the running receiver did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// Nobody listens.
    #[error(
        "no receiver runs at {0}: start it with `modelwatch-receiver serve`, or name the address of the one that runs with --web.listen-address"
    )]
    NotRunning(String),
    /// The configuration does not say how.
    #[error("the running receiver cannot be called: {0}")]
    Unreachable(#[from] Unreachable),
    /// The running receiver has other tokens.
    #[error(
        "the receiver at {address} refused the token that web.auth has for this ({status}: {said}): it was started with another configuration, restart it or name that one with --config.file"
    )]
    Refused {
        /// Where it runs.
        address: String,
        /// What it answered.
        status: u16,
        /// In its words.
        said: String,
    },
    /// It said no, and why.
    #[error("the receiver at {address} answered {status}: {said}")]
    Problem {
        /// Where it runs.
        address: String,
        /// What it answered.
        status: u16,
        /// In its words.
        said: String,
    },
    /// What answers is something else.
    #[error(
        "what answers at {address} is no receiver that knows this command ({status}): look whether that is the address of a modelwatch-receiver of this version"
    )]
    Stranger {
        /// Where it runs.
        address: String,
        /// What it answered.
        status: u16,
    },
    /// The connection broke.
    #[error("the receiver at {address} did not answer: {cause}")]
    Broken {
        /// Where it should run.
        address: String,
        /// What the system said.
        cause: String,
    },
}

impl ClientError {
    /// What the receiver said no to, if it answered with this status.
    pub(super) fn said(&self, wanted: StatusCode) -> Option<&str> {
        match self {
            ClientError::Problem { status, said, .. } if *status == wanted.as_u16() => Some(said),
            _ => None,
        }
    }
}

/// The running receiver.
pub(super) struct Client {
    http: reqwest::Client,
    address: String,
    reads: Option<Secret>,
    writes: Option<Secret>,
}

/// What a problem says.
#[derive(Deserialize)]
struct Problem {
    error: String,
}

impl Client {
    /// The receiver that serves with this configuration, to be read and written.
    ///
    /// # Errors
    /// When the configuration does not say how to call it for both, or TLS cannot be set up on this machine.
    pub(super) fn new(web: &WebConfig) -> Result<Client, ClientError> {
        let Reach { url: address, tls, token: writes } = web.reach(Scope::Write)?;
        // asked for before anything is written: whoever may not read would never hear what came of it
        let reads = web.reach(Scope::Read)?.token;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("modelwatch-receiver/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(tls) = tls {
            builder = builder.tls_backend_preconfigured(tls);
        }
        let http = builder.build().map_err(|error| broken(&address, &error))?;
        Ok(Client { http, address, reads, writes })
    }

    /// What `GET path` answers.
    ///
    /// # Errors
    /// Why there is no such answer.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(self.http.get(self.url(path)), self.reads.as_ref()).await
    }

    /// What `POST path` answers to `body`. Every receiver of this version has the path.
    ///
    /// # Errors
    /// Why there is no such answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let answer = self.ask(self.http.post(self.url(path)).json(body), self.writes.as_ref()).await;
        answer.map_err(|error| match error.said(StatusCode::NOT_FOUND) {
            Some(_) => self.stranger(StatusCode::NOT_FOUND),
            None => error,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        token: Option<&Secret>,
    ) -> Result<T, ClientError> {
        let request = match token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        };
        let answer = request.send().await.map_err(|error| self.failed(&error))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| broken(&self.address, &error))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| self.stranger(status));
        }
        let problem: Problem = serde_json::from_slice(&body).map_err(|_| self.stranger(status))?;
        let (address, said) = (self.address.clone(), problem.error);
        Err(match status.as_u16() {
            status @ (401 | 403) => ClientError::Refused { address, status, said },
            status => ClientError::Problem { address, status, said },
        })
    }

    fn failed(&self, error: &reqwest::Error) -> ClientError {
        let refused = |cause: &(dyn std::error::Error + 'static)| {
            let cause = cause.downcast_ref::<std::io::Error>();
            cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused)
        };
        if causes(error).any(refused) {
            return ClientError::NotRunning(self.address.clone());
        }
        broken(&self.address, error)
    }

    fn stranger(&self, status: StatusCode) -> ClientError {
        ClientError::Stranger { address: self.address.clone(), status: status.as_u16() }
    }
}

/// The innermost cause; a token is in no error of reqwest's.
fn broken(address: &str, error: &reqwest::Error) -> ClientError {
    let innermost = causes(error).last();
    let cause = if error.is_timeout() {
        "it took too long".to_owned()
    } else {
        innermost.map_or_else(|| error.to_string(), ToString::to_string)
    };
    ClientError::Broken { address: address.to_owned(), cause }
}
