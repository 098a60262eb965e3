//! What destinations heard, and what they certainly did not.

use modelwatch_receiver_core::outcome::Outcome;

use super::*;

/// The transitions of an occurrence at `console`: status, whether it was told, and why not.
async fn transitions(bench: &Bench, occurrence: &str) -> Vec<(String, bool, String)> {
    let rows: Vec<(String, Option<i64>, Option<String>)> = sqlx::query_as(
        "select status, told_at, suppressed from transitions where occurrence = $1 order by status",
    )
    .bind(occurrence)
    .fetch_all(bench.store.readers())
    .await
    .unwrap();
    let line = |(status, told_at, why): (String, Option<i64>, Option<String>)| {
        (status, told_at.is_some(), why.unwrap_or_default())
    };
    rows.into_iter().map(line).collect()
}

fn line(status: &str, told: bool, why: &str) -> (String, bool, String) {
    (status.to_owned(), told, why.to_owned())
}

/// A fires and ends while the attempt to say so is under way, which then comes to `outcome`.
async fn ended_meanwhile(bench: &Bench, outcome: &Outcome) -> String {
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    bench.see(&alert("A", Some(at(5))), at(6)).await;
    bench.queue("console", &a, RESOLVED, at(6)).await;
    bench.end(&claimed, outcome, Next::Again(Duration::ZERO), at(7)).await;
    a
}

#[tokio::test]
async fn what_ends_while_an_attempt_is_under_way_that_fails_is_never_told() {
    let bench = Bench::new().await;
    let a = ended_meanwhile(&bench, &refused()).await;
    assert!(bench.claim("console", at(8)).await.is_none());
    let settled = [line("firing", false, "superseded"), line("resolved", false, "never_told")];
    assert_eq!(transitions(&bench, &a).await, settled);
    let counted: Vec<(String, i64)> =
        sqlx::query_as("select reason, times from suppressions where occurrence = $1 order by reason")
            .bind(a)
            .fetch_all(bench.store.readers())
            .await
            .unwrap();
    assert_eq!(counted, [("never_told".to_owned(), 1), ("superseded".to_owned(), 1)]);
}

#[tokio::test]
async fn what_ends_while_an_attempt_is_under_way_that_nobody_answers_is_told_to_be_over() {
    let bench = Bench::new().await;
    let a = ended_meanwhile(&bench, &no_answer()).await;
    let claimed = bench.claim("console", at(8)).await.unwrap();
    assert_eq!(claimed.message.title(), "[RESOLVED:1] A");
    bench.end(&claimed, &delivered(), Next::Done, at(9)).await;
    let told = [line("firing", false, "superseded"), line("resolved", true, "")];
    assert_eq!(transitions(&bench, &a).await, told, "that it fires is not what was said");
}

#[tokio::test]
async fn a_claim_that_a_crash_cut_short_was_heard_by_nobody() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    bench.claim("console", at(2)).await.unwrap();
    bench.see(&alert("A", Some(at(5))), at(6)).await;
    bench.queue("console", &a, RESOLVED, at(6)).await;
    let bench = bench.restarted().await;
    assert!(bench.claim("console", at(8)).await.is_none());
    assert_eq!(transitions(&bench, &a).await[1], line("resolved", false, "never_told"));
}

#[tokio::test]
async fn others_are_told_without_what_nobody_heard_before_it_was_over() {
    let bench = Bench::new().await;
    ended_meanwhile(&bench, &refused()).await;
    let b = bench.see(&alert("B", None), at(8)).await;
    bench.queue("console", &b, FIRING, at(8)).await;
    let claimed = bench.claim("console", at(9)).await.unwrap();
    assert_eq!((claimed.message.title().as_str(), claimed.never_told), ("[FIRING:1] B", 1));
}

#[tokio::test]
async fn one_of_several_recipients_who_has_it_hears_that_it_is_over() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    let receipt = modelwatch_receiver_core::outcome::Receipt {
        recipient: "a@x.org".to_owned(),
        outcome: delivered(),
        tries: 1,
    };
    bench.store.keep_receipt(&claimed.id, &receipt).await.unwrap();
    bench.end(&claimed, &refused(), Next::Again(HOUR), at(3)).await;
    bench.see(&alert("A", Some(at(5))), at(6)).await;
    bench.queue("console", &a, RESOLVED, at(6)).await;
    assert_eq!(bench.claim("console", at(8)).await.unwrap().message.title(), "[RESOLVED:1] A");
}

#[tokio::test]
async fn that_it_flaps_is_told_only_by_a_message_that_says_so() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    let claimed = bench.claim("console", at(2)).await.unwrap();
    // it begins to flap while the message is under way that does not know it
    let flaps = Transition { status: modelwatch_receiver_core::dedupe::Phase::Flapping, repeat: 1 };
    let waits = bench.queue("console", &a, flaps, at(3)).await;
    bench.end(&claimed, &delivered(), Next::Done, at(4)).await;
    assert_eq!(transitions(&bench, &a).await, [line("firing", true, ""), line("flapping", false, "")]);
    assert_eq!(bench.claim("console", at(5)).await.unwrap().id, waits);
}
