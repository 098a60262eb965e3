use std::collections::BTreeMap;
use std::fs;

use modelwatch_common::config::Environment;
use modelwatch_exporter_core::quality::Metric;
use modelwatch_exporter_core::schema::Kind;
use modelwatch_exporter_core::value::Value;

use super::*;
use crate::config::Config;

const ROWS: &str = "id,age,kind,few,truth,said,sure\n\
    r1,1.5,a,1,1,1,0.9\nr2,2.5,b,2,0,1,0.8\nr3,3.5,a,1,0,0,0.1\nr4,4.5,b,2,1,1,0.7\n";

fn built(keys: &str) -> Result<ModelSetup, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("reference.csv"), ROWS).unwrap();
    fs::write(folder.path().join("narrow.csv"), "age\n1.5\n2.5\n").unwrap();
    fs::write(folder.path().join("framed.csv"), "age,__index_level_0__\n1.5,7\n2.5,9\n").unwrap();
    let file = folder.path().join("exporter.yaml");
    fs::write(&file, format!("models: [{{name: m, task: binary, {keys}}}]")).unwrap();
    let environment = Environment::from_pairs(Vec::<(String, String)>::new());
    let config = Config::load(&file, None, &environment).unwrap();
    let folder = format!("{}/", folder.path().display());
    build(&config.models[0]).map_err(|error| error.to_string().replace(&folder, ""))
}

const COLUMNS: &str =
    "reference: reference.csv, reference_columns: {label: truth, prediction: said, score: sure}";

#[test]
fn columns_become_features_by_what_they_hold() {
    let setup = built(COLUMNS).unwrap();
    let features: BTreeMap<_, _> =
        setup.features.iter().map(|feature| (&*feature.name, feature.methods[0].method.name())).collect();
    let expected = [("age", "psi"), ("few", "jensen_shannon"), ("kind", "jensen_shannon")];
    assert_eq!(features, BTreeMap::from(expected), "the column of ids is left out");
}

#[test]
fn the_index_of_a_data_frame_is_no_feature() {
    let setup = built("reference: framed.csv").unwrap();
    let names: Vec<&str> = setup.features.iter().map(|feature| &*feature.name).collect();
    assert_eq!(names, ["age"]);
}

#[test]
fn the_baseline_is_measured_on_the_reference_unless_configured() {
    let setup = built(COLUMNS).unwrap();
    assert_eq!(setup.baseline_of("any", "", Metric::Accuracy), Some(0.75));
    assert_eq!(setup.reference.as_ref().unwrap().positive_ratio, Some(0.75));
    let configured = built(&format!("{COLUMNS}, baseline: {{accuracy: 0.9}}")).unwrap();
    assert_eq!(configured.baseline_of("any", "", Metric::Accuracy), Some(0.9));
    assert_eq!(configured.baseline_of("any", "", Metric::Recall), Some(1.0));
}

#[test]
fn areas_are_measured_on_the_references_scores_and_labels() {
    // of the positives 0.9 and 0.7, one stands above the negative 0.8 and both above 0.1
    let setup = built(COLUMNS).unwrap();
    assert_eq!(setup.baseline_of("any", "", Metric::RocAuc), Some(0.75));
    assert_eq!(setup.baseline_of("any", "", Metric::PrAuc), Some((1.0 + 2.0 / 3.0) / 2.0));
    let unsaid = built("reference: reference.csv, reference_columns: {label: truth, score: sure}").unwrap();
    assert_eq!(unsaid.baseline_of("any", "", Metric::RocAuc), Some(0.75), "what was said does not matter");
    assert_eq!(unsaid.baseline_of("any", "", Metric::Accuracy), None);
    let unsure =
        built("reference: reference.csv, reference_columns: {label: truth, prediction: said}").unwrap();
    assert_eq!(unsure.baseline_of("any", "", Metric::RocAuc), None);
    let configured = built(&format!("{COLUMNS}, baseline: {{roc_auc: 0.9}}")).unwrap();
    assert_eq!(configured.baseline_of("any", "", Metric::RocAuc), Some(0.9));
}

#[test]
fn versions_have_references_of_their_own() {
    let setup = built("reference: reference.csv, references: {v2: narrow.csv}").unwrap();
    let rows = |version| setup.reference_of(version).unwrap().rows;
    assert_eq!((rows("v1"), rows("v2")), (4, 2));
    let kind = setup.features.iter().position(|feature| &*feature.name == "kind").unwrap();
    assert!(setup.reference_of("v2").unwrap().features[kind].is_none());
}

#[test]
fn overrides_change_type_methods_and_effect_size() {
    let keys = format!(
        "{COLUMNS}, features: {{few: {{type: numeric}}, age: {{methods: [jensen_shannon, psi], threshold: 0.2}}}}"
    );
    let setup = built(&keys).unwrap();
    let named = |name: &str| setup.features.iter().find(|feature| &*feature.name == name).unwrap();
    assert_eq!(named("few").methods[0].method.name(), "psi");
    let rules: Vec<_> =
        named("age").methods.iter().map(|rule| (rule.method.name(), rule.effect_size)).collect();
    assert_eq!(rules, [("jensen_shannon", 0.2), ("psi", 0.2)]);
}

#[test]
fn what_is_wrong_names_file_and_column() {
    for (keys, expected) in [
        ("reference: gone.csv", "reference gone.csv: cannot be read"),
        ("reference: reference.csv, reference_columns: {label: nope}", "reference.csv: has no column `nope`"),
        (
            "reference: reference.csv, features: {nope: {threshold: 1}}",
            "features.nope: no reference has this column",
        ),
        (
            "reference: reference.csv, features: {kind: {type: numeric}}",
            "features.kind: the column does not hold numbers",
        ),
    ] {
        let error = built(keys).unwrap_err();
        assert!(error.contains(expected), "{keys}: {error}");
    }
}

#[test]
fn a_reference_has_the_slices_of_its_segments() {
    let setup = built(&format!("{COLUMNS}, segments: [kind, few, channel]")).unwrap();
    let reference = setup.reference.as_ref().unwrap();
    let names: Vec<_> = reference.slices.keys().map(|name| &**name).collect();
    assert_eq!(names, ["few=1", "few=2", "kind=a", "kind=b"], "no column, no slices");
    let slice = |name: &str| reference.slice(name).unwrap();
    assert_eq!((slice("").rows, slice("kind=a").rows), (4, 2));
    assert_eq!((slice("kind=a").positive_ratio, slice("kind=b").positive_ratio), (Some(0.5), Some(1.0)));
    assert_eq!(setup.baseline_of("any", "kind=a", Metric::Accuracy), Some(1.0));
    assert_eq!(setup.baseline_of("any", "kind=b", Metric::Accuracy), Some(0.5));
    let age = setup.features.iter().position(|feature| &*feature.name == "age").unwrap();
    let ages = |name: &str| slice(name).features[age].as_ref().unwrap().cell(&Value::Number(1.5)).1;
    assert_eq!((ages("kind=a"), ages("kind=b")), (Kind::Valid, Kind::OutOfRange), "cells of their own");
}

#[test]
fn features_have_the_same_type_in_every_slice() {
    let mut rows = String::from("amount,group\n");
    (0..40).for_each(|row| rows += &format!("{},{}\n", row % 20, u8::from(row % 20 >= 5)));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("reference.csv"), rows).unwrap();
    let file = folder.path().join("exporter.yaml");
    let model = "{name: m, task: binary, reference: reference.csv, segments: [group]}";
    fs::write(&file, format!("models: [{model}]")).unwrap();
    let environment = Environment::from_pairs(Vec::<(String, String)>::new());
    let setup = build(&Config::load(&file, None, &environment).unwrap().models[0]).unwrap();
    let few = setup.reference.as_ref().unwrap().slice("group=0").unwrap();
    assert_eq!(few.features[0].as_ref().unwrap().feature_type(), FeatureType::Numeric);
}

#[test]
fn slices_of_a_reference_are_limited_and_an_ignored_column_can_slice() {
    let columns = COLUMNS.replace("sure}", "sure, ignore: [id, kind]}");
    let keys = |limit| format!("{columns}, segments: [id, kind]}}]\nlimits: {{segments: {limit}}}\n#");
    let names = |limit| {
        let setup = built(&keys(limit)).unwrap();
        let reference = setup.reference.unwrap();
        reference.slices.keys().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(3), ["id=r1", "id=r2", "kind=a"], "those that come first");
    assert_eq!(names(100).len(), 6);
}
