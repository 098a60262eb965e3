//! Requests to others, over HTTP.

use std::time::Duration;

use reqwest::Client;

/// Who asks others, each request once: it connects and is answered within so long, goes nowhere but where it was sent, and
/// never takes a connection that was closed while it was idle, since such a request may or may not have arrived.
///
/// # Errors
/// When TLS cannot be set up on this machine.
pub(crate) fn client(connect: Duration, answer: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("modelwatch-receiver/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .timeout(answer)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .build()
}
