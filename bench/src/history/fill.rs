//! A store as years of webhooks would have left it.

use std::path::Path;

use anyhow::Result;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

/// How many notifications one statement writes.
const CHUNK: u64 = 50_000;
/// From one notification to the next, in microseconds: a million of them take 30 days.
const STEP: u64 = 2_592_000;
/// When the first was accepted: 2026-01-01.
const FIRST: u64 = 1_767_225_600_000_000;

/// The id of the notification of that number, in SQL and here; later ones sort after earlier ones.
const ID: &str = "printf('0199aaaa-%04x-7000-8000-%012x', i / 65536, i)";

/// The same as [`ID`].
pub(super) fn id(number: u64) -> String {
    format!("0199aaaa-{:04x}-7000-8000-{number:012x}", number / 65_536)
}

const CHANNEL: &str = "case when i % 10000 = 23 then 'rare' when i % 2 = 0 then 'team' else 'mails' end";

const ALERTNAME: &str = "case when i % 10000 = 17 then 'Rare' else 'Alert' || (i % 10) end";

/// The labels of one of the two alerts of a notification.
fn labels(feature: &str) -> String {
    format!(
        "json_object('alertname', {ALERTNAME}, 'environment', 'prod', 'feature', 'feature_' || {feature}, 'instance', 'host-' || i,
             'model', 'model_' || (i % 50), 'severity', 'warning', 'team', 'mlops')"
    )
}

fn alert(feature: &str) -> String {
    format!(
        "json_object('fingerprint', printf('%016x', i), 'status', 'firing', 'change', 'new', 'starts_at', '2026-01-01T00:00:00Z',
             'ends_at', null, 'labels', {}, 'annotations', json_object(
                 'summary', 'A feature of a model has drifted far from its reference',
                 'description', 'The population stability index of the last day is above 0.25, the threshold of this feature.',
                 'runbook_url', 'https://runbooks.example.com/drift'),
             'generator_url', 'http://prometheus.example.com:9090/graph?g0.expr=data_drift_excess+%3E+0.15&g0.tab=1')",
        labels(feature)
    )
}

fn notifications() -> String {
    let message = format!(
        "json_object('id', {ID}, 'channel', {CHANNEL}, 'environment', 'prod', 'kind', 'new', 'late', json('false'), 'unconfirmed', json('false'),
             'status', 'firing', 'at', '2026-01-01T00:00:00Z', 'group', 'group-' || (i % 5000), 'group_labels', json('{{}}'),
             'alerts', json_array({}, {}), 'truncated_alerts', 0, 'alertmanager_url', 'http://alertmanager.example.com:9093',
             'history_url', null, 'thread', null)",
        alert("(i % 1000)"),
        alert("((i + 1) % 1000)")
    );
    format!(
        "insert into notifications (id, number, channel, source, group_key, group_labels, external_url, truncated_alerts, created_at,
             waiting_since, kind, late, status, suppressed, due_at, message, content, problem)
         select {ID}, 1, {CHANNEL}, 'default', 'group-' || (i % 5000),
             '{{}}', 'http://alertmanager.example.com:9093', 0, {FIRST} + i * {STEP}, {FIRST} + i * {STEP}, 'new', 0,
             case when i % 10000 = 42 then 'dead' when i % 20 = 5 then 'suppressed' else 'delivered' end,
             case when i % 20 = 5 then 'superseded' end, 0, {message}, substr(hex(zeroblob(700)), 1, 1200), null
         from n"
    )
}

fn statements() -> [String; 5] {
    [
        notifications(),
        format!(
            "insert into attempts (id, notification, started_at, finished_at, result, reason, ambiguous, detail)
             select {ID}, {ID}, {FIRST} + i * {STEP}, {FIRST} + i * {STEP} + 9000, 'delivered', null, 0, '200 ok' from n where i % 20 <> 5"
        ),
        format!("insert into mentions (notification, occurrence, said) select {ID}, 'o' || {ID}, 'firing' from n"),
        format!(
            "insert into transitions (channel, occurrence, status, repeat_number, told_at, suppressed)
             select 'team', 'o' || {ID}, 'firing', 0, {FIRST} + i * {STEP}, null from n"
        ),
        format!(
            "insert into occurrences (id, source, fingerprint, number, state, starts_at, ends_at, seen_at, check_at, unconfirmed, detail,
                 labels, annotations, generator_url, group_key, group_labels, external_url)
             select 'o' || {ID}, 'default', printf('%016x', i), 1, 'resolved', {FIRST}, {FIRST}, {FIRST} + i * {STEP}, null, 0, '{{}}', {},
                 '{{}}', '', 'group-' || (i % 5000), '{{}}', '' from n",
            labels("(i % 1000)")
        ),
    ]
}

/// Writes so many notifications and what belongs to them into an existing store that nobody serves.
///
/// # Errors
/// When the database fails.
pub(super) async fn fill(store: &Path, count: u64) -> Result<()> {
    let mut connection = open(store, "rw").await?;
    sqlx::raw_sql("pragma synchronous = off; pragma cache_size = -500000").execute(&mut connection).await?;
    for from in (1..=count).step_by(usize::try_from(CHUNK)?) {
        let to = count.min(from + CHUNK - 1);
        let numbers =
            format!("with recursive n(i) as (select {from} union all select i + 1 from n where i < {to})");
        sqlx::raw_sql("begin").execute(&mut connection).await?;
        for statement in statements() {
            // `with` stands before the select of an insert
            let (insert, select) = statement.split_once("select").unwrap_or((&statement, ""));
            let whole = format!("{insert} {numbers} select {select}");
            sqlx::raw_sql(AssertSqlSafe(whole)).execute(&mut connection).await?;
        }
        sqlx::raw_sql("commit").execute(&mut connection).await?;
        eprintln!("the history has {to} of {count} notifications");
    }
    sqlx::raw_sql("pragma wal_checkpoint(truncate)").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Whether there are notifications whose labels are in no index yet; `None` of a store that keeps none.
///
/// # Errors
/// When the database fails.
pub(super) async fn unlabelled(store: &Path) -> Result<Option<bool>> {
    let mut connection = open(store, "ro").await?;
    let columns = sqlx::query("select 1 from pragma_table_info('notifications') where name = 'labelled_as'");
    if columns.fetch_optional(&mut connection).await?.is_none() {
        return Ok(None);
    }
    let open = sqlx::query("select 1 from notifications where labelled_as <> status limit 1")
        .fetch_optional(&mut connection)
        .await?;
    Ok(Some(open.is_some()))
}

async fn open(store: &Path, mode: &str) -> Result<AnyConnection> {
    Ok(AnyConnection::connect(&format!("sqlite://{}?mode={mode}", store.display())).await?)
}
