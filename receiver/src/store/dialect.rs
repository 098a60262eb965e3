//! What differs between SQLite and PostgreSQL in the words of a statement; everything else is written once for both.

use std::time::Duration;

use sqlx::AssertSqlSafe;

/// Which database is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A file of our own.
    Sqlite,
    /// A server that others may use too.
    Postgres,
}

/// How sure a commit is when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hurry {
    /// It is on disk.
    OnDisk,
    /// It is in order, and on disk with the next commit that is: should the power fail it is lost as a whole, or not at
    /// all.
    Unhurried,
}

impl Dialect {
    /// The statement `sql`, in which `{rows}` stands for a table `r` whose column `value` holds the elements of the JSON
    /// array in `$1`. An element is an array itself: `r.value->>0` is its first cell as text, and
    /// `cast(r.value->>1 as bigint)` its second one as a number.
    ///
    /// `{list}a, b{/list}` stands for one JSON array of what is found, of which each row is an array of the columns `a` and
    /// `b`: many rows are read far sooner so than one by one.
    pub(super) fn sql(self, sql: &str) -> AssertSqlSafe<String> {
        let (list, end) = self.list();
        AssertSqlSafe(sql.replace("{rows}", self.rows()).replace("{list}", list).replace("{/list}", end))
    }

    fn list(self) -> (&'static str, &'static str) {
        match self {
            Dialect::Sqlite => ("json_group_array(json_array(", "))"),
            Dialect::Postgres => ("coalesce(json_agg(json_build_array(", "))::text, '[]')"),
        }
    }

    /// A column that holds JSON text, as what `->` and `->>` take.
    pub(super) fn json(self, column: &str) -> String {
        match self {
            Dialect::Sqlite => column.to_owned(),
            Dialect::Postgres => format!("cast({column} as json)"),
        }
    }

    fn rows(self) -> &'static str {
        match self {
            Dialect::Sqlite => "jsonb_each($1) as r",
            Dialect::Postgres => "json_array_elements($1::json) as r(value)",
        }
    }

    /// How long a statement may take before its connection counts as lost; a file is never far away.
    pub(super) fn answers_within(self) -> Duration {
        match self {
            Dialect::Sqlite => Duration::MAX,
            // longer than `statement_timeout`; tests do not wait for that long
            Dialect::Postgres if cfg!(test) => Duration::from_secs(2),
            Dialect::Postgres => Duration::from_secs(10),
        }
    }

    /// The same for who looks at a history, which may be long.
    pub(super) fn history_answers_within(self) -> Duration {
        self.answers_within().saturating_mul(4)
    }

    /// Begins a transaction whose holder is alone. On PostgreSQL that takes a lock, which is waited for before the first
    /// statement that reads, so that each of them sees all that was committed; the last row names the time there, in
    /// microseconds since 1970. On SQLite the last row is a number that changes when another connection has written.
    pub(super) fn begin(self, hurry: Hurry) -> &'static str {
        match (self, hurry) {
            (Dialect::Sqlite, Hurry::OnDisk) => "begin; pragma data_version",
            (Dialect::Sqlite, Hurry::Unhurried) => "pragma synchronous = normal; begin; pragma data_version",
            (Dialect::Postgres, Hurry::OnDisk) => {
                "begin isolation level read committed; select pg_advisory_xact_lock(7876938523163849076);
                 select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now"
            }
            (Dialect::Postgres, Hurry::Unhurried) => {
                "begin isolation level read committed; set local synchronous_commit = off;
                 select pg_advisory_xact_lock(7876938523163849076);
                 select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now"
            }
        }
    }

    /// Ends it. PostgreSQL answers the commit of a transaction in which a statement failed without an error, and undoes
    /// it: a statement before the commit fails then.
    pub(super) fn commit(self, hurry: Hurry) -> &'static str {
        match (self, hurry) {
            (Dialect::Sqlite, Hurry::OnDisk) => "commit",
            (Dialect::Sqlite, Hurry::Unhurried) => "commit; pragma synchronous = full",
            (Dialect::Postgres, _) => "select 1; commit",
        }
    }
}
