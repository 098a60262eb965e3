//! What someone who has just installed the exporter needs: a command that sends the first event of a model.

use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::model::Reference;
use modelwatch_exporter_core::report::{CellKind, Distribution, ModelReport};
use modelwatch_exporter_core::summary::FeatureCounts;
use serde_json::{Map, Value, json};

/// So many features are in the example.
const FEATURES: usize = 3;
/// Where the exporter listens unless told otherwise: what stands in the command when a browser says nothing usable.
const USUAL_HOST: &str = "127.0.0.1:9740";

/// What to do when no event of a model has come.
pub(super) fn invitation(model: &ModelReport, host: &str) -> String {
    format!(
        "<div class=\"card\"><p>No prediction of this model has come yet. Send the first one:</p>\n<pre class=\"command\">{}</pre>\n\
         <p class=\"note\">Within a second it is counted here and on <a href=\"/metrics\">/metrics</a>. Labels follow by <code>id</code>, \
         whenever they are known: <code>{}</code></p></div>\n",
        escape(&command(&prediction(model), host)),
        escape(&label(model).to_string())
    )
}

fn command(event: &Value, host: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '[' | ']');
    let host = if !host.is_empty() && host.chars().all(is_plain) { host } else { USUAL_HOST };
    // a quote ends the shell's quoted text, stands there escaped, and begins it again
    let event = event.to_string().replace('\'', "'\\''");
    format!("curl -H 'content-type: application/json' {host}/v1/events -d '{event}'")
}

fn prediction(model: &ModelReport) -> Value {
    let setup = &model.setup;
    let version = setup.references.keys().next().map_or("1", |version| &**version);
    let mut features = Map::new();
    if let Some(reference) = setup.reference_of(version) {
        for (at, feature) in setup.features.iter().enumerate().take(FEATURES) {
            features.extend(usual(reference, at).map(|value| (feature.name.to_string(), value)));
        }
    }
    json!({
        "event": "prediction", "model": model.model, "version": version, "id": "first-1",
        "features": features, "prediction": setup.positive,
    })
}

fn label(model: &ModelReport) -> Value {
    json!({"event": "label", "model": model.model, "id": "first-1", "label": model.setup.positive})
}

/// A value that is usual in the reference: the end of its fullest bin or its most frequent category.
fn usual(reference: &Reference, at: usize) -> Option<Value> {
    let feature = reference.features.get(at)?.as_ref()?;
    let cells = Distribution::of(feature, &FeatureCounts::new(feature)).cells;
    let values = cells.into_iter().filter(|cell| matches!(cell.kind, CellKind::Bin | CellKind::Category));
    let fullest = values.max_by(|a, b| a.reference.total_cmp(&b.reference))?;
    if fullest.kind == CellKind::Category {
        return Some(json!(fullest.name));
    }
    let end = fullest.name.strip_suffix(']')?.split_once(", ")?.1;
    end.parse::<f64>().ok().map(|end| json!(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_does_not_end_the_commands_text_and_a_strange_host_is_not_repeated() {
        let told = command(&json!({"model": "it's"}), "localhost:1");
        assert_eq!(
            told,
            r#"curl -H 'content-type: application/json' localhost:1/v1/events -d '{"model":"it'\''s"}'"#
        );
        for host in ["", "a;reboot", "$(x)", "a b"] {
            assert!(command(&json!({}), host).contains(" 127.0.0.1:9740/v1/events "), "{host}");
        }
    }
}
