//! One unit of work: all of it is on disk after [`Transaction::commit`], or none of it.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::bounded::Bounded;
use super::dialect::{Dialect, Hurry};
use super::memory::Memory;
use super::steady::Steady;
use super::writer::{Desk, Turn};
use super::{Store, StoreError};

/// A transaction on the one connection that writes; dropped without a commit, nothing happened.
///
/// sqlx's own transaction is not used: when the disk is full SQLite ends a transaction by itself, after which sqlx takes
/// the next ones for savepoints within it and reports commits that never happen. Here a connection whose transaction
/// did not end by a commit is closed, and the next transaction begins on a new one.
pub struct Transaction {
    desk: Desk,
    turn: Turn,
    dialect: Dialect,
    hurry: Hurry,
    steady: Steady,
    /// Whether what waits was made to follow a clock that was set back.
    follows: bool,
    /// Whether nothing is written but what the memory knows of.
    is_told: bool,
    /// How many statements were run, for tests of who is to need few.
    #[cfg(test)]
    pub(super) statements: usize,
}

impl Transaction {
    pub(super) async fn begin(store: &Store, hurry: Hurry) -> Result<Transaction, StoreError> {
        let mut turn = store.writer.turn().await?;
        if let Some(desk) = turn.take() {
            match Transaction::begin_on(desk, turn, store, hurry).await {
                // it was lost while nobody used it
                Err(StoreError::Unreachable(_)) => turn = store.writer.turn().await?,
                begun => return begun,
            }
        }
        let desk = store.writer.connect().await?;
        Transaction::begin_on(desk, turn, store, hurry).await
    }

    async fn begin_on(
        desk: Desk,
        turn: Turn,
        store: &Store,
        hurry: Hurry,
    ) -> Result<Transaction, StoreError> {
        let mut transaction = Transaction {
            desk,
            turn,
            dialect: store.dialect,
            hurry,
            steady: store.steady.clone(),
            follows: false,
            is_told: false,
            #[cfg(test)]
            statements: 0,
        };
        let begin = sqlx::raw_sql(store.dialect.begin(hurry));
        if let Some(row) = begin.fetch_all(transaction.connection()).await?.last() {
            match store.dialect {
                Dialect::Sqlite => transaction.desk.memory.stand_at(row.try_get("data_version")?),
                Dialect::Postgres => {
                    store.steady.set(timestamp(row.try_get("now")?)?);
                    // others may have written since
                    transaction.desk.memory.forget_all();
                }
            }
        }
        if store.steady.is_set_back() {
            transaction.desk.memory.forget_all();
            transaction.follow_clock().await?;
            transaction.follows = true;
        }
        Ok(transaction)
    }

    /// The time by the store's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.steady.now()
    }

    pub(super) fn connection(&mut self) -> Bounded<'_> {
        #[cfg(test)]
        {
            self.statements += 1;
        }
        Bounded { connection: &mut self.desk.connection, limit: self.dialect.answers_within() }
    }

    /// Says that nothing is written that changes what is known of an alert, but what the memory is told of.
    pub(super) fn concerns_nothing_else(&mut self) {
        self.is_told = true;
    }

    /// Says that nothing is written that changes what is known of alerts, but of those that a notification mentions.
    pub(super) async fn concerns(&mut self, notification: &str) -> Result<(), StoreError> {
        self.concerns_nothing_else();
        self.forget_mentioned(&[(notification,)]).await
    }

    /// What is known of the alerts that these notifications mention is not so any more.
    pub(super) async fn forget_mentioned(
        &mut self,
        notifications: &[impl Serialize],
    ) -> Result<(), StoreError> {
        if self.memory().is_empty() {
            return Ok(());
        }
        let select = "select {list}m.occurrence{/list} from {rows} cross join mentions m
             where m.notification = r.value->>0";
        let mentioned: Vec<(String,)> = self.list(select, notifications).await?;
        mentioned.iter().for_each(|(occurrence,)| self.memory().forget(occurrence));
        Ok(())
    }

    /// What is remembered beside what is read.
    pub(super) fn memory(&mut self) -> &mut Memory {
        &mut self.desk.memory
    }

    /// Runs a statement over `rows`, which stand in its `{rows}`; over none, nothing.
    pub(super) async fn apply(&mut self, sql: &str, rows: &[impl Serialize]) -> Result<(), StoreError> {
        if !rows.is_empty() {
            let statement = sqlx::query(self.dialect.sql(sql)).bind(to_json(&rows)?);
            statement.execute(self.connection()).await?;
        }
        Ok(())
    }

    /// What a query over `rows`, which stand in its `{rows}`, finds.
    pub(super) async fn select(
        &mut self,
        sql: &str,
        rows: &[impl Serialize],
    ) -> Result<Vec<AnyRow>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let query = sqlx::query(self.dialect.sql(sql)).bind(to_json(&rows)?);
        Ok(query.fetch_all(self.connection()).await?)
    }

    /// The same where it is much: what is found comes as one `{list}`.
    pub(super) async fn list<T: DeserializeOwned>(
        &mut self,
        sql: &str,
        rows: &[impl Serialize],
    ) -> Result<Vec<T>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let query = sqlx::query_scalar(self.dialect.sql(sql)).bind(to_json(&rows)?);
        let found: String = query.fetch_one(self.connection()).await?;
        from_json(&found)
    }

    /// Puts everything on disk.
    ///
    /// # Errors
    /// When the database fails; then nothing of it happened.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::raw_sql(self.dialect.commit(self.hurry)).execute(self.connection()).await?;
        if self.follows {
            self.steady.followed();
        }
        if !self.is_told {
            self.desk.memory.forget_all();
        }
        let Transaction { desk, mut turn, .. } = self;
        *turn = Some(desk);
        Ok(())
    }
}

/// A new id: unique everywhere, and later ones sort after earlier ones of the same process.
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Text that others wrote as PostgreSQL can hold it: without the character U+0000.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn timestamp(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|error| StoreError::Damaged(error.to_string()))
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged(error.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(error.to_string()))
}
