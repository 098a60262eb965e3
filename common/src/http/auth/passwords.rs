//! Checking passwords. bcrypt takes tens of milliseconds by design, so this happens away from the I/O threads, few at a
//! time, and what was right is remembered for a short while: a page is loaded with many requests.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::refused::Refused;
use super::users::Users;
use crate::secret::Secret;

/// How long a right password is right without being checked again.
const REMEMBERED_FOR: Duration = Duration::from_secs(300);
/// How many right passwords are remembered.
const REMEMBERED: usize = 256;
/// How many checks may wait for their turn; further ones are answered 503.
const WAITING: usize = 64;

/// What was right lately, by a mark that only this process can make: HMAC-SHA-256 of user, password and hash.
type Right = HashMap<[u8; 32], Instant>;

/// Checks passwords, few at a time.
pub(super) struct Passwords {
    key: Option<hmac::Key>,
    right: Mutex<Right>,
    waiting: Semaphore,
    checking: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords {
            // without a random key nothing is remembered
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            right: Mutex::default(),
            waiting: Semaphore::new(WAITING),
            checking: Arc::new(Semaphore::new((cores / 2).max(1))),
        }
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// Whether this is the password of one of `users`. It takes as long for a user who is not there.
    pub(super) async fn check(&self, users: &Users, user: &str, password: Secret) -> Result<(), Refused> {
        let (hash, known) = users.hash_of(user);
        let mark = self.mark(&[user, password.expose(), hash.expose()]);
        // nobody's hash is somebody's, and may be remembered with a name that is not known any more
        let mark = mark.filter(|_| known);
        if self.remembers(mark) {
            return Ok(());
        }
        let _place = self.waiting.try_acquire().map_err(|_| Refused::Busy)?;
        let turn = Arc::clone(&self.checking).acquire_owned().await.map_err(|_| Refused::Busy)?;
        // whoever was checked meanwhile may have shown the same
        if self.remembers(mark) {
            return Ok(());
        }
        let hash = hash.clone();
        let checked = tokio::task::spawn_blocking(move || {
            // held here: a check goes on when its client is gone
            let _turn = turn;
            bcrypt::verify(password.expose(), hash.expose())
        });
        let right = checked.await.is_ok_and(|checked| checked.unwrap_or(false));
        if !(right && known) {
            return Err(Refused::WrongPassword);
        }
        self.remember(mark);
        Ok(())
    }

    /// The parts with their lengths, so that no two lists of parts are the same text.
    fn mark(&self, parts: &[&str]) -> Option<[u8; 32]> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        for part in parts {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
        context.sign().as_ref().try_into().ok()
    }

    fn remembers(&self, mark: Option<[u8; 32]>) -> bool {
        let right = self.right();
        mark.and_then(|mark| right.get(&mark)).is_some_and(|until| Instant::now() < *until)
    }

    fn remember(&self, mark: Option<[u8; 32]>) {
        let Some(mark) = mark else { return };
        let (now, mut right) = (Instant::now(), self.right());
        if right.len() >= REMEMBERED {
            right.retain(|_, until| now < *until);
        }
        if right.len() >= REMEMBERED {
            let oldest = right.iter().min_by_key(|(_, until)| **until).map(|(mark, _)| *mark);
            oldest.and_then(|oldest| right.remove(&oldest));
        }
        right.insert(mark, now + REMEMBERED_FOR);
    }

    fn right(&self) -> MutexGuard<'_, Right> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let hash = bcrypt::hash("open sesame", 4).unwrap();
        Users::parse(&format!("ops:{hash}\nann:{hash}")).unwrap()
    }

    async fn check(passwords: &Passwords, user: &str, password: &str) -> Result<(), Refused> {
        passwords.check(&users(), user, Secret::new(password)).await
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_right() {
        let passwords = Passwords::default();
        assert_eq!(check(&passwords, "ops", "open sesame").await, Ok(()));
        for (user, password) in [("ops", "open"), ("nobody", "open sesame"), ("", ""), ("ops", "")] {
            assert_eq!(check(&passwords, user, password).await, Err(Refused::WrongPassword), "{user}");
        }
    }

    #[tokio::test]
    async fn what_was_right_is_right_without_a_check_until_the_time_is_over_or_the_hash_another() {
        tokio::time::pause();
        let (passwords, users) = (Passwords::default(), users());
        let check = async |users: &Users| passwords.check(users, "ops", Secret::new("open sesame")).await;
        assert_eq!(check(&users).await, Ok(()));
        // no check is possible from here on
        passwords.checking.close();
        assert_eq!(check(&users).await, Ok(()));
        assert_eq!(check(&self::users()).await, Err(Refused::Busy), "another hash");
        let other = passwords.check(&users, "ann", Secret::new("open sesame")).await;
        assert_eq!(other, Err(Refused::Busy), "another user");
        tokio::time::advance(REMEMBERED_FOR).await;
        assert_eq!(check(&users).await, Err(Refused::Busy), "too long ago");
    }

    #[tokio::test]
    async fn a_user_who_was_taken_away_is_not_remembered_when_another_has_the_same_hash() {
        let (passwords, users) = (Passwords::default(), users());
        let sesame = || Secret::new("open sesame");
        assert_eq!(passwords.check(&users, "ops", sesame()).await, Ok(()));
        let (hash, _) = users.hash_of("ops");
        let without = Users::parse(&format!("ann:{}", hash.expose())).unwrap();
        assert_eq!(passwords.check(&without, "ops", sesame()).await, Err(Refused::WrongPassword));
    }

    #[tokio::test]
    async fn what_was_wrong_is_not_remembered_and_the_memory_is_bounded() {
        let passwords = Passwords::default();
        assert!(check(&passwords, "ops", "wrong").await.is_err());
        assert!(passwords.right().is_empty());
        for number in 0..2 * REMEMBERED {
            passwords.remember(passwords.mark(&[&number.to_string()]));
        }
        assert_eq!(passwords.right().len(), REMEMBERED);
        assert!(passwords.remembers(passwords.mark(&[&(2 * REMEMBERED - 1).to_string()])));
    }

    #[tokio::test]
    async fn checks_are_few_at_a_time_and_a_flood_is_told_to_come_again() {
        let passwords = Passwords::default();
        let turns = passwords.checking.available_permits();
        let all = passwords.checking.acquire_many(u32::try_from(turns).unwrap()).await.unwrap();
        let users = users();
        let mut waiting: Vec<_> = (0..WAITING)
            .map(|_| Box::pin(passwords.check(&users, "ops", Secret::new("open sesame"))))
            .collect();
        for check in &mut waiting {
            assert!(futures_poll(check.as_mut()).is_pending());
        }
        assert_eq!(check(&passwords, "ops", "open sesame").await, Err(Refused::Busy));
        drop(all);
        for check in waiting {
            assert_eq!(check.await, Ok(()));
        }
        assert_eq!(passwords.checking.available_permits(), turns);
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn two_lists_of_parts_never_make_the_same_mark() {
        let passwords = Passwords::default();
        assert_ne!(passwords.mark(&["ab", "c"]), passwords.mark(&["a", "bc"]));
        assert_ne!(passwords.mark(&["a"]), Passwords::default().mark(&["a"]), "the key is this one's own");
    }
}
