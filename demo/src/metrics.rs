//! Reading single values out of a text exposition.

/// The value of the first sample of `name` that has all of `labels`.
///
/// Only for values that need no escaping: that is what the demo's labels are.
pub(crate) fn sample(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let wanted: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let samples = text.lines().filter_map(|line| line.strip_prefix(name));
    let (_, value) = samples
        .filter_map(|rest| rest.strip_prefix('{')?.rsplit_once("} "))
        .find(|(having, _)| wanted.iter().all(|label| having.split(',').any(|one| one == label)))?;
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::sample;

    const TEXT: &str = "# HELP model_accuracy Share of right predictions.\n\
        model_accuracy_baseline{model=\"m\",window=\"1d\"} 0.9\n\
        model_accuracy{model=\"m\",version=\"1\",segment=\"\",window=\"7d\"} 0.7\n\
        model_accuracy{model=\"m\",version=\"1\",segment=\"\",window=\"1d\"} 0.8\n";

    #[test]
    fn all_labels_must_match() {
        assert_eq!(sample(TEXT, "model_accuracy", &[("window", "1d"), ("segment", "")]), Some(0.8));
        assert_eq!(sample(TEXT, "model_accuracy", &[("window", "1h")]), None);
    }

    #[test]
    fn a_longer_name_is_another_metric() {
        assert_eq!(sample(TEXT, "model_accuracy", &[("model", "m"), ("window", "1d")]), Some(0.8));
        assert_eq!(sample(TEXT, "model_acc", &[]), None);
    }
}
