use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

fn given(piece: &str, source: &str) -> BTreeMap<String, String> {
    [(piece.to_owned(), source.to_owned())].into()
}

fn built_in(format: Format) -> Template {
    Template::compile(format, &BTreeMap::new()).unwrap()
}

fn faults(piece: &str, source: &str) -> Vec<String> {
    let faults = Template::compile(Format::Slack, &given(piece, source)).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

fn render(piece: &str, message: &Message) -> String {
    built_in(Format::Slack).render(piece, &view::message(message).into()).unwrap()
}

#[test]
fn every_built_in_piece_renders_every_sample() {
    for format in Format::ALL {
        Template::compile(format, &BTreeMap::new()).unwrap();
    }
}

#[test]
fn the_title_template_writes_the_title_of_every_channel() {
    for (name, message) in samples::all() {
        assert_eq!(render("title", &message), tidy(&slack(&message.title())), "{name}");
    }
}

#[test]
fn the_summary_says_what_changed_since_when_and_what_happened() {
    let expected = "🔴 *critical* · 1 new · since 2026-01-02 01:59 UTC (1h 5m)\n\
                    *A feature of employment has drifted far from its reference*\n\
                    PSI 0.41 over the last day, the threshold is 0.2.";
    assert_eq!(render("summary", &samples::firing()), expected);
}

#[test]
fn the_action_says_what_to_do_next() {
    let action = render("action", &samples::firing());
    assert!(action.starts_with("👉 *Next:* Compare the feature's bins"), "{action}");
}

#[test]
fn lateness_doubt_and_what_was_left_out_are_said() {
    let summary = render("summary", &samples::mixed());
    for words in ["1 new · 1 still firing · 1 resolved", "Late:", "Unconfirmed:", "left out 7 more"] {
        assert!(summary.contains(words), "{words} is missing in {summary}");
    }
}

#[test]
fn a_template_that_does_not_parse_is_refused_with_line_and_column() {
    let faults = faults("title", "fine\n{{#if late}}never closed");
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("title.hbs:2:"), "{faults:?}");
}

#[test]
fn a_misspelt_name_is_refused_with_line_and_column() {
    let faults = faults("summary", "one\n  {{enviroment}}");
    assert!(faults[0].starts_with("summary.hbs:2:3: this message has no `enviroment`"), "{faults:?}");
}

#[test]
fn a_name_that_only_some_alerts_have_is_refused_with_advice() {
    let faults = faults("summary", "{{common_annotations.summary}}");
    assert!(faults[0].contains("{{default common_annotations.summary \"\"}}"), "{faults:?}");
}

#[test]
fn an_unknown_helper_is_named() {
    let faults = faults("title", "{{title}}{{shout title}}");
    assert!(faults[0].contains("title.hbs:1:") && faults[0].contains("`shout`"), "{faults:?}");
}

#[test]
fn a_file_that_is_no_piece_is_refused() {
    let faults = faults("titel", "x");
    assert!(
        faults[0].starts_with("titel.hbs: a slack template has no such piece, only title, text"),
        "{faults:?}"
    );
}

#[test]
fn a_title_that_renders_to_nothing_is_refused() {
    assert!(faults("title", "  {{! nothing }}\n")[0].contains("renders to nothing"));
}

#[test]
fn a_piece_whose_blocks_or_expressions_have_no_bottom_is_refused_before_it_is_parsed() {
    let deep = |open: &str, close: &str, times: usize| {
        format!("{{{{title}}}}\n{}x{}", open.repeat(times), close.repeat(times))
    };
    for (open, close, columns) in [
        ("{{#if alerts}}", "{{/if}}", 1_400),
        ("{{~ #unless late}}", "{{~/unless}}", 1_800),
        ("{{^late}}", "{{/late}}", 900),
        ("{{{{raw}}}}", "{{{{/raw}}}}", 1_100),
        ("{{#if late}}y{{else if late}}", "{{/if}}", 50 * 29),
    ] {
        let what =
            format!("text.hbs:2:{}: blocks or expressions lie too deep within each other", columns + 1);
        assert_eq!(faults("text", &deep(open, close, 100_000)), [what]);
    }
    let chain = format!("{{{{title}}}}{{{{#if late}}}}{}{{{{/if}}}}", "{{else if late}}".repeat(100_000));
    let expression = format!("{{{{title}}}}{{{{{}0{}}}}}", "(len ".repeat(100_000), ")".repeat(100_000));
    for source in [chain, expression] {
        assert!(faults("text", &source)[0].contains("too deep"));
    }
    let side_by_side = format!("{{{{title}}}}{}", "{{#if late}}({{else if late}}({{/if}}".repeat(500));
    assert!(Template::compile(Format::Slack, &given("text", &side_by_side)).is_ok());
    assert!(
        Template::compile(Format::Slack, &given("text", &deep("{{#if alerts}}", "{{/if}}", 100))).is_ok()
    );
}

#[test]
fn a_piece_that_never_ends_growing_is_refused() {
    let source = "{{#each alerts}}{{#each ../alerts}}word {{/each}}{{/each}}";
    assert!(faults("text", source)[0].contains("renders more than"));
}

#[test]
fn a_piece_that_takes_too_many_steps_ends_even_if_it_writes_nothing() {
    let source = "{{title}}{{#each alerts}}{{#each ../alerts}}{{/each}}{{/each}}";
    let template = Template::compile(Format::Slack, &given("text", source)).unwrap();
    let many = samples::thousand().alerts.into_iter().cycle().take(5_000).collect();
    let message = Message { alerts: many, ..samples::thousand() };
    let fault = template.render("text", &view::message(&message).into()).unwrap_err();
    assert!(fault.what.contains("it takes more than 2000000 steps"), "{fault}");
}

#[test]
fn a_piece_that_goes_through_three_lists_within_each_other_is_refused_even_if_it_writes_nothing() {
    let third = "{{#if ../late}}{{else}}{{#each ../../alerts}}{{/each}}{{/if}}";
    let source =
        format!("{{{{title}}}}{{{{#each alerts}}}}{{{{#each ../alerts}}}}{third}{{{{/each}}}}{{{{/each}}}}");
    assert_eq!(
        faults("text", &source),
        ["text.hbs: 3 blocks `each` within each other are too many, at most 2"]
    );
}

#[test]
fn all_faults_of_all_pieces_are_named() {
    let sources = [("title", "{{#if"), ("text", "{{nothing}}"), ("label", "{{/each}}")];
    let sources = sources.into_iter().map(|(piece, source)| (piece.to_owned(), source.to_owned())).collect();
    let faults = Template::compile(Format::Slack, &sources).unwrap_err();
    let pieces: Vec<&str> = faults.iter().map(|fault| fault.piece.as_str()).collect();
    assert_eq!(pieces, ["title", "label", "text"], "what does not parse comes first");
}

#[test]
fn empty_lines_and_spaces_that_blocks_leave_behind_are_removed() {
    assert_eq!(tidy("\n a  \n\n\n\nb\t\n"), "a\n\nb");
    assert_eq!(tidy("  \n "), "");
}

#[test]
fn a_log_line_is_one_line() {
    for (name, message) in samples::all() {
        let line = built_in(Format::Log).render("line", &view::message(&message).into()).unwrap();
        assert!(!line.is_empty() && !line.contains('\n'), "{name}: {line}");
    }
}

#[test]
fn what_can_only_be_one_line_is_one_however_it_is_written() {
    let template = Template::compile(Format::Log, &given("line", "one\n\n\ntwo {{title}}\n")).unwrap();
    let line = template.render("line", &view::message(&samples::firing()).into()).unwrap();
    assert_eq!(line, "one  two [FIRING:1][DEV] FeatureDriftSevere");
}

#[test]
fn the_built_in_templates_say_everything_in_korean_too() {
    let locale = Locale { language: Language::Korean, ..Locale::default() };
    let setting = Setting { locale, ..Setting::default() };
    for format in Format::ALL {
        let template = Template::compile_in(format, &BTreeMap::new(), &setting).unwrap();
        for (name, message) in [("mixed", samples::mixed()), ("flapping", samples::flapping())] {
            for piece in format.pieces().iter().filter(|piece| piece.scope == Scope::Message) {
                let korean = template.render(piece.name, &view::message(&message).into()).unwrap();
                for words in
                    ["since 2", "Next", "Late", "Runbook", "History", "left out", "times", "still firing"]
                {
                    assert!(
                        !korean.contains(words),
                        "{words} in {}/{} of {name}: {korean}",
                        format.name(),
                        piece.name
                    );
                }
            }
        }
    }
}

fn mail(piece: &str, message: &Message) -> String {
    static TEMPLATE: LazyLock<Template> = LazyLock::new(|| built_in(Format::Email));
    TEMPLATE.render(piece, &view::message(message).into()).unwrap()
}

#[test]
fn a_mail_says_what_happened_what_to_do_and_where_to_look() {
    let expected = "[FIRING:1][DEV] FeatureDriftSevere
CRITICAL · 1 new · since 2026-01-02 01:59 UTC (1h 5m)

A feature of employment has drifted far from its reference
PSI 0.41 over the last day, the threshold is 0.2.

NEXT: Compare the feature's bins on the model's page, then check the job that fills it.

Runbook: https://runbooks.example.com/feature-drift
Graph: http://prometheus:9090/graph?g0.expr=data_drift_score+%3E+0.2&g0.tab=1
History: http://localhost:9741/notifications/019ab3f0-7c1e-7a41-9b6a-3d2f5c8e1a70

alertname: FeatureDriftSevere
environment: dev
feature: AGEP
model: employment
severity: critical
version: 2015

--
2026-01-02 03:04 UTC · new to sample
Alertmanager: http://localhost:9093
modelwatch 019ab3f0-7c1e-7a41-9b6a-3d2f5c8e1a70";
    assert_eq!(mail("text", &samples::firing()), expected);
    let page = mail("html", &samples::firing());
    for words in [
        "background:#c62828",
        "<strong>CRITICAL</strong>",
        "<strong>Next:</strong> Compare",
        ">Runbook</a>",
        ">AGEP</td>",
    ] {
        assert!(page.contains(words), "{words} is missing in {page}");
    }
}

#[test]
fn a_mail_about_many_alerts_shows_some_and_counts_the_rest() {
    for piece in ["text", "html"] {
        let mail = mail(piece, &samples::thousand());
        assert!(mail.contains("and 975 more"), "{mail}");
        // mail programs cut what is larger than about 100 KB
        assert!(mail.len() < 60_000, "{} bytes", mail.len());
    }
    assert!(mail("text", &samples::mixed()).contains("Alertmanager left out 7 more."));
}

#[test]
fn a_subject_is_one_line_whatever_it_is_about() {
    for (name, message) in samples::all() {
        let subject = mail("subject", &message);
        assert!(!subject.contains(['\n', '\r']) && subject.starts_with('['), "{name}: {subject}");
    }
}

proptest! {
    #[test]
    fn no_value_can_begin_a_tag_or_an_attribute_of_a_mail(value in "\\PC{0,20}|<script>|\" onload=\"x|'>|javascript:x|&#x3c;") {
        let mut message = samples::firing();
        let usual = mail("html", &message);
        message.environment.clone_from(&value);
        message.alerts[0].labels.insert("model".to_owned(), value.clone());
        message.alerts[0].labels.insert(value.clone(), value.clone());
        for annotation in ["summary", "description", "next_action", "runbook_url"] {
            message.alerts[0].annotations.insert(annotation.to_owned(), format!("{value} "));
        }
        message.alerts[0].generator_url = value.clone();
        let page = mail("html", &message);
        let tags = |page: &str| -> std::collections::BTreeSet<String> {
            page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default().to_owned()).collect()
        };
        prop_assert!(tags(&page).is_subset(&tags(&usual)), "{}", page);
    }

    #[test]
    fn no_value_can_mention_anyone_link_anywhere_or_fail(value in "\\PC{0,40}|<!channel>|<https://[a-z]|&&+") {
        let mut message = samples::firing();
        message.environment.clone_from(&value);
        message.alerts[0].labels.insert(value.clone(), value.clone());
        for annotation in ["summary", "description", "next_action"] {
            message.alerts[0].annotations.insert(annotation.to_owned(), value.clone());
        }
        static TEMPLATE: LazyLock<Template> = LazyLock::new(|| built_in(Format::Slack));
        let template = &*TEMPLATE;
        let mut texts: Vec<String> = ["title", "text", "summary", "action", "footer"]
            .into_iter()
            .map(|piece| template.render(piece, &view::message(&message).into()).unwrap())
            .collect();
        for data in view::labels(&view::message(&message)["common_labels"]) {
            texts.push(template.render("label", &data.into()).unwrap());
        }
        for text in texts {
            for (start, _) in text.match_indices('<') {
                prop_assert!(text[start..].starts_with("<http"), "{}", text);
                prop_assert!(!text[start..].starts_with("<https://a"), "{}", text);
            }
        }
    }
}
