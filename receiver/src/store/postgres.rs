//! A store in a PostgreSQL database, which any number of receivers share.
//!
//! Nobody waits for ever: a session that hangs, holds the store's lock or lost its receiver is ended by the server within
//! seconds. A connection that was lost is an error of the operation that used it; the next one is made anew.

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection as _};

use super::error::words;
use super::place::Database;
use super::{HISTORY_READERS, PATIENCE, Pools, READERS, StoreError, schema};

/// What every session begins with. What is called committed is on disk, whatever the database's own settings say; the
/// plan of a statement does not depend on when its tables were last counted; and the server notices within seconds that a
/// receiver hangs or is gone, so that it does not keep the others waiting.
const SESSION: &str = "
    select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
    set application_name = 'modelwatch-receiver';
    set jit = off;
    set enable_seqscan = off;
    set lock_timeout = '5s';
    set idle_in_transaction_session_timeout = '5s';
    set tcp_keepalives_idle = 5;
    set tcp_keepalives_interval = 2;
    set tcp_keepalives_count = 3;
    set tcp_user_timeout = '10s';";

/// For who writes: a statement that takes longer has gone wrong.
const WRITING: &str = "set statement_timeout = '8s'";

/// For who reads beside the writer.
const READING: &str = "set statement_timeout = '8s'; set default_transaction_read_only = on";

/// For who looks at the history, which may be long.
const LOOKING: &str = "set statement_timeout = '30s'; set default_transaction_read_only = on";

/// Connects, and brings the tables up to date; whoever does so at the same time waits.
pub(super) async fn serve(database: &Database) -> Result<Pools, StoreError> {
    let refused = |error: String| StoreError::Refused { database: database.to_string(), error };
    let mut connection = probe(database).await?;
    schema::migrator().run(&mut connection).await.map_err(|error| refused(error.to_string()))?;
    connection.close().await.map_err(|error| refused(words(&error)))?;
    Ok(Pools {
        writer: connect(database, 1, WRITING).await?,
        readers: connect(database, READERS, READING).await?,
        history: connect(database, HISTORY_READERS, LOOKING).await?,
    })
}

/// Connects to a store that others may serve; tables that are not there are not made.
pub(super) async fn look(database: &Database) -> Result<Pools, StoreError> {
    let mut connection = probe(database).await?;
    let found: Option<i64> = sqlx::query_scalar(
        "select 1::bigint from pg_catalog.pg_class where oid = to_regclass('notifications')",
    )
    .fetch_optional(&mut connection)
    .await
    .map_err(|error| StoreError::Refused { database: database.to_string(), error: words(&error) })?;
    if found.is_none() {
        return Err(StoreError::Absent(format!("a store in {database}")));
    }
    let readers = connect(database, 1, LOOKING).await?;
    Ok(Pools { writer: readers.clone(), history: readers.clone(), readers })
}

/// One connection says at once what is wrong; a pool would try for a while.
async fn probe(database: &Database) -> Result<AnyConnection, StoreError> {
    sqlx::any::install_default_drivers();
    let connecting = tokio::time::timeout(PATIENCE, AnyConnection::connect(database.url())).await;
    let refused = |error| StoreError::Refused { database: database.to_string(), error };
    match connecting {
        Ok(connected) => connected.map_err(|error| refused(words(&error))),
        Err(_) => Err(refused("it does not answer".to_owned())),
    }
}

async fn connect(
    database: &Database,
    connections: u32,
    purpose: &'static str,
) -> Result<AnyPool, StoreError> {
    let options = AnyPoolOptions::new()
        .max_connections(connections)
        // none is made but by who waits for it, and not for ever
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(&mut *connection).await?;
                sqlx::raw_sql(purpose).execute(connection).await.map(drop)
            })
        });
    let refused =
        |error: sqlx::Error| StoreError::Refused { database: database.to_string(), error: words(&error) };
    options.connect(database.url()).await.map_err(refused)
}

#[cfg(test)]
mod tests;
