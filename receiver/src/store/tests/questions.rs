//! What somebody is to be asked about alerts.

use modelwatch_receiver_core::occurrence::{Occurrence, Ruling, Testimony, Witness};

use super::*;

/// The ids of the occurrences that are asked about since this moment or before.
async fn open(store: &Store, until: jiff::Timestamp) -> Vec<(String, jiff::Timestamp)> {
    let questions = store.questions(until, 10).await.unwrap();
    questions.into_iter().map(|question| (question.occurrence, question.since)).collect()
}

#[tokio::test]
async fn a_question_is_known_to_every_receiver_until_it_is_answered() {
    let bench = Bench::new().await;
    let other = bench.store.another_receiver().await;
    let id = bench.see(&alert("A", None), at(1)).await;
    bench.see(&alert("B", None), at(1)).await;
    assert_eq!(open(&other, at(100)).await, []);
    bench
        .rewrite(&alert("A", None), at(30), |occurrence| occurrence.unheard_of(Witness::Alertmanager, at(30)))
        .await;
    assert_eq!(open(&other, at(29)).await, []);
    assert_eq!(open(&other, at(30)).await, [(id.clone(), at(30))]);
    let mut transaction = other.begin().await.unwrap();
    let mut found = Vec::new();
    for asked in [(id.as_str(), at(29)), ("nobody", at(30)), (id.as_str(), at(30))] {
        found.extend(transaction.questioned([asked].into_iter()).await.unwrap());
    }
    assert_eq!(found.iter().map(|due| due.stored.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    drop(transaction);
    let answered = |occurrence: Occurrence| match occurrence.ruled(Testimony::Gone, at(31), bench::WINDOWS) {
        Ruling::Stands(occurrence) => occurrence,
        returned => panic!("{returned:?}"),
    };
    bench.rewrite(&alert("A", None), at(31), answered).await;
    assert_eq!(open(&other, at(100)).await, []);
}
