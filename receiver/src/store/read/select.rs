//! How notifications are looked for, so that an index leads to them whatever they are looked for by.

use modelwatch_receiver_core::message::Pair;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Row as _};

use super::{COLUMNS, Slice};
use crate::store::{Readers, StoreError};

/// Longer patterns cost more than they save, and SQLite refuses very long ones.
const MAX_PATTERN: usize = 1_000;

/// Fewer rows are looked at one by one in no time; none in tests, which have few rows and are about all ways.
const FEW: i64 = if cfg!(test) { 1 } else { 2_000 };

/// Which index leads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lead {
    /// That of state, destination and time.
    Rows,
    /// That of the notifications whose labels are no rows yet.
    Unlabelled,
    /// That of a label; another one may have to be there as well.
    Label(Pair, Option<Pair>),
}

/// A statement that grows with its values.
#[derive(Debug, Default)]
pub(super) struct Select<'a> {
    sql: String,
    values: Vec<Bound<'a>>,
}

#[derive(Debug)]
enum Bound<'a> {
    Number(i64),
    Text(&'a str),
    Owned(String),
}

impl<'a> Select<'a> {
    /// The notifications of `slice`, newest first, that `lead` leads to.
    pub(super) fn notifications(slice: &'a Slice<'_>, lead: Lead) -> Select<'a> {
        let mut select = Select::default();
        match lead {
            Lead::Rows => {
                select.say(&format!("select {COLUMNS} from notifications n where "));
            }
            Lead::Unlabelled => {
                select.say(&format!("select {COLUMNS} from notifications n where n.labelled = 0 and "));
            }
            Lead::Label(pair, other) => select.lead_by_label(slice, pair, other),
        }
        select.within(slice);
        select.of_state_and_channel(slice, matches!(lead, Lead::Unlabelled));
        for (name, value) in slice.labels.into_iter().flatten() {
            if let Some(pattern) = pattern(name, value) {
                select.say(" and n.message like ").bind(Bound::Owned(pattern)).say(" escape '!'");
            }
        }
        let time = if matches!(lead, Lead::Label(..)) { "l.created_at" } else { "n.created_at" };
        select.say(&format!(" order by {time} desc, n.id desc limit ")).bind(Bound::Number(slice.limit));
        select
    }

    /// How many notifications are of the state and the destination of `slice` whatever their labels, counted up to a few.
    pub(super) fn count_of_rows(slice: &'a Slice<'_>) -> Select<'a> {
        let mut select = Select::default();
        select.say("select count(*) from (select 1 from notifications n where ");
        select.within(slice);
        select.of_state_and_channel(slice, false);
        select.say(" limit ").bind(Bound::Number(FEW)).say(") as few");
        select
    }

    /// How often a label was told in the time of `slice`, counted up to a few.
    pub(super) fn count_of_label(slice: &'a Slice<'_>, pair: Pair) -> Select<'a> {
        let mut select = Select::default();
        select.say("select count(*) from (select 1 from labels l where l.pair = ");
        select.bind(Bound::Number(pair.number())).between(slice, "l");
        select.say(" limit ").bind(Bound::Number(FEW)).say(") as few");
        select
    }

    fn lead_by_label(&mut self, slice: &Slice<'_>, pair: Pair, other: Option<Pair>) {
        // SQLite joins in this order: both labels first, then the notification with its long message
        let others = other.map_or("", |_| "cross join labels o ");
        self.say(&format!(
            "select {COLUMNS} from labels l {others}cross join notifications n where l.pair = "
        ));
        self.bind(Bound::Number(pair.number())).between(slice, "l");
        if let Some(other) = other {
            self.say(" and o.created_at = l.created_at and o.pair = ").bind(Bound::Number(other.number()));
        }
        self.say(" and n.created_at = l.created_at and ");
    }

    fn between(&mut self, slice: &Slice<'_>, table: &str) -> &mut Self {
        let (since, until) = (slice.since.as_microsecond(), end(slice).0);
        self.say(&format!(" and {table}.created_at >= ")).bind(Bound::Number(since));
        self.say(&format!(" and {table}.created_at <= ")).bind(Bound::Number(until))
    }

    /// One lower and one upper bound, both of which every index of time and id can begin and end at.
    fn within(&mut self, slice: &'a Slice<'_>) {
        let (time, id) = end(slice);
        self.say("n.created_at >= ").bind(Bound::Number(slice.since.as_microsecond()));
        self.say(" and n.created_at <= ").bind(Bound::Number(time));
        self.say(" and (n.created_at < ").bind(Bound::Number(time));
        self.say(" or n.id < ").bind(Bound::Text(id)).say(")");
    }

    /// `besides`: another index is to lead, so these are no terms that one could lead by.
    fn of_state_and_channel(&mut self, slice: &'a Slice<'_>, besides: bool) {
        let Slice { status, channel, .. } = slice;
        let (column, wanted) = match (status.is_empty(), channel.is_empty()) {
            (true, true) => return,
            (false, true) => ("n.status", Bound::Text(status)),
            (true, false) => ("n.channel", Bound::Text(channel)),
            (false, false) => ("(n.status || ' ' || n.channel)", Bound::Owned(format!("{status} {channel}"))),
        };
        let term =
            if besides { format!(" and coalesce({column}, '') = ") } else { format!(" and {column} = ") };
        self.say(&term).bind(wanted);
    }

    fn say(&mut self, words: &str) -> &mut Self {
        self.sql.push_str(words);
        self
    }

    fn bind(&mut self, value: Bound<'a>) -> &mut Self {
        self.values.push(value);
        self.sql.push_str(&format!("${}", self.values.len()));
        self
    }

    /// What it finds.
    pub(super) async fn rows(self, readers: &Readers) -> Result<Vec<AnyRow>, StoreError> {
        Ok(self.query().fetch_all(readers).await?)
    }

    /// The number that it counts.
    pub(super) async fn number(self, readers: &Readers) -> Result<i64, StoreError> {
        Ok(self.query().fetch_one(readers).await?.try_get(0)?)
    }

    fn query(self) -> Query<'a, Any, AnyArguments> {
        let query = sqlx::query(AssertSqlSafe(self.sql));
        self.values.into_iter().fold(query, |query, value| match value {
            Bound::Number(number) => query.bind(number),
            Bound::Text(text) => query.bind(text),
            Bound::Owned(text) => query.bind(text),
        })
    }
}

/// Whether so many, counted up to a few, are all there are.
pub(super) fn are_few(count: i64) -> bool {
    count < FEW
}

/// The place that all notifications of a slice lie before: its time and id.
fn end<'a>(slice: &Slice<'a>) -> (i64, &'a str) {
    let (time, id) = slice.before;
    if slice.until < time {
        (slice.until.as_microsecond().saturating_add(1), "")
    } else {
        (time.as_microsecond(), id)
    }
}

/// A pattern for `like … escape '!'` that finds a label within a message's JSON; none for what is too long.
fn pattern(name: &str, value: &str) -> Option<String> {
    let json = format!("{}:{}", serde_json::Value::from(name), serde_json::Value::from(value));
    let escaped = json.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    (escaped.len() <= MAX_PATTERN).then(|| format!("%{escaped}%"))
}

#[cfg(test)]
mod tests;
