//! Sums over alerts of a name.

use super::*;

async fn suppress(bench: &Bench, occurrence: &str, reason: &str, times: i64) {
    sqlx::query("insert into suppressions values ('console', $1, $2, $3, 0, 0)")
        .bind(occurrence)
        .bind(reason)
        .bind(times)
        .execute(bench.store.writer())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_stale_unconfirmed_or_a_drill_takes_no_time_to_resolve() {
    let bench = Bench::new().await;
    assert_eq!(bench.store.happened(at(0), at(100)).await.unwrap(), []);
    let mut ids = Vec::new();
    for (name, end) in [("A", Some(60)), ("B", Some(60)), ("C", None), ("D", None)] {
        let id = bench.see(&alert(name, None), at(1)).await;
        if let Some(end) = end {
            bench.see(&alert(name, Some(at(end))), at(end)).await;
        }
        sqlx::query("update occurrences set labels = '{\"alertname\":\"Same\"}' where id = $1")
            .bind(id.as_str())
            .execute(bench.store.writer())
            .await
            .unwrap();
        ids.push(id);
    }
    let changes =
        ["unconfirmed = 1 where id = $1", "state = 'stale' where id = $1", "state = 'test' where id = $1"];
    for (change, id) in changes.into_iter().zip(&ids[1..]) {
        let update = format!("update occurrences set {change}");
        let update = sqlx::query(sqlx::AssertSqlSafe(update)).bind(id.as_str());
        update.execute(bench.store.writer()).await.unwrap();
    }
    let (firing, until_resolved) = ((60 + 60 + 1) * 1_000_000, 60 * 1_000_000);
    let same = Happened {
        alertname: Some("Same".to_owned()),
        occurrences: 3,
        firing,
        resolved: 1,
        until_resolved,
        flaps: 0,
    };
    assert_eq!(bench.store.happened(at(0), at(100)).await.unwrap(), [same]);
    assert_eq!(bench.store.happened(at(61), at(100)).await.unwrap(), []);
    suppress(&bench, &ids[0], "duplicate", 2).await;
    suppress(&bench, &ids[1], "duplicate", 3).await;
    suppress(&bench, &ids[2], "never_told", 1).await;
    let counted = |reason: &str, times| Counted {
        alertname: Some("Same".to_owned()),
        reason: reason.to_owned(),
        times,
    };
    let mut unsaid = bench.store.unsaid(at(0)).await.unwrap();
    unsaid.sort_by(|a, b| a.reason.cmp(&b.reason));
    assert_eq!(unsaid, [counted("duplicate", 5), counted("never_told", 1)]);
    assert_eq!(bench.store.unsaid(at(30)).await.unwrap(), [counted("duplicate", 5)]);
}

#[tokio::test]
async fn notifications_count_for_each_name_that_they_speak_of() {
    let bench = Bench::new().await;
    let a = bench.see(&alert("A", None), at(1)).await;
    let b = bench.see(&alert("B", None), at(1)).await;
    bench.queue("console", &a, FIRING, at(1)).await;
    bench.queue("console", &b, FIRING, at(2)).await;
    let both = bench.claim("console", at(3)).await.unwrap();
    bench.end(&both, &delivered(), Next::Done, at(3)).await;
    bench.queue("mail", &b, FIRING, at(4)).await;
    let refused_once = bench.claim("mail", at(4)).await.unwrap();
    bench.end(&refused_once, &refused(), Next::Again(HOUR), at(4)).await;
    let mut sent = bench.store.sent(at(0)).await.unwrap();
    sent.sort_by(|a, b| a.alertname.cmp(&b.alertname));
    let one = |name: &str| Counted { alertname: Some(name.to_owned()), reason: String::new(), times: 1 };
    assert_eq!(sent, [one("A"), one("B")]);
    assert_eq!(bench.store.sent(at(3)).await.unwrap(), []);
}
