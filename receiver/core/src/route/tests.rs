use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn matches(text: &str, pairs: &[(&str, &str)]) -> bool {
    Matchers::parse([text]).unwrap().matches(&labels(pairs))
}

fn route(matcher: &[&str], channels: &[&str], continues: bool) -> Route {
    Route {
        matchers: Matchers::parse(matcher.iter().copied()).unwrap(),
        channels: channels.iter().map(|name| (*name).to_owned()).collect(),
        continues,
    }
}

#[test]
fn the_four_operators_mean_what_they_mean_in_alertmanager() {
    for (text, value, expected) in [
        ("a=b", "b", true),
        ("a=b", "bb", false),
        ("a!=b", "c", true),
        ("a!=b", "b", false),
        ("a=~b.", "bc", true),
        ("a=~b.", "xbc", false),
        ("a=~b|c", "c", true),
        ("a=~b|c", "cc", false),
        ("a!~b.*", "bcd", false),
        ("a!~b.*", "abc", true),
    ] {
        assert_eq!(matches(text, &[("a", value)]), expected, "{text} on {value}");
    }
}

#[test]
fn quoted_and_unquoted_values_are_read_alike() {
    for text in [r#"a="b c""#, "a=b c", r#" a = "b c" "#, r#"{a="b c"}"#, r#""a"="b c""#, r#"{ a="b c", }"#] {
        assert!(matches(text, &[("a", "b c")]), "{text}");
    }
    assert!(matches(r#"a="say \"x\"\\\n""#, &[("a", "say \"x\"\\\n")]));
    assert!(matches(r#"a="{b}, c=d""#, &[("a", "{b}, c=d")]));
    assert!(matches(r#"a=~"b\d+""#, &[("a", "b12")]));
}

#[test]
fn a_list_in_one_text_must_hold_as_a_whole() {
    let text = r#"{severity=~"critical|page", environment!="dev"}"#;
    assert!(matches(text, &[("severity", "page"), ("environment", "prod")]));
    assert!(!matches(text, &[("severity", "page"), ("environment", "dev")]));
}

#[test]
fn an_absent_label_has_the_empty_value() {
    assert!(matches("a=", &[]));
    assert!(matches(r#"a!="b""#, &[]));
    assert!(matches("a=~.*", &[]));
    assert!(!matches("a=~.+", &[]));
}

#[test]
fn what_is_no_matcher_is_refused_with_what_was_expected() {
    for (text, expected) in [
        ("severity", "expected =, !=, =~ or !~"),
        ("=x", "expected a label name"),
        (r#"a="b"#, "no closing quote"),
        (r#"a="b" c"#, "expected a comma"),
        (r#"severity=="critical""#, r#"the value of severity begins with ="#),
        ("severity==critical", "the value of severity begins with ="),
        (r#"a=b"c"#, r#"a quote inside the value of a: write a="…" with \" for each quote"#),
        (r#"a=~b"c"#, "a quote inside the value of a"),
        ("a=~(", "is not a regular expression"),
    ] {
        let error = Matchers::parse([text]).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_first_match_wins_unless_it_continues() {
    let routes = [
        route(&["team=data"], &["data", "all"], true),
        route(&["severity=critical"], &["pager", "all"], false),
        route(&[], &["rest"], false),
    ];
    let to = |pairs: &[(&str, &str)]| destinations(&routes, &labels(pairs)).join(" ");
    assert_eq!(to(&[("severity", "critical")]), "pager all");
    assert_eq!(to(&[("team", "data")]), "data all rest");
    assert_eq!(to(&[("team", "data"), ("severity", "critical")]), "data all pager");
    assert_eq!(to(&[]), "rest");
    assert_eq!(matching(&routes, &labels(&[("team", "data"), ("severity", "critical")])), [0, 1]);
    assert_eq!(matching(&routes, &labels(&[])), [2]);
    assert!(destinations(&routes[..2], &labels(&[])).is_empty());
}
