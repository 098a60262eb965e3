//! Where the messages about groups stand, for destinations whose messages can be changed.

use modelwatch_receiver_core::message::Post;
use sqlx::Row as _;

use super::transaction::{from_json, to_json};
use super::{Claimed, Store, StoreError, Transaction};

impl Store {
    /// Keeps where the message is by which what was claimed was told, for what is told of its group next; on disk when it
    /// returns. Once others took over, theirs is the message that stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_post(&self, claimed: &Claimed, post: &Post) -> Result<(), StoreError> {
        let mut transaction = self.begin_about(&claimed.id).await?;
        sqlx::query(
            "insert into posts (channel, group_id, notification, post)
             select channel, group_id, id, $2 from notifications
             where id = $1 and status = 'pending' and coalesce(owner, $3) = $3
             on conflict (channel, group_id) do update set
                 notification = excluded.notification, post = excluded.post",
        )
        .bind(claimed.id.as_str())
        .bind(to_json(post)?)
        .bind(&*claimed.owner)
        .execute(transaction.connection())
        .await?;
        transaction.commit().await
    }
}

impl Transaction {
    /// Where the message about a notification's group is; one that cannot be read is none, and a new one takes its place.
    pub(super) async fn post(&mut self, notification: &str) -> Result<Option<Post>, StoreError> {
        let found = sqlx::query(
            "select p.post from posts p join notifications n on n.channel = p.channel and n.group_id = p.group_id
             where n.id = $1",
        )
        .bind(notification)
        .fetch_optional(self.connection())
        .await?;
        let Some(found) = found else { return Ok(None) };
        Ok(from_json(found.try_get("post")?).ok())
    }
}
