use serde_json::json;

use super::*;

fn render(source: &str, data: &Value) -> String {
    render_in(Escape::Slack, source, data)
}

fn render_in(escape: Escape, source: &str, data: &Value) -> String {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape.function());
    register(&mut registry, escape);
    registry.render_template(source, data).unwrap()
}

fn failure(source: &str) -> String {
    let mut registry = Handlebars::new();
    register(&mut registry, Escape::Slack);
    registry.render_template(source, &json!({"word": "x"})).unwrap_err().to_string()
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
}
