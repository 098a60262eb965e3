//! Notifications of a version that did not name groups yet.

use modelwatch_receiver_core::alert::{Group, Labels};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{Store, StoreError};

/// How many notifications are named in one transaction, so that nobody waits long.
const BATCH: usize = 500;

impl Store {
    /// Names the groups of notifications that have no name for theirs and are, or may again be, to be sent; of the others
    /// nobody asks, and there may be very many.
    pub(super) async fn name_groups(&self) -> Result<(), StoreError> {
        let select = "select id, source, group_key from notifications
             where status in ('pending', 'dead') and group_id = ''";
        let found = sqlx::query(select).fetch_all(self.readers()).await?;
        let mut names: Vec<Value> = Vec::with_capacity(found.len());
        for row in &found {
            let (labels, external_url) = (Labels::new(), String::new());
            let (source, key) = (row.try_get("source")?, row.try_get("group_key")?);
            let group = Group { source, key, labels, external_url, truncated_alerts: 0 };
            names.push(json!([row.try_get::<&str, _>("id")?, group.id()]));
        }
        for some in names.chunks(BATCH) {
            let mut transaction = self.begin().await?;
            let update = "update notifications set group_id = r.value->>1
                 from {rows} where notifications.id = r.value->>0";
            transaction.apply(update, some).await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}
