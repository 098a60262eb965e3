//! The page on which Alertmanager silences what a message is about.

use crate::alert::{Kind, Labels, Status};

use super::Message;

/// The receiver gives this label to alerts that come without it, so that Alertmanager may not know it.
const GIVEN: &str = "environment";

impl Message {
    /// Where people silence what it tells: its only alert, else its group, else what its alerts have in common. `None` when
    /// nothing fires, or where no Alertmanager speaks of it.
    ///
    /// Source: Alertmanager's page, `#/silences/new?filter={…}`, with matchers as it writes them.
    pub fn silence_url(&self) -> Option<String> {
        let alertmanager = self.alertmanager_url.trim_end_matches('/');
        if alertmanager.is_empty() || self.status == Status::Resolved || self.kind == Kind::Test {
            return None;
        }
        let common;
        let labels = match self.alerts.as_slice() {
            [only] => &only.labels,
            _ if !self.group_labels.is_empty() => &self.group_labels,
            _ => {
                common = self.common_labels();
                &common
            }
        };
        (!labels.is_empty())
            .then(|| format!("{alertmanager}/#/silences/new?filter={}", encoded(&matchers(labels))))
    }
}

fn matchers(labels: &Labels) -> String {
    let matchers: Vec<String> = labels.iter().map(|(name, value)| matcher(name, value)).collect();
    format!("{{{}}}", matchers.join(","))
}

/// `name="value"`. A label that may have been given here also matches alerts without it.
fn matcher(name: &str, value: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let shown = if is_plain { name.to_owned() } else { quoted(name) };
    if name == GIVEN {
        format!("{shown}=~{}", quoted(&format!("{}|", regex::escape(value))))
    } else {
        format!("{shown}={}", quoted(value))
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// With a space as `%20`, since a fragment knows no `+`.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::samples;

    /// The matchers of a message's page, readable.
    fn filter(message: &Message) -> Option<String> {
        let url = message.silence_url()?;
        let (page, filter) = url.split_once("?filter=").unwrap();
        assert!(page.ends_with("/#/silences/new") && !page.contains("//#"), "{page}");
        let decoded = form_urlencoded::parse(format!("f={filter}").as_bytes()).next().unwrap().1.into_owned();
        Some(decoded)
    }

    fn about(labels: &[(&str, &str)]) -> Message {
        let mut message = samples::firing();
        message.alerts[0].labels =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        message
    }

    #[test]
    fn one_alert_is_silenced_by_its_labels() {
        let found = filter(&about(&[("alertname", "A b"), ("path", "C:\\\"x\"\n+&#")]));
        assert_eq!(found.unwrap(), "{alertname=\"A b\",path=\"C:\\\\\\\"x\\\"\\n+&#\"}");
        assert_eq!(filter(&about(&[("a.b", "c")])).unwrap(), "{\"a.b\"=\"c\"}");
    }

    #[test]
    fn the_environment_may_be_ours_and_need_not_be_there() {
        assert_eq!(filter(&about(&[("environment", "d.v")])).unwrap(), "{environment=~\"d\\\\.v|\"}");
    }

    #[test]
    fn several_alerts_are_silenced_by_their_group_or_by_what_they_share() {
        let group = Labels::from([("job".to_owned(), "x".to_owned())]);
        let grouped = Message { group_labels: group, ..samples::mixed() };
        assert_eq!(filter(&grouped).unwrap(), "{job=\"x\"}");
        let alone = Message { group_labels: Labels::new(), ..samples::mixed() };
        let found = filter(&alone).unwrap();
        assert!(found.contains("alertname=\"FeatureDriftSevere\"") && !found.contains("feature="), "{found}");
    }

    #[test]
    fn what_is_over_a_test_or_nobodys_is_not_silenced() {
        let nobodys = Message { alertmanager_url: String::new(), ..samples::firing() };
        for message in [samples::resolved(), samples::test(), nobodys, about(&[])] {
            assert_eq!(message.silence_url(), None);
        }
    }
}
