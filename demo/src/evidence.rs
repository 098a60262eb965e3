//! What a run leaves behind: the answers of the running processes, as they gave them.

use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use reqwest::Client;

use crate::derive::write_text;
use crate::processes::{Addresses, url};
use crate::watch;

/// Every notification the receiver knows.
pub(crate) const NOTIFICATIONS: &str = "notifications.json";
/// The exporter's `/metrics`.
pub(crate) const METRICS: &str = "metrics.txt";
/// When which alert was pending and firing: Prometheus' own `ALERTS` since the start of the run.
pub(crate) const ALERTS: &str = "alerts.json";

/// Removes what an earlier run left in `folder`: a run that fails must not show another's success.
///
/// # Errors
/// When a file is there and cannot be removed.
pub(crate) fn clear(folder: &Path) -> Result<()> {
    for name in [NOTIFICATIONS, METRICS, ALERTS] {
        let path = folder.join(name);
        if path.exists() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Writes the three files into `folder`.
///
/// # Errors
/// When a process does not answer or the disk does not take it.
pub(crate) async fn keep(
    client: &Client,
    addresses: &Addresses,
    since: Timestamp,
    folder: &Path,
) -> Result<()> {
    let notifications = watch::fetch(client, &url(addresses.receiver)).await?;
    let notifications = serde_json::json!({"notifications": notifications, "next_cursor": null});
    write_text(&folder.join(NOTIFICATIONS), &serde_json::to_string_pretty(&notifications)?)?;
    write_text(&folder.join(METRICS), &fetch_metrics(client, addresses.exporter).await?)?;
    write_text(&folder.join(ALERTS), &fetch_alerts(client, addresses.prometheus, since).await?)
}

/// What a program says of itself.
///
/// # Errors
/// When it does not answer.
pub(crate) async fn fetch_metrics(client: &Client, port: u16) -> Result<String> {
    fetch(client, &format!("{}/metrics", url(port))).await
}

async fn fetch_alerts(client: &Client, port: u16, since: Timestamp) -> Result<String> {
    let (from, to) = (since.as_second(), Timestamp::now().as_second());
    fetch(client, &format!("{}/api/v1/query_range?query=ALERTS&start={from}&end={to}&step=1", url(port)))
        .await
}

async fn fetch(client: &Client, address: &str) -> Result<String> {
    let answer = client.get(address).send().await.and_then(reqwest::Response::error_for_status);
    answer?.text().await.with_context(|| format!("{address} broke off its answer"))
}
