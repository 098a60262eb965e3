//! What differs between SQLite and PostgreSQL in the words of a statement; everything else is written once for both.

use sqlx::AssertSqlSafe;

/// Which database is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A file of our own.
    Sqlite,
}

impl Dialect {
    /// The statement `sql`, in which `{rows}` stands for a table `r` whose column `value` holds the elements of the JSON
    /// array in `$1`. An element is an array itself: `r.value->>0` is its first cell as text, and
    /// `cast(r.value->>1 as bigint)` its second one as a number.
    pub(super) fn sql(self, sql: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(sql.replace("{rows}", self.rows()))
    }

    fn rows(self) -> &'static str {
        match self {
            Dialect::Sqlite => "json_each($1) as r",
        }
    }
}
