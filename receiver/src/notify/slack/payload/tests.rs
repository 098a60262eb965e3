use std::sync::LazyLock;

use modelwatch_receiver_core::template::samples;
use proptest::prelude::*;

use super::*;

fn pieces() -> Pieces {
    Pieces {
        title: "[FIRING:1][DEV] Drift".to_owned(),
        text: "text".to_owned(),
        summary: "summary".to_owned(),
        action: "action".to_owned(),
        labels: vec!["*a:* 1".to_owned(), "*b:* 2".to_owned()],
        more_labels: 0,
        alerts: Vec::new(),
        footer: "footer".to_owned(),
        problem: None,
        language: Language::default(),
    }
}

fn alerts(count: usize, length: usize, labels: usize) -> Vec<Alert> {
    let alert = |number: usize| Alert {
        text: format!("{number} {}", "x".repeat(length)),
        labels: (0..labels).map(|label| format!("*label_{label}:* value")).collect(),
    };
    (0..count).map(alert).collect()
}

fn blocks(payload: &Value) -> Vec<&Value> {
    let first = payload["blocks"].as_array().unwrap().iter();
    first.chain(payload["attachments"][0]["blocks"].as_array().unwrap()).collect()
}

fn texts(payload: &Value) -> String {
    let text = |block: &&Value| match block["type"].as_str() {
        Some("context") => block["elements"][0]["text"].as_str().unwrap().to_owned(),
        _ => block["text"]["text"].as_str().unwrap().to_owned(),
    };
    let shown = blocks(payload).into_iter().filter(|block| block["type"] != "actions");
    shown.map(|block| text(&block)).collect::<Vec<_>>().join("\n")
}

/// Every rule of Slack's that a message could break.
fn assert_slack_accepts(payload: &Value) {
    let blocks = blocks(payload);
    assert!(blocks.len() <= 50, "{} blocks", blocks.len());
    let all: usize = blocks.iter().map(|block| length(&block.to_string())).sum();
    assert!(all <= 13_200, "{all} characters");
    assert!(length(payload["text"].as_str().unwrap()) <= 4_000);
    for block in blocks {
        if block["type"] == "actions" {
            assert!((1..=25).contains(&block["elements"].as_array().unwrap().len()), "{block}");
            continue;
        }
        let (text, most) = match block["type"].as_str().unwrap() {
            "header" => (&block["text"], 150),
            "section" => (&block["text"], 3_000),
            "context" => (&block["elements"][0], 3_000),
            other => panic!("no block of type {other} is made"),
        };
        let text = text["text"].as_str().unwrap();
        assert!((1..=most).contains(&length(text)), "{} characters in {block}", length(text));
        assert!(!text.trim().is_empty(), "{block}");
    }
}

#[test]
fn the_title_is_on_top_and_the_rest_beside_the_colour() {
    let payload = build(&pieces(), &samples::firing());
    assert_eq!(payload["blocks"][0]["text"]["text"], "[FIRING:1][DEV] Drift");
    assert_eq!(payload["attachments"][0]["color"], "danger");
    assert_eq!(texts(&payload), "[FIRING:1][DEV] Drift\nsummary\naction\n*a:* 1 · *b:* 2\nfooter");
    assert_slack_accepts(&payload);
}

#[test]
fn the_colour_follows_severity_and_state() {
    let colour_of = |severity: &str| {
        let mut message = samples::firing();
        message.alerts[0].labels.insert("severity".to_owned(), severity.to_owned());
        colour(&message)
    };
    assert_eq!(colour_of("critical"), "danger");
    assert_eq!(colour_of("warning"), "warning");
    assert_eq!(colour_of("unheard-of"), "warning");
    assert_eq!(colour_of("info"), "good");
    assert_eq!(colour(&samples::resolved()), "good");
    assert_eq!(colour(&samples::test()), "good", "a test frightens nobody");
}

#[test]
fn a_header_holds_150_characters() {
    for (given, shown) in [(149, 149), (150, 150), (151, 149)] {
        let payload = build(&Pieces { title: "t".repeat(given), ..pieces() }, &samples::firing());
        let title = payload["blocks"][0]["text"]["text"].as_str().unwrap();
        assert_eq!(title.matches('t').count(), shown);
        assert_eq!(title.ends_with('…'), given > 150);
        assert_slack_accepts(&payload);
    }
}

#[test]
fn a_section_holds_3000_characters_of_labels_and_the_next_one_the_rest() {
    let full = MAX_SECTION - 4 * (MAX_LABEL + length(SEPARATOR));
    for (last, count) in [(full - 1, 1), (full, 1), (full + 1, 2)] {
        let mut labels = vec!["l".repeat(MAX_LABEL); 4];
        labels.push("l".repeat(last));
        assert_eq!(sections("", 0, &labels).len(), count, "{last}");
    }
}

#[test]
fn labels_follow_the_text_of_their_alert_on_a_line_of_their_own() {
    let labels = ["*a:* 1".to_owned(), "*b:* 2".to_owned()];
    assert_eq!(sections("text", 10, &labels)[0]["text"]["text"], "text\n*a:* 1 · *b:* 2");
    assert_eq!(sections("", 10, &[]), [Value::Null; 0]);
}

#[test]
fn a_message_holds_50_blocks() {
    for (count, hidden) in [(43, 0), (44, 0), (45, 1), (46, 2)] {
        let message =
            Message { alerts: vec![samples::firing().alerts[0].clone(); count], ..samples::firing() };
        let pieces = Pieces { alerts: alerts(count, 10, 0), labels: Vec::new(), ..pieces() };
        let payload = build(&pieces, &message);
        let more = texts(&payload).contains(&format!("_and {hidden} more_"));
        assert_eq!(more, hidden > 0, "{count} alerts: {}", texts(&payload));
        assert_slack_accepts(&payload);
    }
}

#[test]
fn all_blocks_together_hold_11500_characters() {
    let message = Message { alerts: vec![samples::firing().alerts[0].clone(); 8], ..samples::firing() };
    let with = |last: usize| {
        let mut alerts = alerts(7, 1_300, 0);
        alerts.push(Alert { text: "y".repeat(last), labels: Vec::new() });
        build(&Pieces { alerts, ..pieces() }, &message)
    };
    let all = |payload: &Value| blocks(payload).iter().map(|block| size(block)).sum::<usize>();
    let left = MAX_CHARACTERS - size(&more(usize::MAX, Language::default())) - all(&with(1)) + 1;
    assert!((1..MAX_ALERT).contains(&left), "{left}");
    for (last, shown) in [(left - 1, true), (left, true), (left + 1, false)] {
        let payload = with(last);
        assert_eq!(texts(&payload).contains("yyy"), shown, "{last} of {left}");
        assert_eq!(texts(&payload).contains("_and 1 more_"), !shown);
        assert_slack_accepts(&payload);
    }
}

#[test]
fn what_a_phone_shows_holds_1000_characters_and_small_print_700() {
    for (given, most) in [(999, 1_000), (1_000, 1_000), (1_001, 1_000)] {
        let payload = build(&Pieces { text: "t".repeat(given), ..pieces() }, &samples::firing());
        let text = payload["text"].as_str().unwrap();
        assert_eq!((length(text), text.ends_with('…')), (given.min(most), given > most));
        assert_eq!(payload["attachments"][0]["fallback"], payload["text"]);
    }
    for given in [699, 700, 701] {
        let payload = build(&Pieces { footer: "f".repeat(given), ..pieces() }, &samples::firing());
        let small = texts(&payload).lines().last().unwrap().to_owned();
        assert_eq!((length(&small), small.ends_with('…')), (given.min(700), given > 700));
    }
}

#[test]
fn the_shares_of_summary_action_alert_and_label_are_kept() {
    for (share, most) in [(MAX_SUMMARY, "s"), (MAX_ACTION, "a")] {
        for given in [share - 1, share, share + 1] {
            let text = most.repeat(given);
            let given_pieces = match most {
                "s" => Pieces { summary: text, ..pieces() },
                _ => Pieces { action: text, ..pieces() },
            };
            let shown = texts(&build(&given_pieces, &samples::firing()));
            let line = shown.lines().map(length).max();
            assert_eq!((line, shown.contains('…')), (Some(given.min(share)), given > share), "{most}");
        }
    }
    for given in [MAX_LABEL - 1, MAX_LABEL, MAX_LABEL + 1] {
        let shown = sections("", 0, &["l".repeat(given)])[0]["text"]["text"].clone();
        assert_eq!(length(shown.as_str().unwrap()), given.min(MAX_LABEL));
    }
    for given in [MAX_ALERT - 1, MAX_ALERT, MAX_ALERT + 1] {
        let shown = sections(&"a".repeat(given), MAX_ALERT, &[])[0]["text"]["text"].clone();
        assert_eq!(length(shown.as_str().unwrap()), given.min(MAX_ALERT));
    }
}

#[test]
fn a_thousand_alerts_are_told_as_far_as_they_fit_and_the_rest_is_counted() {
    let pieces = Pieces { alerts: alerts(50, 400, 3), ..pieces() };
    let payload = build(&pieces, &samples::thousand());
    let text = texts(&payload);
    let shown = text.matches("label_2").count();
    assert!(shown > 10, "{shown}");
    assert!(text.contains(&format!("_and {} more_", 1_000 - shown)), "{text}");
    assert!(text.ends_with("footer"), "{text}");
    assert_slack_accepts(&payload);
}

#[test]
fn long_annotations_never_crowd_out_what_to_do_or_a_label() {
    let long = Pieces { summary: "s".repeat(1_000_000), footer: "f".repeat(1_000_000), ..pieces() };
    let payload = build(&long, &samples::firing());
    let text = texts(&payload);
    assert!(text.contains("action") && text.contains("*a:* 1 · *b:* 2"));
    assert_slack_accepts(&payload);
}

#[test]
fn labels_that_do_not_fit_are_counted() {
    let labels = (0..500).map(|number| format!("*label_{number}:* {}", "v".repeat(80))).collect();
    let payload = build(&Pieces { labels, ..pieces() }, &samples::firing());
    let text = texts(&payload);
    let shown = text.matches("*label_").count();
    assert!(shown > 60 && text.contains(&format!("_and {} more labels_", 500 - shown)), "{shown}");
    assert_slack_accepts(&payload);
}

#[test]
fn sixty_four_labels_of_common_length_are_all_shown() {
    let labels = (0..64).map(|number| format!("*label_{number}:* {}", "v".repeat(40))).collect();
    let payload = build(&Pieces { labels, ..pieces() }, &samples::firing());
    assert_eq!(texts(&payload).matches("*label_").count(), 64);
    assert_slack_accepts(&payload);
}

#[test]
fn a_failed_template_is_said_at_the_end() {
    let payload = build(&Pieces { problem: Some("why".to_owned()), ..pieces() }, &samples::firing());
    assert!(texts(&payload).ends_with("why\nfooter"));
}

#[test]
fn a_title_of_nothing_but_spaces_is_replaced() {
    let payload = build(&Pieces { title: " \n ".to_owned(), ..pieces() }, &samples::resolved());
    assert_eq!(payload["blocks"][0]["text"]["text"], "resolved");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_makes_a_message_that_slack_refuses(
        texts in prop::collection::vec("(&amp;|<https://a\\|b>|\\PC|🧨|\n){0,200}", 6),
        repeat in 1_usize..8,
        labels in 0_usize..60,
        count in 0_usize..50,
    ) {
        let text = |index: usize| texts[index].repeat(repeat);
        let alert = |_| Alert { text: text(0), labels: vec![text(1); labels % 7] };
        let pieces = Pieces {
            title: text(0),
            text: text(1),
            summary: text(2),
            action: text(3),
            labels: vec![text(4); labels],
            more_labels: 0,
            alerts: (0..count).map(alert).collect(),
            footer: text(5),
            problem: Some(text(0)),
            language: Language::default(),
        };
        static MESSAGE: LazyLock<Message> = LazyLock::new(samples::thousand);
        assert_slack_accepts(&build(&pieces, &MESSAGE));
    }
}
