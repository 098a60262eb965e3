//! What was answered about alerts of which nobody knew whether they fire.

use std::collections::HashMap;

use jiff::Timestamp;
use modelwatch_receiver_core::book::AlertKey;
use modelwatch_receiver_core::occurrence::Testimony;
use tokio::sync::oneshot;

use super::entry::with_book;
use super::{Intake, Intaker, prepare};
use crate::store::StoreError;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The occurrence asked about, by its id.
    pub occurrence: String,
    /// Since when it was to be asked; if that is not so any more, the answer is none.
    pub asked: Timestamp,
    /// What was said.
    pub testimony: Testimony,
}

/// Answers on their way.
pub(super) struct Answers {
    answered: Vec<Answered>,
    done: oneshot::Sender<()>,
}

impl Intake {
    /// Takes in answers and returns when that is done. What cannot be stored stays asked.
    pub async fn settle(&self, answered: Vec<Answered>) {
        let (done, settled) = oneshot::channel();
        // without intake nobody needs them
        if self.answers.send(Answers { answered, done }).await.is_ok() {
            let _ = settled.await;
        }
    }
}

impl Intaker {
    /// Takes in answers.
    pub(super) async fn settle(&mut self, answers: Answers) {
        let Answers { answered, done } = answers;
        if let Err(error) = self.commit_answers(answered).await {
            tracing::error!(%error, "what Alertmanager said of alerts could not be stored");
        }
        // whoever waits may have gone
        let _ = done.send(());
    }

    async fn commit_answers(&mut self, answered: Vec<Answered>) -> Result<(), StoreError> {
        self.write_all().await?;
        let terms = self.terms.load_full();
        let mut transaction = self.store.begin().await?;
        let now = self.clock.now();
        let asked = answered.iter().map(|answer| (answer.occurrence.as_str(), answer.asked));
        let found = transaction.questioned(asked).await?;
        let due: Vec<_> = found.into_iter().map(|found| prepare::due(found, &terms.policy)).collect();
        let keys: Vec<AlertKey> = due.iter().map(|due| due.key.clone()).collect();
        let known = transaction.known(&keys).await?;
        let mut testimonies: HashMap<String, Testimony> =
            answered.into_iter().map(|answer| (answer.occurrence, answer.testimony)).collect();
        let entries = with_book(known, &terms, now, |book| {
            for due in due {
                let testimony = testimonies.remove(&due.id).unwrap_or(Testimony::Unheard);
                book.answered(due, testimony);
            }
        })
        .0;
        self.finish(transaction, entries, &terms, now).await
    }
}
