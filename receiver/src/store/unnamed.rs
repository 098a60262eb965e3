//! Notifications of a version that did not name groups yet.

use std::collections::BTreeMap;

use modelwatch_receiver_core::alert::{Group, Labels};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{Store, StoreError};

/// How many groups are named in one transaction, so that nobody waits long.
const BATCH: usize = 500;

impl Store {
    /// Names the groups of notifications that have no name for theirs.
    pub(super) async fn name_groups(&self) -> Result<(), StoreError> {
        while self.name_some().await? {}
        Ok(())
    }

    /// Names the groups of a batch; `false` when there was none.
    async fn name_some(&self) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let found = sqlx::query("select source, group_key from notifications where group_id = '' limit $1")
            .bind(super::transaction::count(BATCH))
            .fetch_all(transaction.connection())
            .await?;
        let mut names: BTreeMap<(String, String), String> = BTreeMap::new();
        for row in &found {
            let (source, key): (String, String) = (row.try_get("source")?, row.try_get("group_key")?);
            let (labels, external_url) = (Labels::new(), String::new());
            let group = Group { source, key, labels, external_url, truncated_alerts: 0 };
            let name = group.id();
            names.insert((group.source, group.key), name);
        }
        let rows: Vec<Value> =
            names.into_iter().map(|((source, key), name)| json!([source, key, name])).collect();
        transaction
            .apply(
                "update notifications set group_id = r.value->>2 from {rows}
                 where notifications.group_id = '' and notifications.source = r.value->>0
                   and notifications.group_key = r.value->>1",
                &rows,
            )
            .await?;
        transaction.commit().await?;
        Ok(!found.is_empty())
    }
}
