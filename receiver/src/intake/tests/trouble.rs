//! Too much at once, and a store that refuses.

use super::*;

#[tokio::test]
async fn waiting_webhooks_are_bounded_by_their_bytes_too() {
    let rig = Rig::new(CONFIG).await;
    let (intake, intaker) = rig.intake();
    let (mut first, mut second) = (intake.room(), intake.room());
    assert!(first.take(QUEUE_BYTES - 10));
    assert!(second.take(10));
    assert!(!second.take(1));
    drop(second);
    let mut waiting = Box::pin(intake.take(intake.prepare(group(&[("A", None)]), first)));
    assert!(futures_poll(&mut waiting).await.is_none());
    let mut alone = intake.room();
    assert!(!alone.take(usize::MAX));
    rig.tasks.spawn("intake", intaker.run(rig.tasks.shutdown()));
    waiting.await.unwrap();
    assert!(alone.take(usize::MAX), "what waited makes room, and one alone has all of it");
}

#[tokio::test]
async fn long_webhooks_share_no_transaction_with_many_others() {
    let rig = Rig::new(CONFIG).await;
    let (intake, intaker) = rig.intake();
    let mut asked = Vec::new();
    for bytes in [BATCH_BYTES / 2, BATCH_BYTES / 2, BATCH_BYTES / 2, 2 * BATCH_BYTES, 1, 1] {
        let mut room = intake.room();
        assert!(room.take(bytes));
        let mut future = Box::pin(intake.take(intake.prepare(group(&[("A", None)]), room)));
        assert!(futures_poll(&mut future).await.is_none());
        asked.push(future);
    }
    rig.tasks.spawn("intake", intaker.run(rig.tasks.shutdown()));
    for future in asked {
        future.await.unwrap();
    }
    assert!((rig.metric("store_commit_seconds_count") - 4.0).abs() < f64::EPSILON);
}

/// Makes the database refuse whatever mentions this group.
async fn poison(rig: &Rig, group: &str) {
    let sql = format!(
        "create trigger poison before insert on webhooks when new.group_key = '{group}'
         begin select raise(abort, 'poisoned'); end"
    );
    let mut connection = rig.store.writer().acquire().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
}

#[tokio::test]
async fn webhooks_that_cannot_be_stored_take_no_other_down_with_them() {
    let rig = Rig::new(CONFIG).await;
    poison(&rig, "bad").await;
    let (intake, intaker) = rig.intake();
    let mut asked = Vec::new();
    for i in 0..40 {
        let mut webhook = group(&[(&format!("A{i}"), None)]);
        webhook.snapshot.group_key = if [3, 4, 31].contains(&i) { "bad".to_owned() } else { format!("g{i}") };
        let mut future = Box::pin(intake.accept(webhook));
        assert!(futures_poll(&mut future).await.is_none());
        asked.push(future);
    }
    rig.tasks.spawn("intake", intaker.run(rig.tasks.shutdown()));
    let mut refused = Vec::new();
    for (i, future) in asked.into_iter().enumerate() {
        if future.await == Err(IntakeError::Store) {
            refused.push(i);
        }
    }
    assert_eq!(refused, [3, 4, 31]);
    assert_eq!(rig.history().await.len(), 37);
}

#[tokio::test]
async fn an_occurrence_that_cannot_be_looked_at_keeps_no_other_waiting() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let names: Vec<String> = (0..40).map(|i| format!("A{i}")).collect();
    let alerts: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
    intake.accept(group(&alerts)).await.unwrap();
    let poison = "create trigger poison before update on occurrences
         when new.labels like '%\"A7\"%' or new.labels like '%\"A30\"%'
         begin select raise(abort, 'poisoned'); end";
    sqlx::raw_sql(poison).execute(rig.store.writer()).await.unwrap();
    rig.clock.advance(Duration::from_secs(9 * 3600));
    let left = async || -> i64 {
        let count = "select count(*) from occurrences where state = 'firing'";
        sqlx::query_scalar(count).fetch_one(rig.store.readers()).await.unwrap()
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while left().await > 2 {
        assert!(std::time::Instant::now() < deadline, "{} never went stale", left().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(left().await, 2, "these are left alone");
}

#[tokio::test]
async fn when_everything_fails_the_senders_are_told_soon() {
    let rig = Rig::new(CONFIG).await;
    poison(&rig, "g").await;
    let (intake, intaker) = rig.intake();
    let mut asked: Vec<_> = (0..BATCH).map(|_| Box::pin(intake.accept(group(&[("A", None)])))).collect();
    for future in &mut asked {
        assert!(futures_poll(future).await.is_none());
    }
    rig.tasks.spawn("intake", intaker.run(rig.tasks.shutdown()));
    for future in asked {
        assert_eq!(future.await, Err(IntakeError::Store));
    }
    assert!(rig.history().await.is_empty());
}
