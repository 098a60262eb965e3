use jiff::tz::TimeZone;
use serde_json::json;

use super::link::MAX_URL;
use super::*;
use crate::template::Language;

fn render(source: &str, data: &Value) -> String {
    render_in(Escape::Slack, source, data)
}

fn render_in(escape: Escape, source: &str, data: &Value) -> String {
    render_as(&Locale::default(), escape, source, data).unwrap()
}

fn render_as(locale: &Locale, escape: Escape, source: &str, data: &Value) -> Result<String, RenderError> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape.function());
    register(&mut registry, escape, locale);
    registry.render_template(source, data)
}

fn failure(source: &str) -> String {
    let data = json!({"word": "x", "list": ["a", "b"], "at": "2026-11-22T06:20:00Z"});
    render_as(&Locale::default(), Escape::Slack, source, &data).unwrap_err().to_string()
}

#[test]
fn what_a_helper_returns_is_escaped_like_any_value() {
    assert_eq!(render("{{upper word}}", &json!({"word": "<a&b>"})), "&lt;A&amp;B&gt;");
}

#[test]
fn default_takes_the_first_that_is_there_and_not_empty() {
    assert_eq!(
        render("{{default a.missing a.empty a.full}}", &json!({"a": {"empty": "", "full": "x"}})),
        "x"
    );
    assert_eq!(render("{{default a.missing}}", &json!({"a": {}})), "");
}

#[test]
fn truncate_keeps_what_fits_and_marks_what_does_not() {
    let word =
        |most: u64| render("{{truncate word most}}", &json!({"word": "데이터 드리프트", "most": most}));
    assert_eq!(word(8), "데이터 드리프트");
    assert_eq!(word(5), "데이터…");
    assert_eq!(word(1), "…");
}

#[test]
fn durations_have_two_units_at_most() {
    let words = |seconds: u64| render("{{duration seconds}}", &json!({"seconds": seconds}));
    let table = [(0, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_900, "1h 5m"), (90_000, "1d 1h")];
    for (seconds, expected) in table {
        assert_eq!(words(seconds), expected);
    }
}

#[test]
fn times_are_shown_in_utc() {
    assert_eq!(
        render("{{datetime at}}", &json!({"at": "2026-11-22T15:20:00+09:00"})),
        "2026-11-22 06:20 UTC"
    );
}

#[test]
fn the_dot_is_green_only_when_it_is_over() {
    let dot = |status: &str, severity: &str| {
        render("{{emoji status severity}}", &json!({"status": status, "severity": severity}))
    };
    assert_eq!(dot("firing", "critical"), "🔴");
    assert_eq!(dot("firing", ""), "🟠");
    assert_eq!(dot("firing", "info"), "🔵");
    assert_eq!(dot("resolved", "critical"), "🟢");
}

#[test]
fn a_list_is_joined() {
    assert_eq!(render("{{join list \" · \"}}", &json!({"list": ["a", 2, "<"]})), "a · 2 · &lt;");
}

#[test]
fn a_link_is_written_only_for_a_web_address() {
    let link = |url: &str| render("{{link url \"Run<book|\"}}", &json!({ "url": url }));
    assert_eq!(link("https://a/?b=1&c=<>|x"), "<https://a/?b=1&amp;c=&lt;&gt;%7Cx|Run&lt;book¦>");
    for nothing in ["", "javascript:alert(1)", "https://a b", "https://a\nb", "ftp://a", "/notifications/1"] {
        assert_eq!(link(nothing), "", "{nothing}");
    }
    assert_eq!(link(&format!("https://{}", "a".repeat(MAX_URL))), "");
    assert_eq!(render("{{link missing \"Graph\"}}", &json!({})), "");
}

#[test]
fn a_link_is_written_as_the_piece_can_have_one() {
    let link = |escape, source: &str, url: &str| render_in(escape, source, &json!({ "url": url }));
    let styled = "{{link url \"<Graph>\" style=\"color:'red'\"}}";
    let url = "https://a/?b='\"&c=<>";
    assert_eq!(
        link(Escape::Html, styled, url),
        "<a href=\"https://a/?b=&#39;&quot;&amp;c=&lt;&gt;\" style=\"color:&#39;red&#39;\">&lt;Graph&gt;</a>"
    );
    assert_eq!(link(Escape::Text, styled, url), format!("<Graph>: {url}"));
    for escape in [Escape::Html, Escape::Text, Escape::Line] {
        assert_eq!(link(escape, styled, "javascript:alert(1)"), "");
    }
}

#[test]
fn a_list_is_cut_and_the_rest_counted() {
    let data = json!({"list": ["a", "b", "c"]});
    assert_eq!(render("{{#each (first list 2)}}{{this}}{{/each}} {{beyond list 2}}", &data), "ab 1");
    assert_eq!(render("{{#if (beyond list 3)}}more{{else}}all{{/if}}", &data), "all");
}

#[test]
fn each_goes_through_lists_and_objects_as_handlebars_does() {
    let data = json!({"list": [{"a": 1}, {"a": 2}], "map": {"x": "1", "y": "2"}, "none": [], "top": "t", "word": "w"});
    let table = [
        (
            "{{#each list}}{{@index}}{{a}}{{@first}}{{@last}}{{../top}} {{/each}}",
            "01truefalset 12falsetruet ",
        ),
        ("{{#each map}}{{@key}}={{this}} {{/each}}", "x=1 y=2 "),
        ("{{#each map as |value key|}}{{key}}={{value}} {{/each}}", "x=1 y=2 "),
        (
            "{{#each list as |one|}}{{one.a}}{{#each ../map}}{{../a}}{{../../top}}{{/each}} {{/each}}",
            "11t1t 22t2t ",
        ),
        ("{{#each (first list 1) as |one index|}}{{index}}{{one.a}}{{a}}{{/each}}", "011"),
        ("{{#each none}}x{{/each}}{{#each none}}x{{else}}none{{/each}}", "none"),
        ("{{#each word}}x{{else}}none{{/each}}", "none"),
    ];
    for (source, expected) in table {
        assert_eq!(render(source, &data), expected, "{source}");
        let its_own = Handlebars::new().render_template(source, &data);
        assert!(source.contains("first list") || its_own.unwrap() == expected, "{source}");
    }
    assert!(failure("{{#each word}}x{{/each}}").contains("word"));
    assert!(failure("{{#each}}x{{/each}}").contains("each: it needs a list"));
}

#[test]
fn a_colour_is_green_only_when_it_is_over() {
    let colour = |status: &str, severity: &str| {
        render("{{severity_colour status severity}}", &json!({"status": status, "severity": severity}))
    };
    assert_eq!(colour("resolved", "critical"), "#1a7f37");
    assert_eq!(colour("firing", "page"), "#c62828");
    assert_eq!(colour("firing", "<evil>"), "#b45309");
    assert_eq!(colour("firing", "info"), "#1d5fbf");
}

#[test]
fn a_wrong_call_says_what_is_wrong() {
    assert!(failure("{{truncate word \"ten\"}}").contains("truncate: the second argument"));
    assert!(failure("{{upper}}").contains("upper: argument 1 is missing"));
    assert!(failure("{{join word \",\"}}").contains("the first argument of join is a list"));
    assert!(failure("{{first word 3}}").contains("the first argument of first is a list"));
    assert!(failure("{{beyond (first word) 3}}").contains("the first argument of first is a list"));
    assert!(failure("{{datetime word}}").contains("the argument of datetime is a time"));
    for (source, words) in [
        ("{{datetime at \"Mars/Olympus\"}}", "there is no time zone `Mars/Olympus`"),
        ("{{datetime at \"UTC\" \"%!\"}}", "is no format of strftime"),
        ("{{since word}}", "the argument of since is a time"),
        ("{{humanize list}}", "the argument of humanize is a number"),
        ("{{plural word \"a\"}}", "the first argument of plural is a number"),
        ("{{sort word \"a\"}}", "the first argument of sort is a list"),
        ("{{t \"runbok\"}}", "there is no text `runbok`, only lang, next"),
        ("{{replace word \"(\" \"\"}}", "`(` is no regular expression that can be used: unclosed group"),
        ("{{replace word \"(a{1000}){1000}\" \"\"}}", "no regular expression that can be used"),
    ] {
        assert!(failure(source).contains(words), "{source}: {}", failure(source));
    }
}

#[test]
fn a_time_is_shown_in_any_zone_and_format() {
    let at = json!({"at": "2026-07-01T15:20:00Z", "zone": "America/New_York", "nothing": ""});
    for (source, expected) in [
        ("{{datetime at \"Asia/Seoul\"}}", "2026-07-02 00:20 KST"),
        ("{{datetime at zone}}", "2026-07-01 11:20 EDT"),
        ("{{datetime at \"Asia/Kolkata\" \"%A %H:%M\"}}", "Wednesday 20:50"),
        ("{{datetime at nothing \"%d.%m.\"}}", "01.07."),
    ] {
        assert_eq!(render(source, &at), expected, "{source}");
    }
    let seoul = Locale { language: Language::Korean, zone: TimeZone::get("Asia/Seoul").unwrap() };
    let korean = |source: &str| render_as(&seoul, Escape::Text, source, &at).unwrap();
    assert_eq!(korean("{{datetime at}}"), "2026-07-02 00:20 KST");
    assert_eq!(korean("{{duration 3900}}, {{since \"2026-06-29T12:20:00Z\"}}"), "1시간 5분, 2일 3시간");
    assert_eq!(korean("{{t \"counted\" 2 (t \"new\")}}"), "신규 2건");
}

#[test]
fn since_counts_to_the_moment_of_the_message_or_to_another() {
    let data =
        json!({"at": "2026-11-22T06:20:00Z", "begin": "2026-11-22T06:00:00Z", "end": "2026-11-22T06:05:00Z"});
    assert_eq!(render("{{since begin}} {{since begin end}} {{since at begin}}", &data), "20m 5m 0s");
}

#[test]
fn numbers_are_short_and_what_is_none_stays() {
    let table = [
        ("humanize", json!(1234), "1.2k"),
        ("humanize", json!("1000"), "1k"),
        ("humanize", json!(999.99), "1k"),
        ("humanize", json!(0.4123), "0.41"),
        ("humanize", json!(-0.001), "0"),
        ("humanize", json!(-45_600_000), "-45.6M"),
        ("humanize", json!(1e30), "1000000000000E"),
        ("humanize", json!("n/a"), "n/a"),
        ("humanize", json!("NaN"), "NaN"),
        ("percentage", json!(0.35), "35 %"),
        ("percentage", json!("0.0512"), "5.1 %"),
        ("bytes", json!(1_610_612_736), "1.5 GiB"),
        ("bytes", json!(1023), "1023 B"),
        ("bytes", json!(1_048_575), "1 MiB"),
        ("bytes", json!(0), "0 B"),
    ];
    for (helper, number, expected) in table {
        let shown = render(&format!("{{{{{helper} n}}}}"), &json!({ "n": number }));
        assert_eq!(shown, expected, "{helper} {number}");
    }
    let plural = |n: u64| render("{{plural n \"alert\"}} {{plural n \"is\" \"are\"}}", &json!({ "n": n }));
    assert_eq!([plural(0), plural(1), plural(2)], ["alerts are", "alert is", "alerts are"]);
}

#[test]
fn words_change_their_case() {
    let data = json!({"word": "Data drift", "title": "[FIRING:1] it"});
    assert_eq!(
        render("{{lower word}} {{upper word}} {{title word}}", &data),
        "data drift DATA DRIFT Data Drift"
    );
    assert_eq!(render("{{title}} {{upper title}}", &data), "[FIRING:1] it [FIRING:1] IT");
}

#[test]
fn a_value_is_written_as_json_and_still_escaped() {
    let data = json!({"labels": {"a": "<\"b\">"}});
    assert_eq!(render("{{json labels}}", &data), "{\"a\":\"&lt;\\\"b\\\"&gt;\"}");
}

#[test]
fn what_matches_is_replaced_in_time_in_proportion_to_the_text() {
    let data = json!({"instance": "db-1.example.com:9100", "long": "a".repeat(4_000)});
    assert_eq!(render("{{replace instance \":\\\\d+$\" \"\"}}", &data), "db-1.example.com");
    assert_eq!(render("{{replace instance \"^([a-z]+)-.*\" \"<$1>\"}}", &data), "&lt;db&gt;");
    assert_eq!(render("{{replace long \"(a*)*b\" \"\"}}", &data).len(), 4_000);
    let twice = "{{replace (replace (replace long \"a\" \"aaaa\") \"a\" \"aaaa\") \"a\" \"aaaa\"}}";
    let refused = render_as(&Locale::default(), Escape::Text, twice, &data).unwrap_err().to_string();
    assert!(refused.contains("replace: "), "{refused}");
}

#[test]
fn calls_within_each_other_never_grow_without_end() {
    let data = json!({"list": vec!["0123456789"; 1_000]});
    let grown = (0..50).fold("(join list \",\")".to_owned(), |inner, _| format!("(join list {inner})"));
    let refused = render_as(&Locale::default(), Escape::Text, &format!("{{{{upper {grown}}}}}"), &data);
    assert!(refused.unwrap_err().to_string().contains("join: its result would be longer"));
    let quoted = (0..60).fold("list".to_owned(), |inner, _| format!("(json {inner})"));
    let refused = render_as(&Locale::default(), Escape::Text, &format!("{{{{upper {quoted}}}}}"), &data);
    assert!(refused.unwrap_err().to_string().contains("json: its result would be longer"));
}

#[test]
fn alerts_are_sorted_and_grouped_by_a_label() {
    let alert = |model: Value, rank: u64| json!({"rank": rank, "labels": {"model": model}});
    let data = json!({"alerts": [
        alert(json!("b"), 3), {"rank": 0, "labels": {}}, alert(json!("10"), 1), alert(json!("9"), 2), alert(json!("b"), 4)
    ]});
    let sorted = "{{#each (sort alerts \"model\")}}{{rank}} {{/each}}";
    assert_eq!(render(sorted, &data), "2 1 3 4 0 ");
    assert_eq!(render("{{#each (sort alerts \"rank\")}}{{rank}} {{/each}}", &data), "0 1 2 3 4 ");
    let grouped = "{{#each (group alerts \"model\")}}{{value}}={{#each alerts}}{{rank}}{{/each}} {{/each}}";
    assert_eq!(render(grouped, &data), "9=2 10=1 b=34 =0 ");
}
