use std::collections::BTreeMap;

use crate::template::{Format, Setting, Template, samples, view};

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn compile(line: &str, partials: &[(&str, &str)]) -> Result<Template, Vec<String>> {
    let setting = Setting { partials: texts(partials), ..Setting::default() };
    Template::compile_in(Format::Log, &texts(&[("line", line)]), &setting)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn line(line: &str, partials: &[(&str, &str)]) -> String {
    let template = compile(line, partials).unwrap();
    template.render("line", &view::message(&samples::firing()).into()).unwrap()
}

fn faults(line: &str, partials: &[(&str, &str)]) -> Vec<String> {
    compile(line, partials).unwrap_err()
}

#[test]
fn a_partial_sees_what_is_around_it_and_what_it_is_given() {
    let partials = [("who", "{{channel}} {{word}}"), ("name", "{{labels.alertname}}")];
    assert_eq!(line("{{> who word=\"x\"}}", &partials), "sample x");
    assert_eq!(
        line("-{{#each alerts}}{{> name}}{{/each}}", &[("name", "{{fingerprint}}")]),
        "-b2c5a1d09e8f7361"
    );
}

#[test]
fn a_partial_is_escaped_as_the_piece_that_includes_it() {
    let setting = Setting { partials: texts(&[("who", "{{default \"<b>\"}}")]), ..Setting::default() };
    for (format, piece, expected) in [
        (Format::Slack, "title", "&lt;b&gt;"),
        (Format::Email, "subject", "<b>"),
        (Format::Email, "html", "&lt;b&gt;"),
    ] {
        let template = Template::compile_in(format, &texts(&[(piece, "{{> who}}")]), &setting).unwrap();
        assert_eq!(template.render(piece, &view::message(&samples::firing()).into()).unwrap(), expected);
    }
}

#[test]
fn a_piece_and_a_partial_may_have_one_name() {
    assert_eq!(line("a {{> line}}", &[("line", "b")]), "a b");
}

#[test]
fn partials_that_include_each_other_are_refused_where_the_circle_closes() {
    assert_eq!(
        faults("{{> a}}", &[("a", "x\n {{> b}}"), ("b", "{{#if late}}{{> c}}{{/if}}"), ("c", "\n{{> a}}")]),
        ["partials/c.hbs:2:1: partials include each other without end: a → b → c → a"]
    );
    let itself = faults("x", &[("a", "{{#if late}}{{else}}{{> a}}{{/if}}")]);
    assert_eq!(itself, ["partials/a.hbs:1:21: partials include each other without end: a → a"]);
}

#[test]
fn a_partial_that_is_missing_is_named_where_it_is_included() {
    assert_eq!(
        faults("x\n {{> whom}}", &[("who", "y")]),
        ["line.hbs:2:2: there is no partial `whom`, only who"]
    );
    let none = faults("{{> whom}}", &[]);
    assert!(none[0].contains("there is no partial `whom`: make partials/whom.hbs"), "{none:?}");
    assert_eq!(
        faults("x", &[("who", "{{> whom}}")]),
        ["partials/who.hbs:1:1: there is no partial `whom`, only who"]
    );
    // a piece is no partial
    assert!(faults("{{> line}}", &[])[0].starts_with("line.hbs:1:1: there is no partial `line`"));
}

#[test]
fn what_is_wrong_in_a_partial_is_said_of_the_partial() {
    assert!(faults("{{> who}}", &[("who", "a\n{{#if late}}")])[0].starts_with("partials/who.hbs:2:"));
    for (source, place) in [("a\n  {{nothing}}", "2:3"), ("{{#if at}}\n{{shout at}}{{/if}}", "2:1")] {
        let found = faults("{{title}} {{> who}}", &[("who", source)]);
        assert!(found[0].starts_with(&format!("partials/who.hbs:{place}: ")), "{found:?}");
    }
    // even if nothing includes it
    assert_eq!(faults("x", &[("who", "{{/if}}")]).len(), 1);
}

#[test]
fn decorators_blocks_of_partials_and_names_that_are_computed_are_refused() {
    for (source, place) in [
        ("x\n {{#> who}}{{/who}}", "2:2"),
        ("{{~#*inline \"a\"}}{{/inline}}x", "1:1"),
        ("{{* who}}", "1:1"),
        ("{{> (lookup labels \"who\")}}", "1:1"),
        ("{{> @partial-block}}", "1:1"),
    ] {
        for found in [faults(source, &[("who", "y")]), faults("x", &[("who", "y"), ("bad", source)])] {
            assert!(found[0].contains(&format!(".hbs:{place}: ")), "{source}: {found:?}");
        }
    }
    assert!(faults("x", &[("a.b", "y")])[0].starts_with("partials/a.b.hbs: the name of a partial"));
}

#[test]
fn lists_within_lists_are_counted_through_partials() {
    let third =
        [("inner", "{{#each ../alerts}}{{/each}}"), ("outer", "{{#each ../alerts}}{{> inner}}{{/each}}")];
    assert_eq!(
        faults("x{{#each alerts}}{{> outer}}{{/each}}", &third),
        ["line.hbs: 3 blocks `each` within each other are too many, at most 2"]
    );
    let alone = [("deep", "{{#each a}}{{#each b}}{{#each c}}{{/each}}{{/each}}{{/each}}")];
    assert_eq!(
        faults("x", &alone),
        ["partials/deep.hbs: 3 blocks `each` within each other are too many, at most 2"]
    );
}

#[test]
fn partials_that_multiply_are_refused_before_they_are_rendered() {
    let ten = |name: &str| format!("{{{{> {name}}}}}").repeat(10);
    let partials = [("a", ten("b")), ("b", ten("c")), ("c", ten("d")), ("d", String::new())];
    let partials: Vec<(&str, &str)> = partials.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let found = faults("x {{> a}}", &partials);
    assert_eq!(
        found,
        ["partials/b.hbs: it includes 110 partials, at most 100"],
        "what includes it is not blamed again"
    );
    let long: Vec<(String, String)> =
        (0..200).map(|n| (format!("p{n:03}"), format!("{{{{> p{:03}}}}}", n + 1))).collect();
    let long: Vec<(&str, &str)> = long.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(!faults("x", &long).is_empty());
}
