//! What copies said that changed nothing, written once in a while for many of them.

use jiff::Timestamp;
use modelwatch_receiver_core::book::Hearsay;
use serde_json::{Value, json};

use super::{StoreError, Transaction};

impl Transaction {
    /// Notes when occurrences were last heard of and what was not told. What another receiver noted meanwhile is not set
    /// back, and an occurrence that is over meanwhile is not looked at again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_hearsay(&mut self, hearsay: &Hearsay) -> Result<(), StoreError> {
        self.concerns_nothing_else();
        hearsay.seen.iter().for_each(|(id, (at, _))| self.memory().hear(id, *at));
        let seen: Vec<Value> = hearsay
            .seen
            .iter()
            .map(|(id, (at, check))| json!([id, at.as_microsecond(), check.map(Timestamp::as_microsecond)]))
            .collect();
        self.apply(
            "update occurrences set seen_at = cast(r.value->>1 as bigint),
                 check_at = case when state = 'firing' and check_at < cast(r.value->>2 as bigint)
                                 then cast(r.value->>2 as bigint) else check_at end
             from {rows}
             where occurrences.id = r.value->>0 and occurrences.seen_at < cast(r.value->>1 as bigint)",
            &seen,
        )
        .await?;
        let untold: Vec<Value> = hearsay
            .untold
            .iter()
            .map(|((channel, occurrence, reason), times)| {
                let number = i64::try_from(times.times).unwrap_or(i64::MAX);
                let (first, last) = (times.first_at.as_microsecond(), times.last_at.as_microsecond());
                json!([channel, occurrence, reason.as_str(), number, first, last])
            })
            .collect();
        self.apply(
            "insert into suppressions (channel, occurrence, reason, times, first_at, last_at)
             select r.value->>0, r.value->>1, r.value->>2, cast(r.value->>3 as bigint),
                 cast(r.value->>4 as bigint), cast(r.value->>5 as bigint)
             from {rows} where true
             on conflict (channel, occurrence, reason) do update set
                 times = suppressions.times + excluded.times,
                 first_at = case when excluded.first_at < suppressions.first_at
                                 then excluded.first_at else suppressions.first_at end,
                 last_at = case when excluded.last_at > suppressions.last_at
                                then excluded.last_at else suppressions.last_at end",
            &untold,
        )
        .await
    }
}
