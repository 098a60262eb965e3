//! Where messages about groups stand.

use modelwatch_receiver_core::message::Post;

use super::*;

fn post(claimed: &Claimed, ts: &str) -> Post {
    Post::saying(&claimed.message, "#alerts", "C1".to_owned(), ts.to_owned())
}

async fn kept(bench: &Bench) -> i64 {
    sqlx::query_scalar("select count(*) from posts").fetch_one(bench.store.readers()).await.unwrap()
}

#[tokio::test]
async fn the_newest_message_of_a_destinations_group_is_known_after_a_restart() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("chat", &occurrence, FIRING, at(1)).await;
    let first = bench.claim("chat", at(2)).await.unwrap();
    assert_eq!(first.post, None);
    for ts in ["1.1", "1.2"] {
        bench.store.keep_post(&first, &post(&first, ts)).await.unwrap();
    }
    bench.end(&first, &delivered(), Next::Done, at(3)).await;
    let bench = bench.restarted().await;
    bench.queue("chat", &occurrence, Transition { repeat: 1, ..FIRING }, at(4)).await;
    let second = bench.claim("chat", at(5)).await.unwrap();
    assert_eq!(second.post, Some(post(&first, "1.2")));
    assert_eq!(kept(&bench).await, 1);
}

#[tokio::test]
async fn other_groups_other_destinations_and_those_without_changes_have_none() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    for channel in ["chat", "console", "mail"] {
        bench.queue(channel, &occurrence, FIRING, at(1)).await;
    }
    let first = bench.claim("chat", at(2)).await.unwrap();
    bench.store.keep_post(&first, &post(&first, "1.1")).await.unwrap();
    bench.end(&first, &delivered(), Next::Done, at(3)).await;
    let console = bench.claim("console", at(2)).await.unwrap();
    // as if the channel had been one whose messages can be changed
    bench.store.keep_post(&console, &post(&console, "1.3")).await.unwrap();
    bench.end(&console, &refused(), Next::Again(Duration::ZERO), at(3)).await;
    assert_eq!(bench.claim_when_open("console", at(4)).await.post, None);
    assert_eq!(bench.claim("mail", at(4)).await.unwrap().post, None);
}

#[tokio::test]
async fn a_message_is_forgotten_with_the_newest_notification_that_it_told() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("chat", &occurrence, FIRING, at(1)).await;
    let first = bench.claim("chat", at(2)).await.unwrap();
    bench.store.keep_post(&first, &post(&first, "1.1")).await.unwrap();
    bench.end(&first, &delivered(), Next::Done, at(3)).await;
    bench.queue("chat", &occurrence, Transition { repeat: 1, ..FIRING }, at(500)).await;
    let second = bench.claim("chat", at(501)).await.unwrap();
    bench.store.keep_post(&second, &post(&second, "1.1")).await.unwrap();
    bench.end(&second, &delivered(), Next::Done, at(502)).await;
    bench.store.prune(at(400)).await.unwrap();
    assert_eq!(kept(&bench).await, 1);
    bench.store.prune(at(1_000)).await.unwrap();
    assert_eq!(kept(&bench).await, 0);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_none() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("chat", &occurrence, FIRING, at(1)).await;
    let first = bench.claim("chat", at(2)).await.unwrap();
    bench.store.keep_post(&first, &post(&first, "1.1")).await.unwrap();
    sqlx::query("update posts set post = '{}'").execute(bench.store.writer()).await.unwrap();
    bench.end(&first, &refused(), Next::Again(Duration::ZERO), at(3)).await;
    assert_eq!(bench.claim_when_open("chat", at(4)).await.post, None);
}

#[tokio::test]
async fn once_others_took_over_their_message_stands() {
    let bench = Bench::new().await;
    let occurrence = bench.see(&alert("A", None), at(1)).await;
    bench.queue("chat", &occurrence, FIRING, at(1)).await;
    let slow = bench.claim("chat", at(2)).await.unwrap();
    let bench = bench.restarted().await;
    let taken = bench.claim("chat", at(3)).await.unwrap();
    bench.store.keep_post(&slow, &post(&slow, "1.1")).await.unwrap();
    assert_eq!(kept(&bench).await, 0, "it is being told by others");
    bench.store.keep_post(&taken, &post(&taken, "1.2")).await.unwrap();
    bench.end(&taken, &delivered(), Next::Done, at(4)).await;
    bench.store.keep_post(&slow, &post(&slow, "1.1")).await.unwrap();
    bench.queue("chat", &occurrence, Transition { repeat: 1, ..FIRING }, at(5)).await;
    assert_eq!(bench.claim("chat", at(6)).await.unwrap().post, Some(post(&taken, "1.2")));
}
