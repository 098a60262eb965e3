//! The tables, in SQL that SQLite and PostgreSQL both understand.
//!
//! Times are microseconds since 1970 in UTC, yes and no are 1 and 0, structured values are JSON text. What is newer is
//! never told by a time, since clocks go back: the occurrences of one alert have numbers, and so have the notifications
//! that wait for one destination about one group.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Every change to the tables since the first version, oldest first. One that was released is never edited.
pub(super) fn migrator() -> Migrator {
    Migrator::with_migrations(vec![
        step(1, "webhooks, occurrences, notifications, attempts", FIRST),
        step(2, "what single recipients of a notification came to", RECEIPTS),
    ])
}

fn step(version: i64, what: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, Cow::Borrowed(what), MigrationType::Simple, sql.into_sql_str(), false)
}

const RECEIPTS: &str = "
create table receipts (
    notification text not null,
    recipient text not null,
    result text not null,
    reason text,
    ambiguous bigint not null,
    detail text not null,
    tries bigint not null,
    primary key (notification, recipient)
);
";

const FIRST: &str = "
create table webhooks (
    id text primary key,
    accepted_at bigint not null,
    source text not null,
    group_key text not null,
    firing bigint not null,
    resolved bigint not null,
    truncated_alerts bigint not null
);
create index webhooks_accepted on webhooks (accepted_at);

create table occurrences (
    id text primary key,
    source text not null,
    fingerprint text not null,
    number bigint not null,
    state text not null,
    starts_at bigint not null,
    ends_at bigint,
    seen_at bigint not null,
    check_at bigint,
    unconfirmed bigint not null,
    detail text not null,
    labels text not null,
    annotations text not null,
    generator_url text not null,
    group_key text not null,
    group_labels text not null,
    external_url text not null
);
create unique index occurrences_open on occurrences (source, fingerprint) where state = 'firing';
create unique index occurrences_newest on occurrences (source, fingerprint, number);
create index occurrences_check on occurrences (check_at) where check_at is not null;
create index occurrences_seen on occurrences (seen_at);

create table notifications (
    id text primary key,
    number bigint not null,
    channel text not null,
    source text not null,
    group_key text not null,
    group_labels text not null,
    external_url text not null,
    truncated_alerts bigint not null,
    created_at bigint not null,
    waiting_since bigint not null,
    kind text not null,
    late bigint not null,
    status text not null,
    suppressed text,
    due_at bigint not null,
    leased bigint not null,
    message text not null,
    content text,
    problem text
);
create index notifications_due on notifications (channel, due_at) where status = 'pending';
create index notifications_waiting on notifications (channel, waiting_since) where status = 'pending';
create index notifications_leased on notifications (channel) where leased = 1;
create index notifications_group on notifications (channel, source, group_key) where status = 'pending';
create index notifications_created on notifications (created_at, id);

create table mentions (
    notification text not null,
    occurrence text not null,
    said text,
    primary key (notification, occurrence)
);
create index mentions_occurrence on mentions (occurrence);

create table transitions (
    channel text not null,
    occurrence text not null,
    status text not null,
    repeat_number bigint not null,
    told_at bigint,
    suppressed text,
    primary key (channel, occurrence, status, repeat_number)
);
create index transitions_occurrence on transitions (occurrence);

create table attempts (
    id text primary key,
    notification text not null,
    started_at bigint not null,
    finished_at bigint,
    result text,
    reason text,
    ambiguous bigint not null,
    detail text not null
);
create index attempts_notification on attempts (notification, started_at);

create table heartbeats (
    name text primary key,
    last_at bigint not null
);
";
