//! Dead letters that another destination gets instead.

use jiff::Timestamp;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::message::Substitute;
use modelwatch_receiver_core::outcome::Reason;
use sqlx::Row as _;

use super::transaction::new_id;
use super::{Ending, StoreError, Transaction};

/// The destination that gets what another did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Its name.
    pub channel: String,
    /// Whether it hears the end of an alert.
    pub send_resolved: bool,
}

/// Why a dead letter is one that was never tried.
const UNTRIED: &str = "nothing was tried";

impl Transaction {
    /// Queues what `dead` mentions for the destination that the ending names, if it was not its turn already. The news that
    /// the dead one was to tell are its own to tell from now on; what it heard by itself it does not hear as new.
    pub(super) async fn fall_back(
        &mut self,
        dead: &str,
        ending: Ending<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(fallback) = ending.fallback else { return Ok(()) };
        if self.had_its_turn(dead, &fallback.channel).await? {
            return Ok(());
        }
        let id = new_id();
        sqlx::query(
            "insert into notifications (id, channel, source, group_key, group_labels, external_url,
                 truncated_alerts, created_at, waiting_since, kind, late, status, due_at, message, group_id,
                 patience_from, fallback_of, number)
             select $2, $3, source, group_key, group_labels, external_url,
                 truncated_alerts, $4, waiting_since, kind, 0, 'pending', 0, message, group_id, $5, id,
                 (select coalesce(max(o.number), 0) + 1 from notifications o
                  where o.channel = $3 and o.group_id = n.group_id and o.status = 'pending')
             from notifications n where n.id = $1",
        )
        .bind(dead)
        .bind(id.as_str())
        .bind(fallback.channel.as_str())
        .bind(ending.at.as_microsecond())
        .bind(now.as_microsecond())
        .execute(self.connection())
        .await?;
        self.hand_on_news(dead, &id, fallback, ending.at).await
    }

    async fn hand_on_news(
        &mut self,
        dead: &str,
        id: &str,
        fallback: &Fallback,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into mentions (notification, occurrence)
             select $2, occurrence from mentions where notification = $1 on conflict do nothing",
        )
        .bind(dead)
        .bind(id)
        .execute(self.connection())
        .await?;
        let unwanted = (!fallback.send_resolved).then_some(Suppression::ResolvedOff.as_str());
        sqlx::query(
            "insert into transitions (channel, occurrence, status, repeat_number, suppressed, last_at)
             select $2, t.occurrence, t.status, t.repeat_number,
                 case when t.status = 'resolved' then $3 end,
                 case when t.status = 'firing' and t.repeat_number = 0 then cast($4 as bigint) end
             from transitions t
             where t.channel = (select channel from notifications where id = $1)
               and t.told_at is null and t.suppressed is null
               and t.occurrence in (select occurrence from mentions where notification = $1)
             on conflict do nothing",
        )
        .bind(dead)
        .bind(fallback.channel.as_str())
        .bind(unwanted)
        .bind(at.as_microsecond())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whether `channel` had, or is, the turn of a notification or of those that it stands in for.
    async fn had_its_turn(&mut self, notification: &str, channel: &str) -> Result<bool, StoreError> {
        let mut next = Some(notification.to_owned());
        while let Some(id) = next {
            let row = sqlx::query("select channel, fallback_of from notifications where id = $1")
                .bind(id.as_str())
                .fetch_optional(self.connection())
                .await?;
            let Some(row) = row else { return Ok(false) };
            if row.try_get::<&str, _>("channel")? == channel {
                return Ok(true);
            }
            next = row.try_get("fallback_of")?;
        }
        Ok(false)
    }

    /// For which destination a notification stands in, and why, if it does for one.
    pub(super) async fn substitute(
        &mut self,
        fallback_of: Option<&str>,
    ) -> Result<Option<Substitute>, StoreError> {
        let Some(dead) = fallback_of else { return Ok(None) };
        let row = sqlx::query(
            "select channel,
                 (select a.reason from attempts a where a.notification = n.id
                  order by a.number desc, a.started_at desc, a.id desc limit 1) as reason
             from notifications n where n.id = $1",
        )
        .bind(dead)
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let reason: Option<String> = row.try_get("reason")?;
        let why = reason.as_deref().and_then(Reason::of).map_or(UNTRIED, Reason::words);
        Ok(Some(Substitute { channel: row.try_get("channel")?, why: why.to_owned() }))
    }
}
