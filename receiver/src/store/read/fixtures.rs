//! Notifications put into a store as they would be after their way, for tests of who reads them.

use jiff::Timestamp;
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::samples;
use tempfile::TempDir;

use super::super::Store;

/// A notification as a row.
pub(crate) struct Remembered {
    pub(crate) id: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) created_at: Timestamp,
    pub(crate) status: &'static str,
    pub(crate) suppressed: Option<&'static str>,
    pub(crate) message: Message,
    pub(crate) content: Option<&'static str>,
    pub(crate) problem: Option<&'static str>,
    /// Result, reason, whether ambiguous, detail.
    pub(crate) attempts: Vec<(Option<&'static str>, Option<&'static str>, bool, &'static str)>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            id: "n1",
            channel: "ops",
            created_at: at(1_000),
            status: "delivered",
            suppressed: None,
            message: samples::firing(),
            content: Some("{\"text\":\"hello\"}"),
            problem: None,
            attempts: vec![(Some("delivered"), None, false, "200 ok")],
        }
    }
}

/// So many seconds after 1970.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A new store with these notifications; it goes with its folder.
pub(crate) async fn store_with(remembered: Vec<Remembered>) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("receiver.db")).await.unwrap();
    for row in remembered {
        remember(&store, row).await;
    }
    (folder, store)
}

impl Store {
    /// Forgets the labels of all notifications, as if they were new.
    pub(crate) async fn unlabel(&self) {
        for statement in ["update notifications set labelled_as = ''", "delete from labels"] {
            sqlx::query(statement).execute(self.writer()).await.unwrap();
        }
    }
}

pub(in crate::store) async fn remember(store: &Store, row: Remembered) {
    let message = Message { channel: row.channel.to_owned(), ..row.message };
    sqlx::query(
        "insert into notifications (id, channel, source, group_key, group_labels, external_url, truncated_alerts,
             created_at, waiting_since, kind, late, status, suppressed, due_at, message, content, problem, number)
         values ($1, $2, 'default', 'group', '{}', '', 0, $3, $3, $4, $5, $6, $7, $3, $8, $9, $10, 1)",
    )
    .bind(row.id)
    .bind(row.channel)
    .bind(row.created_at.as_microsecond())
    .bind(message.kind.as_str())
    .bind(i64::from(message.late))
    .bind(row.status)
    .bind(row.suppressed)
    .bind(serde_json::to_string(&message).unwrap())
    .bind(row.content)
    .bind(row.problem)
    .execute(store.writer())
    .await
    .unwrap();
    for (number, (result, reason, ambiguous, detail)) in row.attempts.into_iter().enumerate() {
        sqlx::query(
            "insert into attempts (id, notification, started_at, result, reason, ambiguous, detail, finished_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(format!("{}-{number}", row.id))
        .bind(row.id)
        .bind(row.created_at.as_microsecond() + i64::try_from(number).unwrap())
        .bind(result)
        .bind(reason)
        .bind(i64::from(ambiguous))
        .bind(detail)
        .bind(result.map(|_| row.created_at.as_microsecond() + 1_500_000))
        .execute(store.writer())
        .await
        .unwrap();
    }
}
