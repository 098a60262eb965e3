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
        step(3, "leases with owners, gates, and what was not told", SHARED),
        step(4, "finding notifications by label, destination and state", FOUND),
        step(5, "what is due is found at once, and who was sent again is known", READY),
        step(6, "occurrences about which Alertmanager is asked", ASKED),
        step(7, "what destinations heard last", LAST_WORDS),
        step(8, "the latest time there was, and the order of attempts", TIMES),
        step(9, "finding notifications by label and state", STATES),
        step(10, "where the messages about groups stand", POSTS),
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

/// Several receivers may share the tables: who owns a notification, who is alive, and from when on a destination may be
/// sent to stand in them. A group's key and its source may be of any length, which an index of PostgreSQL does not take:
/// `group_id` stands for both.
const SHARED: &str = "
create table receivers (
    id text primary key,
    alive_until bigint not null
);
create table gates (
    channel text primary key,
    opens_at bigint not null
);
create table suppressions (
    channel text not null,
    occurrence text not null,
    reason text not null,
    times bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    primary key (channel, occurrence, reason)
);
create index suppressions_occurrence on suppressions (occurrence);

alter table occurrences add column copy bigint not null default 0;
alter table occurrences add column flapping bigint not null default 0;

alter table transitions add column last_at bigint;
update transitions set last_at =
    (select max(n.created_at) from mentions m join notifications n on n.id = m.notification
     where m.occurrence = transitions.occurrence and n.channel = transitions.channel)
where status = 'firing' and repeat_number = 0;

drop index occurrences_newest;
create unique index occurrences_newest on occurrences (fingerprint, source, number);
create index occurrences_alarms on occurrences (group_key, number) where source = '(heartbeat)';

drop index notifications_leased;
drop index notifications_group;
alter table notifications drop column leased;
alter table notifications add column owner text;
alter table notifications add column group_id text not null default '';
alter table notifications add column patience_from bigint not null default 0;
alter table notifications add column fallback_of text;
update notifications set patience_from = waiting_since;
create index notifications_owned on notifications (channel) where owner is not null;
create index notifications_group on notifications (channel, group_id) where status = 'pending';
create index notifications_unnamed on notifications (source) where group_id = '';
create index notifications_fallback on notifications (fallback_of) where fallback_of is not null;
";

/// A history of a million notifications answers within milliseconds. `pair` is a digest of a label's name and value: a row
/// says that a notification accepted then speaks of an alert with that label. The rows of what was put into words again are
/// missing until `labelled` is 1 again; they are written in the background, so that no webhook waits for them. State and destination together
/// are one expression, since SQLite would not choose an index of both over one of either.
const FOUND: &str = "
create table labels (
    pair bigint not null,
    created_at bigint not null,
    primary key (pair, created_at)
);
create index labels_created on labels (created_at);

alter table notifications add column labelled bigint not null default 0;
create index notifications_unlabelled on notifications (labelled, created_at, id) where labelled = 0;
create index notifications_status on notifications (status, created_at, id);
create index notifications_channel on notifications (channel, created_at, id);
create index notifications_state_there on notifications ((status || ' ' || channel), created_at, id);
";

/// What waits is `ready`, or postponed until `due_at`: of what is ready an index knows which waits for longest, whatever
/// else does. `replayed` is 1 since it was a dead letter that somebody had sent again; of those from before, it is guessed
/// from their times.
const READY: &str = "
alter table notifications add column ready bigint not null default 1;
alter table notifications add column replayed bigint not null default 0;
update notifications set ready = 0 where status = 'pending' and due_at > 0;
update notifications set replayed = 1
where status in ('pending', 'dead') and late = 1 and patience_from > waiting_since and fallback_of is null;

drop index notifications_due;
drop index notifications_waiting;
create index notifications_ready on notifications (channel, ready, waiting_since) where status = 'pending';
create index notifications_postponed on notifications (channel, due_at) where status = 'pending' and ready = 0;
";

const ASKED: &str = "
alter table occurrences add column question bigint;
create index occurrences_question on occurrences (question) where question is not null;
";

/// What a message says of an occurrence is noted with the stage of flapping that it says it of, since the occurrence may go on
/// while the message is under way; and what a destination heard last of one, `firing` or `resolved`, stands in all
/// transitions of it that there were then.
const LAST_WORDS: &str = "
alter table mentions add column said_stage bigint not null default 0;
alter table transitions add column heard text;
";

/// The one row of `clock` holds the latest time that was noted. The attempts of a notification are numbered; those from before
/// are in the order of their times.
const TIMES: &str = "
create table clock (
    id bigint primary key,
    latest bigint not null
);
alter table attempts add column number bigint not null default 0;
";

/// A label that is common and a state that is common may never meet, so rows of labels are of one state each: a row says that a
/// notification accepted then, with an alert with that label, was in that state. `labelled_as` is the state that a
/// notification was in when its rows were written, or nothing; where it is not the present one, they are written again.
/// Those of a state that nothing accepted then is in any more are deleted. `labelled` stays, unused: without it SQLite would
/// write a long history anew.
const STATES: &str = "
drop table labels;
create table labels (
    pair bigint not null,
    state bigint not null,
    created_at bigint not null,
    primary key (pair, state, created_at)
);
create index labels_created on labels (created_at, state);

drop index notifications_unlabelled;
alter table notifications add column labelled_as text not null default '';
create index notifications_unlabelled on notifications (created_at, id) where labelled_as <> status;
";

/// One message for a destination and group, and the newest notification that was told by it, with which it is forgotten.
const POSTS: &str = "
create table posts (
    channel text not null,
    group_id text not null,
    notification text not null,
    post text not null,
    primary key (channel, group_id)
);
create index posts_notification on posts (notification);
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
