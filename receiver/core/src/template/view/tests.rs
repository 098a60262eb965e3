use super::*;
use crate::template::samples;

#[test]
fn a_megabyte_is_cut_before_it_reaches_a_template() {
    let data = message(&samples::hostile());
    let description = data["alerts"][0]["annotations"]["description"].as_str().unwrap();
    assert_eq!(description.chars().count(), MAX_VALUE + 1);
    assert!(description.ends_with('…'));
}

#[test]
fn the_only_alert_is_at_hand_and_several_are_not() {
    assert_eq!(message(&samples::firing())["only"]["labels"]["feature"], "AGEP");
    assert!(message(&samples::mixed())["only"].is_null());
}

#[test]
fn what_is_common_is_not_an_alerts_own() {
    let first = alerts(&samples::mixed()).next().unwrap();
    assert_eq!(first["common_labels"]["model"], "employment");
    assert_eq!(first["alert"]["own_labels"], json!({"feature": "AGEP"}));
    assert_eq!(first["alert"]["own_annotations"], json!({}));
    assert!(first.get("alerts").is_none(), "an alert does not carry a thousand others");
}

#[test]
fn every_label_has_its_name_and_value() {
    let data = labels(&json!({"a": "1", "b": ""}));
    assert_eq!(data, [json!({"name": "a", "value": "1"}), json!({"name": "b", "value": ""})]);
}
