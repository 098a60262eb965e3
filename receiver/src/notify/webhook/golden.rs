//! What each recipe makes of messages: golden files to look at, the service's documented schema, and any payload at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use modelwatch_receiver_core::alert::Status;
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::{Body, Format, Language, Locale, Template, samples, view};
use proptest::prelude::*;
use serde_json::Value;

use super::schema;

type Make = fn() -> Message;

const SAMPLES: [(&str, Make); 4] = [
    ("firing", samples::firing),
    ("resolved", samples::resolved),
    ("mixed", samples::mixed),
    ("hostile", samples::hostile),
];

static RECIPES: LazyLock<Vec<(Body, Template)>> = LazyLock::new(|| recipes(Language::English));

static SCHEMAS: LazyLock<Vec<(Body, Value)>> =
    LazyLock::new(|| Body::RECIPES.map(|recipe| (recipe, schema_of(recipe))).into());

fn recipes(language: Language) -> Vec<(Body, Template)> {
    let locale = Locale { language, ..Locale::default() };
    Body::RECIPES.map(|body| (body, Template::built_in(Format::Webhook(body), &locale))).into()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn golden(recipe: Body, sample: &str) -> PathBuf {
    root().join("tests/golden/recipes").join(format!("{}-{sample}.json", recipe.name()))
}

fn every_golden_file() -> impl Iterator<Item = (PathBuf, String)> {
    RECIPES.iter().flat_map(|(recipe, template)| {
        SAMPLES.iter().map(move |(name, message)| {
            (golden(*recipe, name), template.body(view::message(&message())).unwrap() + "\n")
        })
    })
}

fn schema_of(recipe: Body) -> Value {
    let file = root().join("receiver/templates/recipes").join(recipe.name()).join("schema.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn every_recipe_makes_what_its_golden_files_hold() {
    let mut kept: BTreeSet<PathBuf> = std::fs::read_dir(root().join("tests/golden/recipes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for (path, body) in every_golden_file() {
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(body, golden, "{}: rewrite it if the new text is right", path.display());
        kept.remove(&path);
    }
    assert!(kept.is_empty(), "no test needs {kept:?}");
}

#[test]
#[ignore = "writes the golden files of the recipes anew"]
fn rewrite_golden_recipes() {
    for (path, body) in every_golden_file() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    }
}

#[test]
fn every_sample_is_within_the_documented_schema_of_every_service() {
    for language in [Language::English, Language::Korean] {
        for (recipe, template) in recipes(language) {
            for (name, message) in samples::all() {
                check(recipe, &made(recipe, &template, &message), &message, name);
            }
        }
    }
}

#[test]
fn every_recipe_speaks_korean() {
    for (recipe, template) in recipes(Language::Korean) {
        let body = made(recipe, &template, &samples::firing());
        let (korean, english) = match recipe {
            Body::PagerDuty => ("런북", "Runbook"),
            _ => ("다음 조치", "Next"),
        };
        assert!(body.contains(korean) && !body.contains(english), "{}: {body}", recipe.name());
    }
}

fn made(recipe: Body, template: &Template, message: &Message) -> String {
    template.body(view::message(message)).unwrap_or_else(|fault| panic!("{}: {fault}", recipe.name()))
}

/// Holds a recipe's `body` for `message` against everything that its service wants and that nobody may do.
pub(in crate::notify) fn check(recipe: Body, body: &str, message: &Message, name: &str) {
    let place = format!("{}: {name}", recipe.name());
    let (_, schema) = SCHEMAS.iter().find(|(known, _)| *known == recipe).unwrap();
    let json: Value = serde_json::from_str(body).unwrap();
    assert_eq!(schema::faults(schema, &json), [""; 0], "{place}: {body}");
    let mut texts = Vec::new();
    strings(&json, &mut texts);
    for text in &texts {
        check_text(recipe, text, &place);
    }
    if recipe == Body::Discord {
        let total: usize = texts.iter().map(|text| text.encode_utf16().count()).sum();
        assert!(total <= 6_000, "{place}: {total} characters over all");
    }
    if recipe == Body::PagerDuty {
        let resolves = message.status == Status::Resolved;
        assert_eq!(json["event_action"], if resolves { "resolve" } else { "trigger" }, "{place}");
        assert_eq!(json["dedup_key"], message.group_id, "{place}");
    }
}

fn check_text(recipe: Body, text: &str, place: &str) {
    // PagerDuty shows texts as they are and calls whom it is told to, not whom they name
    if recipe != Body::PagerDuty {
        for call in ["@everyone", "@here", "<@", "<!channel", "<users/", "<at>"] {
            assert!(!text.contains(call), "{place}: {call} in {text}");
        }
    }
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{place}: {text:?}");
    let is_mark = text.starts_with('⟪') && text.ends_with('⟫');
    assert!(is_mark || !text.contains('⟪'), "{place}: a label asks for a value: {text}");
    if matches!(recipe, Body::Telegram | Body::GoogleChat) && text.contains("<b>") {
        check_tags(text, place);
    }
}

/// Only the tags that both chats know, all of them closed in their order.
fn check_tags(text: &str, place: &str) {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag ends").0) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{place}: {text}"),
            None => open.push(tag.split(' ').next().unwrap()),
        }
        assert!(matches!(tag.trim_start_matches('/').split(' ').next(), Some("a" | "b")), "{place}: <{tag}>");
    }
    assert!(open.is_empty(), "{place}: {open:?} stays open in {text}");
}

fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

fn wild() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "<b>",
        "</a>",
        "&",
        "\"",
        "\\",
        "\n",
        "\r",
        "\0",
        "@everyone",
        "<users/all>",
        "⟪routing_key⟫",
        "](x)",
        "**",
        "_",
        "{{x}}",
        "\u{202e}",
        "🧨",
        "가",
        "a b ",
        "https://a.b/",
        "`",
        "|",
    ]);
    prop_oneof![
        prop::collection::vec(bits, 0..300).prop_map(|bits| bits.concat()),
        "\\PC{0,40}".prop_map(|text: String| text.repeat(100)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_payload_is_within_every_services_schema(
        texts in prop::collection::vec(wild(), 8),
        names in prop::collection::vec("[a-z_]{1,12}", 4),
        count in 0..30_usize,
    ) {
        let mut message = samples::mixed();
        let alert = &mut message.alerts[0];
        for (name, text) in ["alertname", "severity", "model", "environment"].iter().zip(&texts) {
            alert.labels.insert((*name).to_owned(), text.clone());
        }
        for name in names {
            alert.labels.insert(name, texts[4].clone());
        }
        for (name, text) in ["summary", "next_action", "runbook_url", "description"].iter().zip(&texts[4..]) {
            alert.annotations.insert((*name).to_owned(), text.clone());
        }
        message.environment.clone_from(&texts[3]);
        message.alerts = vec![message.alerts[0].clone(); count + 1];
        for (recipe, template) in RECIPES.iter() {
            check(*recipe, &made(*recipe, template, &message), &message, "any payload");
        }
    }
}
