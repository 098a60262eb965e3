//! The database's clock, which everybody's waits go by.

use super::*;

#[tokio::test]
async fn the_clock_of_the_store_is_the_databases() {
    let mut bench = Bench::new().await;
    bench.store.steady.set(jiff::Timestamp::UNIX_EPOCH);
    note(&bench.store).await.unwrap();
    let there: i64 = server(&mut bench)
        .sql("postgres", "select extract(epoch from now())::bigint")
        .unwrap()
        .parse()
        .unwrap();
    assert!((bench.store.now().as_second() - there).abs() <= 60, "{} is not {there}", bench.store.now());
}

#[tokio::test]
async fn a_clock_of_the_database_that_was_set_back_while_it_is_used_moves_what_waits_with_it() {
    let bench = Bench::new().await;
    let now = bench.store.now();
    let ahead = now.saturating_add(Duration::from_secs(7200)).unwrap();
    let (latest, meant) = (ahead.as_microsecond(), ahead.as_microsecond() + 60_000_000);
    // as others left it by the clock as it was
    let left = format!(
        "insert into gates (channel, opens_at) values ('console', {meant});
         insert into receivers (id, alive_until) values ('another', {meant});
         update clock set latest = {latest}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(left)).execute(bench.store.writer()).await.unwrap();
    bench.store.steady.set(ahead);
    // what is undone is done with the next one, and only once
    drop(bench.store.begin().await.unwrap());
    for _ in 0..2 {
        bench.store.begin().await.unwrap().commit().await.unwrap();
    }
    for column in ["opens_at from gates", "alive_until from receivers where id = 'another'"] {
        let select = format!("select {column}");
        let time: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(select)).fetch_one(bench.store.readers()).await.unwrap();
        let left = (time - bench.store.now().as_microsecond()) / 1_000_000;
        assert!((0..=60).contains(&left), "{column}: {left}");
    }
}
