use clap::Parser as _;

use super::*;
use crate::store::fixtures::{Remembered, at, store_with};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: HistoryArgs,
}

async fn printed(flags: &[&str], rows: Vec<Remembered>) -> String {
    let (_folder, store) = store_with(rows).await;
    let line = Line::try_parse_from([&["history"], flags].concat()).unwrap();
    let mut out = Vec::new();
    let filter = line.args.filter(at(10_000)).unwrap();
    line.args.print(&store, filter, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

fn dead() -> Remembered {
    let attempts = vec![
        (Some("retryable"), Some("timeout"), true, ""),
        (Some("permanent"), Some("not_found"), false, ""),
    ];
    Remembered {
        id: "n2",
        status: "dead",
        channel: "slack, \"critical\"",
        created_at: at(2_000),
        attempts,
        ..Remembered::default()
    }
}

#[tokio::test]
async fn the_table_lines_up_and_is_newest_first() {
    let expected = "\
CREATED AT            STATUS     KIND  CHANNEL            TITLE                               ATTEMPTS  AMBIGUOUS  REASON     ID
1970-01-01 00:33:20Z  dead       new   slack, \"critical\"  [FIRING:1][DEV] FeatureDriftSevere  2         yes        not_found  n2
1970-01-01 00:16:40Z  delivered  new   ops                [FIRING:1][DEV] FeatureDriftSevere  1         no                    n1
";
    assert_eq!(printed(&[], vec![Remembered::default(), dead()]).await, expected);
}

#[tokio::test]
async fn csv_quotes_what_needs_it() {
    let expected = "\
created_at,status,kind,channel,title,attempts,ambiguous,reason,id
1970-01-01T00:33:20Z,dead,new,\"slack, \"\"critical\"\"\",[FIRING:1][DEV] FeatureDriftSevere,2,yes,not_found,n2
";
    assert_eq!(printed(&["--format", "csv"], vec![dead()]).await, expected);
}

#[tokio::test]
async fn json_is_what_the_api_answers_and_ndjson_one_of_them_a_line() {
    let json = printed(&["--format", "json"], vec![Remembered::default(), dead()]).await;
    let page: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&page["notifications"][0]["id"], &page["next_cursor"]),
        (&"n2".into(), &serde_json::Value::Null)
    );
    let lines = printed(&["--format", "ndjson"], vec![Remembered::default(), dead()]).await;
    let ids: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, ["n2", "n1"]);
}

#[tokio::test]
async fn flags_filter() {
    let flags = ["--status", "dead", "--since", "24h", "--format", "ndjson"];
    assert_eq!(printed(&flags, vec![Remembered::default(), dead()]).await.lines().count(), 1);
    assert_eq!(printed(&["--channel", "ops", "--format", "ndjson"], vec![dead()]).await, "");
}

#[tokio::test]
async fn control_characters_do_not_reach_the_terminal() {
    let mut row = Remembered::default();
    row.message.alerts[0].labels.insert("alertname".to_owned(), "a\u{1b}[2J\nb".to_owned());
    let table = printed(&[], vec![row]).await;
    assert!(table.contains("a [2J b") && !table.contains('\u{1b}'), "{table}");
}

#[test]
fn a_wrong_time_is_a_usage_error() {
    let line = Line::try_parse_from(["history", "--since", "yesterday"]).unwrap();
    let error = line.args.filter(at(0)).unwrap_err();
    assert!(error.to_string().contains("since: `yesterday`"), "{error}");
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (_folder, store) = store_with(vec![Remembered::default()]).await;
    for format in ["table", "json", "csv", "ndjson"] {
        let line = Line::try_parse_from(["history", "--format", format]).unwrap();
        let filter = line.args.filter(at(10_000)).unwrap();
        line.args.print(&store, filter, &mut Closed).await.unwrap();
    }
}
