//! The users of `basic_users_file`: a name and a bcrypt hash a line, as `htpasswd -B` writes them.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use bcrypt::HashParts;

use crate::secret::Secret;

/// A check of a password takes about a second at this cost, and twice as long with every step more.
const HIGHEST_COST: u32 = 14;

/// At least one user.
#[derive(Debug)]
pub(super) struct Users {
    hashes: BTreeMap<String, Secret>,
    /// What a password of nobody is compared with, so that it takes as long: the most costly hash.
    decoy: Secret,
}

/// What is wrong with a file of users. No message repeats more of a line than its number and name.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum UsersError {
    #[error("lists no users, expected lines such as those of `htpasswd -B`: NAME:BCRYPT-HASH")]
    Empty,
    #[error("line {0}: expected NAME:BCRYPT-HASH, as `htpasswd -B` writes it")]
    NoName(usize),
    #[error(
        "line {0}: this is no bcrypt hash, expected one that begins with $2y$, $2b$ or $2a$; `htpasswd -B` makes one"
    )]
    NoHash(usize),
    #[error("line {0}: the cost of the hash is {1}, expected 4 to {HIGHEST_COST}")]
    Cost(usize, u32),
    #[error("line {0}: the user is there twice")]
    Twice(usize),
}

impl Users {
    /// Everyone in a file with this text; blank lines and those that begin with `#` are skipped.
    pub(super) fn parse(text: &str) -> Result<Users, UsersError> {
        let mut hashes = BTreeMap::new();
        let mut dearest: Option<(u32, Secret)> = None;
        for (at, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash, cost) = user(at + 1, line)?;
            if dearest.as_ref().is_none_or(|(most, _)| cost > *most) {
                dearest = Some((cost, hash.clone()));
            }
            if hashes.insert(name, hash).is_some() {
                return Err(UsersError::Twice(at + 1));
            }
        }
        let (_, decoy) = dearest.ok_or(UsersError::Empty)?;
        Ok(Users { hashes, decoy })
    }

    /// What a password of this user is compared with, and whether there is such a user.
    pub(super) fn hash_of(&self, name: &str) -> (&Secret, bool) {
        self.hashes.get(name).map_or((&self.decoy, false), |hash| (hash, true))
    }
}

fn user(number: usize, line: &str) -> Result<(String, Secret, u32), UsersError> {
    let (name, hash) = line.split_once(':').ok_or(UsersError::NoName(number))?;
    if name.is_empty() {
        return Err(UsersError::NoName(number));
    }
    let parts = HashParts::from_str(hash).map_err(|_| UsersError::NoHash(number))?;
    let cost = parts.get_cost();
    if !(4..=HIGHEST_COST).contains(&cost) {
        return Err(UsersError::Cost(number, cost));
    }
    Ok((name.to_owned(), Secret::new(hash), cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW";

    #[test]
    fn lines_of_htpasswd_are_users_between_comments_and_blank_lines() {
        let users = Users::parse(&format!("# people\n\nops:{HASH}\n  ann:{HASH}  \n")).unwrap();
        for name in ["ops", "ann"] {
            let (hash, known) = users.hash_of(name);
            assert!(known && hash.expose() == HASH, "{name}");
        }
    }

    #[test]
    fn nobody_is_compared_with_the_most_costly_hash() {
        let dear = HASH.replace("$05$", "$07$");
        let users = Users::parse(&format!("a:{HASH}\nb:{dear}\nc:{HASH}")).unwrap();
        let (hash, known) = users.hash_of("nobody");
        assert!(!known && hash.expose() == dear);
    }

    #[test]
    fn a_line_that_is_no_user_is_named_by_its_number_only() {
        let table = [
            ("# nobody\n".to_owned(), UsersError::Empty),
            ("\nhunter2".to_owned(), UsersError::NoName(2)),
            (format!(":{HASH}"), UsersError::NoName(1)),
            ("ops:hunter2".to_owned(), UsersError::NoHash(1)),
            ("ops:$apr1$hunter2".to_owned(), UsersError::NoHash(1)),
            (format!("ops:{HASH}:x"), UsersError::NoHash(1)),
            (format!("ops:{}", HASH.replace("$05$", "$31$")), UsersError::Cost(1, 31)),
            (format!("ops:{}", HASH.replace("$05$", "$03$")), UsersError::Cost(1, 3)),
            (format!("ops:{HASH}\n#\nops:{HASH}"), UsersError::Twice(3)),
        ];
        for (text, wanted) in table {
            let error = Users::parse(&text).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert_eq!(error, wanted, "{text}");
        }
    }

    #[test]
    fn hashes_are_not_printed() {
        let printed = format!("{:?}", Users::parse(&format!("ops:{HASH}")).unwrap());
        assert!(printed.contains("ops") && !printed.contains("$2y$"), "{printed}");
    }
}
