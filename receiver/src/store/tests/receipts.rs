//! Destinations with several recipients: who has a message is known for good.

use modelwatch_receiver_core::outcome::{Outcome, Reason, Receipt};

use super::*;

fn receipt(recipient: &str, outcome: Outcome, tries: u32) -> Receipt {
    Receipt { recipient: recipient.to_owned(), outcome, tries }
}

fn later() -> Outcome {
    let detail = "451 later".to_owned();
    Outcome::Retryable { reason: Reason::ServerError, retry_after: None, ambiguous: true, detail }
}

#[tokio::test]
async fn what_recipients_came_to_is_known_after_a_restart_in_its_newest_state() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("mail", &occurrence, FIRING, at(1)).await;
    let claimed = bench.claim("mail", at(2)).await.unwrap();
    assert_eq!(claimed.receipts, []);
    let kept = [receipt("a@x", delivered(), 1), receipt("b@x", refused(), 1), receipt("c@x", later(), 2)];
    let before = [receipt("c@x", refused(), 1)];
    bench.begin(&claimed, at(2)).await.unwrap();
    for receipt in before.iter().chain(&kept) {
        bench.store.keep_receipt(&claimed.id, receipt).await.unwrap();
    }
    let bench = bench.restarted().await;
    assert_eq!(bench.claim("mail", at(3)).await.unwrap().receipts, kept);
}

#[tokio::test]
async fn a_dead_letter_that_somebody_has_was_heard_and_is_what_later_mails_answer_to() {
    for somebody_has_it in [true, false] {
        let bench = Bench::new().await;
        let occurrence = bench.see(&alert("A", None), at(1)).await;
        bench.queue("mail", &occurrence, FIRING, at(1)).await;
        let first = bench.claim("mail", at(2)).await.unwrap();
        assert_eq!(first.message.thread, None);
        let outcome = if somebody_has_it { delivered() } else { refused() };
        bench.store.keep_receipt(&first.id, &receipt("a@x", outcome, 1)).await.unwrap();
        bench.end(&first, &refused(), Next::Dead, at(3)).await;
        bench.queue("mail", &occurrence, Transition { repeat: 1, ..FIRING }, at(9)).await;
        let second = bench.claim("mail", at(10)).await.unwrap();
        let (change, thread) =
            if somebody_has_it { (Change::StillFiring, Some(first.id)) } else { (Change::New, None) };
        assert_eq!(second.message.alerts[0].change, change);
        assert_eq!(second.message.thread, thread);
        bench.store.keep_receipt(&second.id, &receipt("a@x", delivered(), 1)).await.unwrap();
        bench.end(&second, &delivered(), Next::Done, at(11)).await;
        bench.queue("mail", &occurrence, Transition { repeat: 2, ..FIRING }, at(12)).await;
        let third = bench.claim("mail", at(13)).await.unwrap();
        assert_eq!(third.message.thread, thread.or(Some(second.id)), "all answer to the first");
    }
}

#[tokio::test]
async fn where_nobody_is_kept_apart_nothing_is_answered_to() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    let first = bench.queue("console", &occurrence, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    // as the channel had kept it when it was a mail channel
    bench.store.keep_receipt(&first, &receipt("a@x", delivered(), 1)).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, at(3)).await;
    bench.queue("console", &occurrence, Transition { repeat: 1, ..FIRING }, at(4)).await;
    assert_eq!(bench.claim("console", at(5)).await.unwrap().message.thread, None);
}

#[tokio::test]
async fn receipts_are_forgotten_with_their_notification() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("mail", &occurrence, FIRING, at(1)).await;
    let claimed = bench.claim("mail", at(2)).await.unwrap();
    bench.store.keep_receipt(&claimed.id, &receipt("a@x", delivered(), 1)).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, at(3)).await;
    bench.store.prune(at(1_000)).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from receipts").fetch_one(bench.store.readers()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_answer_that_no_database_can_hold_is_noted_as_well_as_can_be() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    let id = bench.queue("mail", &occurrence, FIRING, at(1)).await;
    let claimed = bench.claim("mail", at(2)).await.unwrap();
    let hostile = Outcome::Delivered { detail: "ok\0ok".to_owned() };
    bench.store.keep_receipt(&id, &receipt("a@x", hostile.clone(), 1)).await.unwrap();
    bench.end(&claimed, &hostile, Next::Done, at(3)).await;
    assert_eq!(bench.store.attempts(&[&id]).await.unwrap()[&id][0].detail, "ok\u{FFFD}ok");
}
