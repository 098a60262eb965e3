use serde_json::json;

use super::*;

fn seen(json: &Value) -> String {
    let html = section(Some(&json.to_string()));
    html.split("<details>").next().unwrap().to_owned()
}

#[test]
fn the_blocks_of_a_slack_message_are_read_in_their_order() {
    let html = seen(&json!({
        "text": "short",
        "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "[FIRING:1] *A* &amp; B"}}],
        "attachments": [{"color": "danger", "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "🔴 *critical* · 1 new\n<https://r.example/a?b=1&amp;c|📖 Runbook>"},
             "fields": [{"type": "mrkdwn", "text": "*model:* x"}]},
            {"type": "divider"},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Silence"}, "url": "https://s.example"}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "_and 3 more_"}]}
        ]}]
    }));
    for shown in [
        "<p class=\"headline\">[FIRING:1] *A* &amp; B</p><div class=\"attached edge-bad\">",
        "<strong>critical</strong> · 1 new\n<a href=\"https://r.example/a?b=1&amp;c\" rel=\"noreferrer noopener\">📖 Runbook</a>",
        "<ul class=\"fields\"><li><strong>model:</strong> x</li></ul><hr>",
        ">Silence</a>",
        "<p class=\"plain quiet\"><em>and 3 more</em></p>",
    ] {
        assert!(html.contains(shown), "{shown} is missing in {html}");
    }
}

#[test]
fn nothing_in_a_message_becomes_markup_or_a_link_to_a_script() {
    let evil = "<javascript:alert(1)|click> &lt;script&gt;alert(1)&lt;/script&gt; <script>x</script> <https://e.example/\"onclick=\"x|y> <!channel> <";
    let texts = [
        json!({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": evil}}]}),
        json!({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": evil}}]}),
        json!({"blocks": [{"type": evil}], "attachments": [{"color": evil, "fallback": evil}]}),
        json!({"subject": evil, "text": evil, "html": evil}),
        json!({"other": evil}),
        json!([evil]),
    ];
    for json in texts {
        let html = section(Some(&json.to_string()));
        assert!(!html.contains("<script") && !html.contains("href=\"javascript"), "{html}");
        assert!(!html.contains("\"onclick"), "{html}");
    }
}

#[test]
fn marks_count_only_at_the_edges_of_words() {
    for (text, html) in [
        ("a_b_c and 2*3*4", "a_b_c and 2*3*4"),
        ("*bold* _it_ `co&lt;de`", "<strong>bold</strong> <em>it</em> <code>co&lt;de</code>"),
        ("* list\n* list", "* list\n* list"),
        ("*open", "*open"),
        ("&amp;lt;", "&amp;lt;"),
        ("*데이터*!", "<strong>데이터</strong>!"),
    ] {
        assert_eq!(mrkdwn::html(text), html, "{text}");
    }
    assert!(mrkdwn::html(&"*a ".repeat(20_000)).starts_with("*a"), "long nonsense ends soon");
}

#[test]
fn a_mail_is_shown_by_its_text_and_its_html_only_as_source() {
    let html =
        section(Some(&json!({"subject": "Drift", "text": "line\nline", "html": "<b>x</b>"}).to_string()));
    assert!(html.contains("<p class=\"headline\">Drift</p>\n<p class=\"plain\">line\nline</p>"), "{html}");
    assert!(html.contains("&lt;b&gt;x&lt;/b&gt;") && !html.contains("<b>"), "{html}");
}

#[test]
fn a_line_of_the_log_is_shown_as_it_is_and_nothing_as_nothing() {
    assert!(
        section(Some("[FIRING:1] A: <b> – next: look"))
            .contains("<pre class=\"wrap\">[FIRING:1] A: &lt;b&gt;")
    );
    assert!(section(Some("{not json")).contains("{not json"));
    assert_eq!((section(None), section(Some(""))), (String::new(), String::new()));
}

#[test]
fn what_recipes_sent_is_read_without_the_services_markup() {
    let card =
        json!({"type": "AdaptiveCard", "body": [{"text": "[FIRING:1] A"}, {"text": "**Next:** look <b>"}]});
    for sent in [
        json!({"chat_id": "x", "parse_mode": "HTML", "text": "<b>[FIRING:1] A</b>\n<b>Next:</b> look &lt;b&gt;"}),
        json!({"attachments": [{"content": card}]}),
        json!({"embeds": [{"title": "[FIRING:1] A", "description": "**Next:** look <b>"}]}),
        json!({"markdown": "**[FIRING:1] A**\n\n**Next:** look <b>"}),
        json!({"cardsV2": [{"card": {"header": {"title": "[FIRING:1] A"},
            "sections": [{"widgets": [{"textParagraph": {"text": "<b>Next:</b> look &lt;b&gt;"}}]}]}}]}),
        json!({"payload": {"summary": "[FIRING:1] A", "custom_details": {"next_action": "Next: look <b>"}}}),
    ] {
        let html = seen(&sent);
        assert!(html.contains("<p class=\"headline\">[FIRING:1] A</p>"), "{html}");
        assert!(html.contains("<p class=\"plain\">Next: look &lt;b&gt;</p>"), "{html}");
    }
}
