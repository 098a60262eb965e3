//! What the history asks of the store about alerts: their occurrences from the newest to the oldest, and what became of
//! each: who was told, who was not and why. The shapes are the API's; fields may be added and are never renamed.

use jiff::Timestamp;
use modelwatch_receiver_core::alert::Labels;
use modelwatch_receiver_core::occurrence::{Occurrence, Windows};
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::transaction::{from_json, timestamp};
use super::{Store, StoreError};

/// One occurrence of an alert.
#[derive(Debug, Clone, Serialize)]
pub struct Occurred {
    /// Its id; later ones sort after earlier ones.
    pub id: String,
    /// Who sent it.
    pub source: String,
    /// Which alert it is of.
    pub fingerprint: String,
    /// `firing`, `resolved`, `stale` or `test`.
    pub state: String,
    /// The earliest start that any copy named.
    pub starts_at: Timestamp,
    /// When it ended, by the sender's clock; `None` while open.
    pub ends_at: Option<Timestamp>,
    /// When the newest copy about it was accepted.
    pub seen_at: Timestamp,
    /// It was opened by a copy that may have been an old one.
    pub unconfirmed: bool,
    /// It began and ended so often that people are not told each time.
    pub flapping: bool,
    /// What identifies it, from its newest copy.
    pub labels: Labels,
    /// What is said about it.
    pub annotations: Labels,
}

/// A firing copy that is held against an occurrence that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldCopy {
    /// Since when its alert fires, as it says.
    pub starts_at: Timestamp,
    /// When it is told, unless something newer refutes it.
    pub until: Timestamp,
}

/// A transition of an occurrence that a destination is told once.
#[derive(Debug, Clone, Serialize)]
pub struct Settled {
    /// The destination.
    pub channel: String,
    /// `firing`, `resolved` or `flapping`.
    pub status: String,
    /// 0 for the first time, then the number of the repeat.
    pub repeat: i64,
    /// When the destination said yes; `None` while it has not.
    pub told_at: Option<Timestamp>,
    /// Why it is not told, if so.
    pub suppressed: Option<String>,
}

/// What copies of an occurrence were not told, and how often.
#[derive(Debug, Clone, Serialize)]
pub struct Untold {
    /// The destination; empty where it concerns none.
    pub channel: String,
    /// Why.
    pub reason: String,
    /// How often.
    pub times: i64,
    /// When first.
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
}

/// A notification that speaks of an occurrence.
#[derive(Debug, Clone, Serialize)]
pub struct Mentioned {
    /// Its id.
    pub id: String,
    /// The destination.
    pub channel: String,
    /// Why it exists.
    pub kind: String,
    /// Where it stands.
    pub status: String,
    /// When the webhook that caused it was accepted.
    pub created_at: Timestamp,
}

const COLUMNS: &str =
    "o.id, o.source, o.fingerprint, o.state, o.starts_at, o.ends_at, o.seen_at, o.unconfirmed,
    o.flapping, o.labels, o.annotations";

/// Of one occurrence, or of one alert, the history shows at most so many of anything.
const MOST: i64 = 500;

impl Store {
    /// Occurrences from the newest to the oldest: those older than `before` (empty for all), in `state` (empty for any), at
    /// most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts(&self, before: &str, state: &str, limit: i64) -> Result<Vec<Occurred>, StoreError> {
        let select = format!(
            "select {COLUMNS} from occurrences o
             where ($1 = '' or o.id < $1) and ($2 = '' or o.state = $2) order by o.id desc limit $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(before)
            .bind(state)
            .bind(limit)
            .fetch_all(&self.history)
            .await?;
        rows.iter().map(alert).collect()
    }

    /// The occurrences of one alert, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn occurrences_of(&self, fingerprint: &str) -> Result<Vec<Occurred>, StoreError> {
        let select = format!(
            "select {COLUMNS} from occurrences o where o.fingerprint = $1 order by o.id desc limit {MOST}"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(select)).bind(fingerprint).fetch_all(&self.history).await?;
        rows.iter().map(alert).collect()
    }

    /// The firing copy that is held against an occurrence, if one is. Of a damaged one that is not known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held(&self, occurrence: &str, windows: Windows) -> Result<Option<HeldCopy>, StoreError> {
        let select = "select detail from occurrences where id = $1";
        let row = sqlx::query(select).bind(occurrence).fetch_optional(&self.history).await?;
        let Some(row) = row else { return Ok(None) };
        let Ok(occurrence) = from_json::<Occurrence>(row.try_get("detail")?) else { return Ok(None) };
        let copy = occurrence.held().zip(occurrence.held_until(windows));
        Ok(copy.map(|(report, until)| HeldCopy { starts_at: report.starts_at, until }))
    }

    /// What destinations were told of an occurrence, or are to be, or are not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settled(&self, occurrence: &str) -> Result<Vec<Settled>, StoreError> {
        let rows = self
            .about(
                "select channel, status, repeat_number, told_at, suppressed from transitions where occurrence = $1
                 order by channel, told_at, repeat_number limit $2",
                occurrence,
            )
            .await?;
        let settled = |row: &AnyRow| {
            Ok(Settled {
                channel: row.try_get("channel")?,
                status: row.try_get("status")?,
                repeat: row.try_get("repeat_number")?,
                told_at: row.try_get::<Option<i64>, _>("told_at")?.map(timestamp).transpose()?,
                suppressed: row.try_get("suppressed")?,
            })
        };
        rows.iter().map(settled).collect()
    }

    /// What copies of an occurrence were not told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn untold(&self, occurrence: &str) -> Result<Vec<Untold>, StoreError> {
        let rows = self
            .about(
                "select channel, reason, times, first_at, last_at from suppressions where occurrence = $1
                 order by channel, reason limit $2",
                occurrence,
            )
            .await?;
        let untold = |row: &AnyRow| {
            Ok(Untold {
                channel: row.try_get("channel")?,
                reason: row.try_get("reason")?,
                times: row.try_get("times")?,
                first_at: timestamp(row.try_get("first_at")?)?,
                last_at: timestamp(row.try_get("last_at")?)?,
            })
        };
        rows.iter().map(untold).collect()
    }

    /// The notifications that speak of an occurrence, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mentioning(&self, occurrence: &str) -> Result<Vec<Mentioned>, StoreError> {
        let rows = self
            .about(
                "select n.id, n.channel, n.kind, n.status, n.created_at
                 from mentions m join notifications n on n.id = m.notification
                 where m.occurrence = $1 order by n.created_at desc, n.id desc limit $2",
                occurrence,
            )
            .await?;
        let mentioned = |row: &AnyRow| {
            Ok(Mentioned {
                id: row.try_get("id")?,
                channel: row.try_get("channel")?,
                kind: row.try_get("kind")?,
                status: row.try_get("status")?,
                created_at: timestamp(row.try_get("created_at")?)?,
            })
        };
        rows.iter().map(mentioned).collect()
    }

    async fn about(&self, select: &'static str, occurrence: &str) -> Result<Vec<AnyRow>, StoreError> {
        Ok(sqlx::query(select).bind(occurrence).bind(MOST).fetch_all(&self.history).await?)
    }
}

fn alert(row: &AnyRow) -> Result<Occurred, StoreError> {
    let is = |column: &str| row.try_get::<i64, _>(column).map(|value| value != 0);
    Ok(Occurred {
        id: row.try_get("id")?,
        source: row.try_get("source")?,
        fingerprint: row.try_get("fingerprint")?,
        state: row.try_get("state")?,
        starts_at: timestamp(row.try_get("starts_at")?)?,
        ends_at: row.try_get::<Option<i64>, _>("ends_at")?.map(timestamp).transpose()?,
        seen_at: timestamp(row.try_get("seen_at")?)?,
        unconfirmed: is("unconfirmed")?,
        flapping: is("flapping")?,
        labels: from_json(row.try_get("labels")?)?,
        annotations: from_json(row.try_get("annotations")?)?,
    })
}
