use jiff::Timestamp;
use sqlx::Row as _;

use super::super::fixtures::store_with;
use super::*;
use crate::store::Store;

const LABELS: [Option<(&str, &str)>; 2] = [Some(("alertname", "A")), Some(("feature", "x"))];

fn slice<'a>(status: &'a str, channel: &'a str, labels: [Option<(&'a str, &'a str)>; 2]) -> Slice<'a> {
    let before = (Timestamp::MAX, "");
    Slice { since: Timestamp::MIN, until: Timestamp::MAX, before, status, channel, labels, limit: 101 }
}

/// How SQLite goes about it, a line for each table.
async fn plan(store: &Store, mut select: Select<'_>) -> String {
    select.sql.insert_str(0, "explain query plan ");
    let rows = select.rows(&store.history).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
    lines.join("\n")
}

#[tokio::test]
async fn an_index_leads_to_whatever_is_looked_for_in_the_order_of_time() {
    let (_folder, store) = store_with(Vec::new()).await;
    let pair = Pair::of("alertname", "A");
    for (status, channel, index) in [
        ("", "", "notifications_created"),
        ("dead", "", "notifications_status"),
        ("", "ops", "notifications_channel"),
        ("dead", "ops", "notifications_state_there"),
    ] {
        let slice = slice(status, channel, LABELS);
        let rows = plan(&store, Select::notifications(&slice, Lead::Rows)).await;
        assert!(rows.contains(&format!("USING INDEX {index} ")), "{rows}");
        let unlabelled = plan(&store, Select::notifications(&slice, Lead::Unlabelled)).await;
        assert!(unlabelled.contains("USING INDEX notifications_unlabelled "), "{unlabelled}");
        let labelled = plan(&store, Select::notifications(&slice, Lead::Label(pair, None))).await;
        assert!(
            labelled.starts_with("SEARCH l USING COVERING INDEX sqlite_autoindex_labels_1"),
            "{labelled}"
        );
        let both = plan(&store, Select::notifications(&slice, Lead::Label(pair, Some(pair)))).await;
        let order: Vec<&str> = both.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        assert!(order.starts_with(&["l", "o", "n"]), "{both}");
        let rows_count = plan(&store, Select::count_of_rows(&slice)).await;
        assert!(rows_count.contains(&format!("{index} ")), "{rows_count}");
        for plan in [rows, unlabelled, labelled, both] {
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}

#[tokio::test]
async fn counting_ends_at_a_few() {
    let (_folder, store) = store_with(Vec::new()).await;
    let many = format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < {FEW} + 10)
         insert into labels select {}, i from n",
        Pair::of("alertname", "A").number()
    );
    sqlx::query(AssertSqlSafe(many)).execute(store.writer()).await.unwrap();
    let everything = slice("", "", LABELS);
    let count =
        |name| Select::count_of_label(&everything, Pair::of("alertname", name)).number(&store.history);
    assert!(!are_few(count("A").await.unwrap()));
    assert_eq!(count("B").await.unwrap(), 0);
    assert!(are_few(Select::count_of_rows(&everything).number(&store.history).await.unwrap()));
}

#[test]
fn a_page_begins_before_its_cursor_and_before_its_end_whichever_is_earlier() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let all = slice("", "", [None, None]);
    assert_eq!(end(&Slice { until: at(5), before: (at(9), "id"), ..all.clone() }), (5_000_001, ""));
    assert_eq!(end(&Slice { until: at(9), before: (at(5), "id"), ..all.clone() }), (5_000_000, "id"));
    assert_eq!(end(&Slice { until: at(5), before: (at(5), "id"), ..all }), (5_000_000, "id"));
}
