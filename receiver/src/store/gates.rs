//! From when on each destination may be sent to: one row for all receivers, which outlasts them.

use jiff::Timestamp;

use super::{StoreError, Transaction};

/// Whether the destination `$1` may be sent to at `$2`.
pub(super) const OPEN: &str = "not exists (select 1 from gates g where g.channel = $1 and g.opens_at > $2)";

impl Transaction {
    /// Keeps a destination shut until then, or for longer if it is.
    pub(super) async fn shut_gate(&mut self, channel: &str, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "insert into gates (channel, opens_at) values ($1, $2)
             on conflict (channel) do update set opens_at =
                 case when gates.opens_at > excluded.opens_at then gates.opens_at else excluded.opens_at end",
        )
        .bind(channel)
        .bind(until.as_microsecond())
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
