//! Which notifications somebody wants to see.

use jiff::Timestamp;
use modelwatch_common::config::Span;
use modelwatch_receiver_core::message::Message;
use serde::Deserialize;

/// How many notifications a page has when nobody says.
const DEFAULT_LIMIT: usize = 100;

/// How many a page may have.
const MAX_LIMIT: usize = 1_000;

/// The parameters of a request, as they come.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawFilter {
    /// RFC 3339, or a length of time before now such as `24h`.
    pub since: Option<String>,
    /// The same.
    pub until: Option<String>,
    /// `pending`, `delivered`, `suppressed` or `dead`.
    pub status: Option<String>,
    /// A channel's name.
    pub channel: Option<String>,
    /// The `alertname` of one of its alerts.
    pub alertname: Option<String>,
    /// `name=value`, a label of one of its alerts.
    pub label: Option<String>,
    /// How many, 100 by default, 1 000 at most.
    pub limit: Option<String>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum State {
    /// It waits to be sent, again or for the first time.
    Pending,
    /// The destination said yes.
    Delivered,
    /// It was not sent, for a reason.
    Suppressed,
    /// It could not be sent, and nobody tries any more.
    Dead,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Suppressed, Self::Dead];

    /// The name used in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Suppressed => "suppressed",
            Self::Dead => "dead",
        }
    }
}

/// A parameter that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// Neither a time nor a length of time.
    #[error("{name}: `{value}` is neither a time such as 2026-01-31T09:00:00Z nor a duration such as 24h")]
    Time {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: String,
    },
    /// No such state.
    #[error("status: `{0}` is none of pending, delivered, suppressed, dead")]
    Status(String),
    /// No such state of an alert.
    #[error("state: `{0}` is none of firing, resolved, stale, test")]
    State(String),
    /// Not a label.
    #[error("label: `{0}` is not of the form name=value")]
    Label(String),
    /// Not a number of notifications.
    #[error("limit: `{0}` is not a number from 1 to {MAX_LIMIT}")]
    Limit(String),
    /// Not from a page before.
    #[error("cursor: `{0}` is not the next_cursor of a page")]
    Cursor(String),
}

/// A filter that can be asked for.
#[derive(Debug, Clone)]
pub struct Filter {
    since: Timestamp,
    until: Timestamp,
    status: Option<State>,
    channel: Option<String>,
    alertname: Option<String>,
    label: Option<(String, String)>,
    limit: usize,
    before: (Timestamp, String),
}

impl RawFilter {
    /// The filter that these parameters describe at `now`; an empty parameter counts as none, as forms send it.
    ///
    /// # Errors
    /// The first parameter that cannot be used.
    pub fn validate(self, now: Timestamp) -> Result<Filter, FilterError> {
        let given = |parameter: Option<String>| parameter.filter(|value| !value.is_empty());
        Ok(Filter {
            since: given(self.since).map_or(Ok(Timestamp::MIN), |value| moment("since", value, now))?,
            until: given(self.until).map_or(Ok(Timestamp::MAX), |value| moment("until", value, now))?,
            status: given(self.status).map(status).transpose()?,
            channel: given(self.channel),
            alertname: given(self.alertname),
            label: given(self.label).map(label).transpose()?,
            limit: limit(given(self.limit))?,
            before: given(self.cursor).map_or(Ok((Timestamp::MAX, String::new())), position)?,
        })
    }
}

impl Filter {
    /// Accepted then or later.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Accepted then or earlier.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Where it stands.
    pub fn status(&self) -> Option<State> {
        self.status
    }

    /// The channel's name.
    pub fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }

    /// The labels that one of its alerts has to have.
    pub fn labels(&self) -> [Option<(&str, &str)>; 2] {
        let label = self.label.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        [self.alertname.as_deref().map(|value| ("alertname", value)), label]
    }

    /// How many a page has.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The notification that the page before ended with.
    pub fn before(&self) -> (Timestamp, String) {
        self.before.clone()
    }

    /// The same filter for the page that begins at `cursor`.
    ///
    /// # Errors
    /// When it is not the `next_cursor` of a page.
    pub fn at(mut self, cursor: String) -> Result<Self, FilterError> {
        self.before = position(cursor)?;
        Ok(self)
    }

    /// Whether one alert of a message has all the labels.
    pub fn accepts(&self, message: Option<&Message>) -> bool {
        let wanted: Vec<(&str, &str)> = self.labels().into_iter().flatten().collect();
        let has = |labels: &std::collections::BTreeMap<String, String>| {
            wanted.iter().all(|(name, value)| labels.get(*name).is_some_and(|found| found == value))
        };
        wanted.is_empty()
            || message.is_some_and(|message| message.alerts.iter().any(|alert| has(&alert.labels)))
    }
}

/// What [`RawFilter::cursor`] has to be for the page after this notification.
pub(super) fn cursor(created_at: Timestamp, id: &str) -> String {
    format!("{}.{id}", created_at.as_microsecond())
}

fn position(cursor: String) -> Result<(Timestamp, String), FilterError> {
    let parts = cursor.split_once('.').and_then(|(time, id)| {
        let time = Timestamp::from_microsecond(time.parse().ok()?).ok()?;
        Some((time, id.to_owned()))
    });
    parts.ok_or(FilterError::Cursor(cursor))
}

/// The moment that a parameter names: a time, or a length of time before `now`.
///
/// # Errors
/// When it is neither.
pub(crate) fn moment(name: &'static str, value: String, now: Timestamp) -> Result<Timestamp, FilterError> {
    if let Ok(time) = value.parse() {
        return Ok(time);
    }
    let before = value.parse::<Span>().ok().and_then(|span| now.checked_sub(span.duration()).ok());
    before.ok_or(FilterError::Time { name, value })
}

fn status(value: String) -> Result<State, FilterError> {
    State::ALL.into_iter().find(|state| state.as_str() == value).ok_or(FilterError::Status(value))
}

fn label(value: String) -> Result<(String, String), FilterError> {
    let parts = value.split_once('=').filter(|(name, _)| !name.is_empty());
    parts.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or(FilterError::Label(value))
}

/// How many a page has.
pub(super) fn limit(value: Option<String>) -> Result<usize, FilterError> {
    let Some(value) = value else { return Ok(DEFAULT_LIMIT) };
    let number = value.parse().ok().filter(|number| (1..=MAX_LIMIT).contains(number));
    number.ok_or(FilterError::Limit(value))
}
