use modelwatch_receiver_core::retry::Next;

use super::bench::*;

async fn without_name(bench: &Bench) -> Vec<String> {
    sqlx::query_scalar("select id from notifications where group_id = ''")
        .fetch_all(bench.store.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn groups_get_their_names_at_the_next_start_where_somebody_will_ask_for_them() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(0)).await;
    let over = bench.queue("one", &occurrence, FIRING, at(0)).await;
    let claimed = bench.claim("one", at(0)).await.unwrap();
    bench.end(&claimed, &delivered(), Next::Done, at(1)).await;
    bench.queue("two", &occurrence, FIRING, at(0)).await;
    let unnamed = sqlx::query("update notifications set group_id = ''");
    unnamed.execute(bench.store.writer()).await.unwrap();
    let bench = bench.restarted().await;
    assert_eq!(without_name(&bench).await, [over]);
    let older = bench.queue("two", &occurrence, RESOLVED, at(2)).await;
    assert_eq!(bench.claim("two", at(3)).await.unwrap().id, older, "it is known to be of the same group");
    assert!(bench.claim("two", at(3)).await.is_none());
}
