//! What the history asks of the store about alerts by their name, summed up: how often, for how long, and how much people
//! were told. It looks at no more than a bounded number of rows, the newest.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::transaction::timestamp;
use super::{Store, StoreError};

/// No more notifications, and no more occurrences that are over, are looked at; fewer in tests, which are about both.
const MOST: i64 = if cfg!(test) { 5 } else { 100_000 };

/// What happened of the alerts of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The label `alertname`; `None` for alerts without one.
    pub alertname: Option<String>,
    /// How many occurrences fire or were heard of.
    pub occurrences: i64,
    /// For how many microseconds they fired, together.
    pub firing: i64,
    /// How many of them are over for certain.
    pub resolved: i64,
    /// How many microseconds these took, together.
    pub until_resolved: i64,
    /// How often one began to flap.
    pub flaps: i64,
}

/// How often something happened to the alerts of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The label `alertname`; `None` for alerts without one.
    pub alertname: Option<String>,
    /// Why they were not told; empty where they were.
    pub reason: String,
    /// How often.
    pub times: i64,
}

impl Store {
    /// From when on so much happened that it can all be looked at: `since`, or later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn countable_since(&self, since: Timestamp) -> Result<Timestamp, StoreError> {
        let mut countable = since;
        for (column, table) in [("created_at", "notifications"), ("seen_at", "occurrences")] {
            let select = format!(
                "select {column} from {table} where {column} >= $1 order by {column} desc limit 1 offset {MOST}"
            );
            let beyond: Option<i64> = sqlx::query_scalar(AssertSqlSafe(select))
                .bind(since.as_microsecond())
                .fetch_optional(&self.history)
                .await?;
            if let Some(beyond) = beyond {
                countable = countable.max(timestamp(beyond.saturating_add(1))?);
            }
        }
        Ok(countable)
    }

    /// What happened of alerts that fire or were heard of since then, by name. Time before that does not count as firing, nor time in
    /// which nobody spoke of them any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn happened(&self, since: Timestamp, now: Timestamp) -> Result<Vec<Happened>, StoreError> {
        let (labels, detail) = (self.dialect.json("o.labels"), self.dialect.json("o.detail"));
        let select = format!(
            "select name, count(*) as occurrences,
                 cast(sum(case when until > since then until - since else 0 end) as bigint) as firing,
                 cast(sum(is_over) as bigint) as resolved, cast(sum(is_over * took) as bigint) as until_resolved,
                 cast(sum((stage + 1) / 2) as bigint) as flaps
             from (select {labels}->>'alertname' as name,
                       case when o.starts_at < $1 then $1 else o.starts_at end as since,
                       case o.state when 'firing' then $2 when 'resolved' then o.ends_at else o.seen_at end as until,
                       case when o.state = 'resolved' and o.unconfirmed = 0 then 1 else 0 end as is_over,
                       coalesce(o.ends_at, o.starts_at) - o.starts_at as took,
                       coalesce(cast({detail}->'unrest'->>'stage' as bigint), 0) as stage
                   from occurrences o where (o.seen_at >= $1 or o.state = 'firing') and o.state <> 'test') as happened
             group by name"
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(since.as_microsecond())
            .bind(now.as_microsecond())
            .fetch_all(&self.history)
            .await?;
        rows.iter().map(happened).collect()
    }

    /// How many delivered notifications that were accepted since then speak of alerts, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sent(&self, since: Timestamp) -> Result<Vec<Counted>, StoreError> {
        let select = format!(
            "select name, '' as reason, count(*) as times
             from (select distinct n.id, {}->>'alertname' as name
                   from notifications n cross join mentions m cross join occurrences o
                   where n.status = 'delivered' and n.created_at >= $1 and m.notification = n.id
                     and m.said is not null and o.id = m.occurrence and o.state <> 'test') as sent
             group by name",
            self.dialect.json("o.labels")
        );
        self.counted(select, since).await
    }

    /// How often alerts that fire or were heard of since then were not told, by name and reason.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsaid(&self, since: Timestamp) -> Result<Vec<Counted>, StoreError> {
        let select = format!(
            "select name, reason, cast(sum(times) as bigint) as times
             from (select {}->>'alertname' as name, s.reason, s.times
                   from occurrences o cross join suppressions s
                   where (o.seen_at >= $1 or o.state = 'firing') and o.state <> 'test' and s.occurrence = o.id) as untold
             group by name, reason",
            self.dialect.json("o.labels")
        );
        self.counted(select, since).await
    }

    async fn counted(&self, select: String, since: Timestamp) -> Result<Vec<Counted>, StoreError> {
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(since.as_microsecond()).fetch_all(&self.history).await?;
        let counted = |row: &AnyRow| {
            let (alertname, reason) = (row.try_get("name")?, row.try_get("reason")?);
            Ok(Counted { alertname, reason, times: row.try_get("times")? })
        };
        rows.iter().map(counted).collect()
    }
}

fn happened(row: &AnyRow) -> Result<Happened, StoreError> {
    Ok(Happened {
        alertname: row.try_get("name")?,
        occurrences: row.try_get("occurrences")?,
        firing: row.try_get("firing")?,
        resolved: row.try_get("resolved")?,
        until_resolved: row.try_get("until_resolved")?,
        flaps: row.try_get("flaps")?,
    })
}
