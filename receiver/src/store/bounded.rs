//! Statements that are given up when no answer comes: a network that swallows everything must not hold a receiver for
//! ever. A server has shorter limits of its own, so these are met only when the way to it is broken; then the connection is
//! closed, and the next one is made anew.

use std::future::Future;
use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyConnection, AnyPool, Either, Error, Execute, Executor, SqlStr};

/// What one statement came to.
type Answer = Either<AnyQueryResult, AnyRow>;

/// A connection whose statements may each take so long at most.
#[derive(Debug)]
pub(super) struct Bounded<'c> {
    pub(super) connection: &'c mut AnyConnection,
    pub(super) limit: Duration,
}

/// Connections whose statements may each take so long at most.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    pool: AnyPool,
    limit: Duration,
}

impl Readers {
    pub(super) fn new(pool: AnyPool, limit: Duration) -> Readers {
        Readers { pool, limit }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs a statement on one of the connections.
    async fn run<'q, E: 'q + Execute<'q, Any>>(&self, query: E) -> Result<Vec<Answer>, Error> {
        let mut connection = self.pool.acquire().await?;
        let answers = within(self.limit, connection.fetch_many(query).try_collect()).await;
        if answers.is_err() {
            connection.close_on_drop();
        }
        answers
    }
}

/// What `answer` comes to, unless it takes longer than `limit`.
async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let silent = || {
        let what = format!("no answer within {} seconds", limit.as_secs());
        Error::Io(io::Error::new(io::ErrorKind::TimedOut, what))
    };
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err(silent()))
}

/// Answers that come all at once, as a stream.
fn streamed<'e>(
    answers: impl Future<Output = Result<Vec<Answer>, Error>> + Send + 'e,
) -> BoxStream<'e, Result<Answer, Error>> {
    stream::once(answers).map_ok(|answers| stream::iter(answers.into_iter().map(Ok))).try_flatten().boxed()
}

fn first_row(answers: Vec<Answer>) -> Option<AnyRow> {
    answers.into_iter().find_map(Either::right)
}

impl<'c> Executor<'c> for Bounded<'c> {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Answer, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        streamed(within(self.limit, self.connection.fetch_many(query).try_collect()))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(within(self.limit, self.connection.fetch_optional(query)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(within(self.limit, self.connection.prepare_with(sql, parameters)))
    }
}

impl<'c> Executor<'c> for &'c Readers {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Answer, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        streamed(self.run(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move { self.run(query).await.map(first_row) })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(within(self.limit, self.pool.prepare_with(sql, parameters)))
    }
}
