//! Where a store is. The URL of a database holds a password: it is never shown, and what is shown of it is its host and
//! the name of the database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use modelwatch_common::secret::Secret;
use sqlx::any::AnyConnectOptions;

/// Where a store is.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A SQLite file, which one receiver serves.
    File(PathBuf),
    /// A PostgreSQL database, which several may share.
    Database(Database),
}

/// A PostgreSQL database; prints as its name and host.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    url: Secret,
    name: String,
    host: String,
}

/// What a URL may say beside user, password, host and database: how TLS is used, and the folder of a Unix socket.
const PARAMETERS: [&str; 5] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "host"];

/// The values of `sslmode`, as in PostgreSQL's own programs.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// A URL that names no store. It may hold a password and is not repeated, nor is any part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Neither a file nor a database.
    #[error(
        "expected sqlite:PATH such as sqlite:data/receiver.db, or postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Unknown,
    /// A database, but not its URL.
    #[error(
        "expected postgres://USER:PASSWORD@HOST[:PORT]/DATABASE; in the password, write what is neither a letter nor a digit as %XX"
    )]
    Malformed,
    /// It says something that is not understood.
    #[error("expected no parameters but sslmode, sslrootcert, sslcert, sslkey and host")]
    Parameter,
    /// There is no such mode.
    #[error("expected sslmode to be disable, allow, prefer, require, verify-ca or verify-full")]
    SslMode,
}

impl Place {
    /// The place that `url` names; a path in it is taken as it is.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(url: &Secret) -> Result<Place, PlaceError> {
        let text = url.expose();
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return Database::parse(url).map(Place::Database);
        }
        let path = text.strip_prefix("sqlite:").ok_or(PlaceError::Unknown)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let is_path = !path.is_empty() && !path.contains('?');
        if is_path { Ok(Place::File(PathBuf::from(path))) } else { Err(PlaceError::Unknown) }
    }
}

impl Database {
    fn parse(url: &Secret) -> Result<Database, PlaceError> {
        let options = AnyConnectOptions::from_str(url.expose()).map_err(|_| PlaceError::Malformed)?;
        let parsed = &options.database_url;
        // a password that was not encoded can end up anywhere behind its first special character
        let name = parsed.path().trim_start_matches('/');
        let is_plain = !name.is_empty() && !name.contains(['/', '@', ':']) && parsed.fragment().is_none();
        if !is_plain || !url.expose().contains("://") {
            return Err(PlaceError::Malformed);
        }
        let mut socket = None;
        for (key, value) in parsed.query_pairs() {
            match &*key {
                "sslmode" if !SSL_MODES.contains(&&*value) => return Err(PlaceError::SslMode),
                "host" => socket = Some(value.into_owned()),
                key if PARAMETERS.contains(&key) => {}
                _ => return Err(PlaceError::Parameter),
            }
        }
        let port = parsed.port().map_or_else(String::new, |port| format!(":{port}"));
        let host = parsed.host_str().filter(|host| !host.is_empty()).map(|host| format!("{host}{port}"));
        let host = socket.or(host).ok_or(PlaceError::Malformed)?;
        Ok(Database { url: url.clone(), name: name.to_owned(), host })
    }

    /// The URL, for the one place that connects.
    pub(super) fn url(&self) -> &str {
        self.url.expose()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database `{}` on {}", self.name, self.host)
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Place {
        Place::File(path.to_owned())
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Place {
        Place::File(path.clone())
    }
}

impl From<&Place> for Place {
    fn from(place: &Place) -> Place {
        place.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Place, PlaceError> {
        Place::parse(&Secret::new(url))
    }

    #[test]
    fn a_sqlite_url_names_a_file() {
        for (url, path) in [
            ("sqlite:data/receiver.db", "data/receiver.db"),
            ("sqlite:///var/lib/receiver.db", "/var/lib/receiver.db"),
        ] {
            assert_eq!(parse(url), Ok(Place::File(PathBuf::from(path))));
        }
        for url in ["mysql://user:hunter2@db/x", "sqlite:", "data/receiver.db", "sqlite:x.db?mode=ro"] {
            assert_eq!(parse(url), Err(PlaceError::Unknown), "{url}");
        }
    }

    #[test]
    fn a_database_shows_its_host_and_name_and_nothing_else() {
        for (url, shown) in [
            ("postgres://mw:hunter2@db/alerts", "the database `alerts` on db"),
            (
                "postgresql://mw:hunter2@db:5433/alerts?sslmode=verify-full",
                "the database `alerts` on db:5433",
            ),
            ("postgres:///alerts?host=/run/postgresql", "the database `alerts` on /run/postgresql"),
            ("postgres://mw:hunt%2Fer%402@[::1]:5/alerts", "the database `alerts` on [::1]:5"),
        ] {
            let Ok(Place::Database(database)) = parse(url) else { panic!("{url}: {:?}", parse(url)) };
            assert_eq!(database.to_string(), shown);
            assert!(!format!("{database:?}").contains("hunt"), "{database:?}");
        }
    }

    #[test]
    fn a_url_of_a_database_that_cannot_be_understood_is_refused_without_showing_it() {
        for (url, error) in [
            ("postgres://mw:hunter2@db", PlaceError::Malformed),
            ("postgres://mw:hunter2@db/", PlaceError::Malformed),
            ("postgres:alerts", PlaceError::Malformed),
            ("postgres:///alerts", PlaceError::Malformed),
            ("postgres://mw:12#hunter2@db/alerts", PlaceError::Malformed),
            ("postgres://mw:12/hunter2@db/alerts", PlaceError::Malformed),
            ("postgres://mw:hunter2@db:port/alerts", PlaceError::Malformed),
            ("postgres://mw:12?hunter2@db/alerts", PlaceError::Malformed),
            ("postgres://mw@db/alerts?password=hunter2", PlaceError::Parameter),
            ("postgres://mw@db/alerts?sslmode=hunter2", PlaceError::SslMode),
        ] {
            assert_eq!(parse(url), Err(error), "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
