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
    let [a, b] = [("alertname", "A"), ("feature", "x")];
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
        let labelled = plan(&store, Select::notifications(&slice, Lead::Label(a, None))).await;
        let both = plan(&store, Select::notifications(&slice, Lead::Label(a, Some(b)))).await;
        for (plan, tables) in [(&labelled, &["l", "n"][..]), (&both, &["l", "o", "n"][..])] {
            // each state is looked at for itself, and what is found merged as it comes
            let states = if status.is_empty() { STATES.len() } else { 1 };
            assert_eq!(searched(plan), tables.repeat(states), "{plan}");
            assert_eq!(plan.matches("MERGE").count(), states - 1, "{plan}");
            let [by_label, by_time] = ["(pair=? AND state=? AND created_at>", "AND created_at=?)"];
            assert_eq!(plan.matches(by_label).count(), states, "{plan}");
            assert_eq!(plan.matches(by_time).count(), states * (tables.len() - 1), "{plan}");
        }
        let rows_count = plan(&store, Select::count_of_rows(&slice)).await;
        assert!(rows_count.contains(&format!("{index} ")), "{rows_count}");
        for plan in [rows, unlabelled, labelled, both] {
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}

/// Which notifications and labels are searched, in this order.
fn searched(plan: &str) -> Vec<&str> {
    let tables = plan.lines().filter_map(|line| line.strip_prefix("SEARCH ")?.split(' ').next());
    tables.filter(|table| *table != "f").collect()
}

#[tokio::test]
async fn counting_ends_at_a_few() {
    let (_folder, store) = store_with(Vec::new()).await;
    let many = format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < {OFTEN} + 10)
         insert into labels select {}, i % 4, i from n",
        Pair::of("alertname", "A").number()
    );
    sqlx::query(AssertSqlSafe(many)).execute(store.writer()).await.unwrap();
    let [everything, dead] = [slice("", "", LABELS), slice("dead", "", LABELS)];
    for (slice, name, rows) in
        [(&everything, "A", OFTEN), (&dead, "A", OFTEN / 4 + 2), (&everything, "B", 0), (&dead, "B", 0)]
    {
        let counted = Select::count_of_label(slice, ("alertname", name)).number(&store.history).await;
        assert_eq!(counted.unwrap(), rows, "{name}");
    }
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
