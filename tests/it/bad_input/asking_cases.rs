//! Wrong words about the Alertmanager that is to be asked.

use super::command_line::Case;
use super::command_line::Content::Text;

/// A configuration without a fault, and what it says of Alertmanager.
macro_rules! asking {
    ($section:literal) => {
        concat!($section, "routes:\n  - {channels: [console]}\nchannels:\n  - {name: console, type: log}\n")
    };
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case::fault(
        "alertmanager_at_no_url",
        &[(
            "receiver.yaml",
            Text(asking!("alertmanager: {url: \"ftp://reader:hunter2@am\", sources: []}\n")),
        )],
        &["alertmanager.url", "http", "alertmanager.sources"],
    ),
    Case::fault(
        "alertmanager_that_is_no_base",
        &[("receiver.yaml", Text(asking!("alertmanager: {url: \"http://am:9093/?token=hunter2\"}\n")))],
        &["alertmanager.url", "?"],
    ),
    Case::fault(
        "alertmanager_with_two_urls",
        &[("receiver.yaml", Text(asking!("alertmanager: {url: \"http://am\", url_file: am.url}\n")))],
        &["alertmanager.url_file", "both"],
    ),
    Case::fault(
        "alertmanager_without_a_url",
        &[("receiver.yaml", Text(asking!("alertmanager: {sources: [default]}\n")))],
        &["alertmanager.url", "missing"],
    ),
];
