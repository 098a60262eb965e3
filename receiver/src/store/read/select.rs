//! How notifications are looked for, so that an index leads to them whatever they are looked for by.

use modelwatch_receiver_core::message::Pair;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Row as _};

use super::{COLUMNS, Slice};
use crate::store::labels::{STATES, number};
use crate::store::{Readers, StoreError};

/// Longer patterns cost more than they save, and SQLite refuses very long ones.
const MAX_PATTERN: usize = 1_000;

/// Fewer rows are looked at one by one in no time; none in tests, which have few rows and are about all ways.
const FEW: i64 = if cfg!(test) { 1 } else { 2_000 };

/// Of two labels the rarer one leads: to count up to so many costs far less than to look each of them up.
const OFTEN: i64 = 25_000;

/// A label: its name and its value.
pub(super) type Label<'a> = (&'a str, &'a str);

/// Which index leads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lead<'a> {
    /// That of state, destination and time.
    Rows,
    /// That of the notifications whose labels are no rows yet.
    Unlabelled,
    /// That of a label in each state that is looked for; another one may have to be there as well.
    Label(Label<'a>, Option<Label<'a>>),
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
    pub(super) fn notifications(slice: &'a Slice<'_>, lead: Lead<'_>) -> Select<'a> {
        let mut select = Select::default();
        match lead {
            Lead::Rows => select.of_rows(slice, false),
            Lead::Unlabelled => select.of_rows(slice, true),
            Lead::Label(label, other) => {
                for (place, status) in states(slice).iter().enumerate() {
                    select.say(if place == 0 { "" } else { " union all " });
                    select.of_label(slice, status, [Some(label), other]);
                }
            }
        }
        select.say(" order by created_at desc, id desc limit ").bind(Bound::Number(slice.limit));
        select
    }

    /// How many notifications are of the state and the destination of `slice` whatever their labels, counted up to a few.
    pub(super) fn count_of_rows(slice: &'a Slice<'_>) -> Select<'a> {
        let mut select = Select::default();
        select.say("select count(*) from (select 1 from notifications n where ");
        select.within(slice, "n").say(" and ").before(slice, "n");
        select.of_state_and_channel(slice, false);
        select.say(" limit ").bind(Bound::Number(FEW)).say(") as few");
        select
    }

    /// How often a label was told in the time of `slice`, counted for as long as that saves more than it costs.
    pub(super) fn count_of_label(slice: &'a Slice<'_>, label: Label<'_>) -> Select<'a> {
        let mut select = Select::default();
        select.say("select count(*) from (select 1 from labels l where l.pair = ");
        select.bind(Bound::Number(pair(slice, label).number()));
        let states: Vec<String> = states(slice).iter().map(|status| number(status).to_string()).collect();
        select.say(&format!(" and l.state in ({}) and ", states.join(", "))).within(slice, "l");
        select.say(" limit ").bind(Bound::Number(OFTEN)).say(") as few");
        select
    }

    fn of_rows(&mut self, slice: &'a Slice<'_>, unlabelled: bool) {
        self.say(&format!("select n.created_at as created_at, {COLUMNS} from notifications n where "));
        if unlabelled {
            self.say("n.labelled_as <> n.status and ");
        }
        self.within(slice, "n").say(" and ").before(slice, "n");
        self.of_state_and_channel(slice, unlabelled).with_labels(slice);
    }

    /// Those of one state that one or two labels lead to.
    fn of_label(&mut self, slice: &'a Slice<'_>, status: &'a str, labels: [Option<Label<'_>>; 2]) {
        let state = number(status);
        // SQLite joins in this order: both labels first, then the notification with its long message
        let tables = ["l", "o"].into_iter().zip(labels.into_iter().flatten());
        let joins: String = tables.clone().map(|(table, _)| format!("labels {table} cross join ")).collect();
        self.say(&format!("select l.created_at as created_at, {COLUMNS} from {joins}notifications n where "));
        for (table, label) in tables {
            self.say(&format!("{table}.state = {state} and {table}.pair = "));
            self.bind(Bound::Number(pair(slice, label).number())).say(" and ");
            if table == "o" {
                self.say("o.created_at = l.created_at and ");
            }
        }
        // plus nothing, or SQLite would look for the notification in all the time of the slice
        self.within(slice, "l").say(" and n.created_at = l.created_at + 0 and ").before(slice, "l");
        self.of_state_and_channel(&Slice { status, ..slice.clone() }, false).with_labels(slice);
    }

    /// One lower and one upper bound, which every index that ends with the time can begin and end at.
    fn within(&mut self, slice: &Slice<'_>, table: &str) -> &mut Self {
        self.say(&format!("{table}.created_at >= ")).bind(Bound::Number(slice.since.as_microsecond()));
        self.say(&format!(" and {table}.created_at <= ")).bind(Bound::Number(end(slice).0))
    }

    /// What is as old as the place that all lie before is told apart by its id.
    fn before(&mut self, slice: &'a Slice<'_>, table: &str) -> &mut Self {
        let (time, id) = end(slice);
        self.say(&format!("({table}.created_at < ")).bind(Bound::Number(time));
        self.say(" or n.id < ").bind(Bound::Text(id)).say(")")
    }

    fn with_labels(&mut self, slice: &Slice<'_>) {
        for (name, value) in slice.labels.into_iter().flatten() {
            if let Some(pattern) = pattern(name, value) {
                self.say(" and n.message like ").bind(Bound::Owned(pattern)).say(" escape '!'");
            }
        }
    }

    /// `besides`: another index is to lead, so these are no terms that one could lead by.
    fn of_state_and_channel(&mut self, slice: &Slice<'a>, besides: bool) -> &mut Self {
        let Slice { status, channel, .. } = slice;
        let (column, wanted) = match (status.is_empty(), channel.is_empty()) {
            (true, true) => return self,
            (false, true) => ("n.status", Bound::Text(status)),
            (true, false) => ("n.channel", Bound::Text(channel)),
            (false, false) => ("(n.status || ' ' || n.channel)", Bound::Owned(format!("{status} {channel}"))),
        };
        let term =
            if besides { format!(" and coalesce({column}, '') = ") } else { format!(" and {column} = ") };
        self.say(&term).bind(wanted)
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

/// The states that are looked for.
fn states<'a>(slice: &Slice<'a>) -> Vec<&'a str> {
    if slice.status.is_empty() { STATES.to_vec() } else { vec![slice.status] }
}

/// The digest of a label that is looked for, with the channel if that is looked for as well.
fn pair(slice: &Slice<'_>, (name, value): Label<'_>) -> Pair {
    match slice.channel {
        "" => Pair::of(name, value),
        channel => Pair::to(channel, name, value),
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
