//! What counts as a yes: a status, and perhaps fields of the answer.

use serde::Deserialize;
use serde_json::Value;

use super::fault::HookFault;

/// The rule as written in the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSuccess {
    /// The statuses that are a yes, each of 200 to 299 by default.
    status: Option<Vec<u64>>,
    /// Fields that the answer then has, as JSON, and their values.
    json: Option<Value>,
}

/// The rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Success {
    statuses: Vec<u16>,
    fields: Option<Value>,
}

/// What the rule makes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is a yes.
    Yes,
    /// The answer has the fields and they say no.
    No,
    /// A success that the rule does not know: another one of the service's, which sending again would not change.
    Unknown,
    /// A success in which there is no JSON although it should be: perhaps a page of somebody's on the way.
    Strange,
    /// The status is no success.
    Failed,
}

impl RawSuccess {
    /// The rule, with `fields` where none are given.
    pub(super) fn validate(self, fields: Option<Value>, faults: &mut Vec<HookFault>) -> Success {
        let mut statuses = Vec::new();
        for number in self.status.unwrap_or_default() {
            match u16::try_from(number) {
                Ok(status) if (200..600).contains(&status) => statuses.push(status),
                _ => faults.push(HookFault::Status(number)),
            }
        }
        if self.json.as_ref().is_some_and(|json| !json.is_object()) {
            faults.push(HookFault::Fields);
        }
        Success { statuses, fields: self.json.or(fields) }
    }
}

impl Success {
    /// What an answer with this status and body is.
    pub(super) fn judge(&self, status: u16, body: &str) -> Verdict {
        let is_success = (200..300).contains(&status);
        let is_expected = if self.statuses.is_empty() { is_success } else { self.statuses.contains(&status) };
        match (&self.fields, is_expected) {
            (_, false) if is_success => Verdict::Unknown,
            (_, false) => Verdict::Failed,
            (None, true) => Verdict::Yes,
            (Some(fields), true) => match serde_json::from_str::<Value>(body) {
                Ok(answer) if has(&answer, fields) => Verdict::Yes,
                Ok(answer) if names(&answer, fields) => Verdict::No,
                Ok(_) => Verdict::Unknown,
                Err(_) => Verdict::Strange,
            },
        }
    }
}

/// Whether `answer` has all of `fields` with their values; what else it has does not matter.
fn has(answer: &Value, fields: &Value) -> bool {
    match fields {
        Value::Object(fields) => {
            fields.iter().all(|(name, wanted)| answer.get(name).is_some_and(|found| has(found, wanted)))
        }
        wanted => answer == wanted,
    }
}

/// Whether `answer` has all of `fields`, whatever their values.
fn names(answer: &Value, fields: &Value) -> bool {
    match fields {
        Value::Object(fields) => {
            fields.iter().all(|(name, wanted)| answer.get(name).is_some_and(|found| names(found, wanted)))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: Value) -> Success {
        let mut faults = Vec::new();
        let raw: RawSuccess = serde_json::from_value(json).unwrap();
        let rule = raw.validate(None, &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        rule
    }

    #[test]
    fn without_a_rule_every_status_from_200_to_299_is_a_yes() {
        let rule = Success::default();
        for (status, verdict) in [
            (200, Verdict::Yes),
            (204, Verdict::Yes),
            (299, Verdict::Yes),
            (302, Verdict::Failed),
            (500, Verdict::Failed),
        ] {
            assert_eq!(rule.judge(status, "whatever"), verdict, "{status}");
        }
    }

    #[test]
    fn statuses_can_be_named_and_others_of_success_are_unknown() {
        let rule = rule(serde_json::json!({"status": [202, 409]}));
        let verdicts = [202, 409, 200, 404].map(|status| rule.judge(status, ""));
        assert_eq!(verdicts, [Verdict::Yes, Verdict::Yes, Verdict::Unknown, Verdict::Failed]);
    }

    #[test]
    fn fields_of_the_answer_say_yes_or_no_and_an_answer_without_them_is_unknown_or_strange() {
        let rule = rule(serde_json::json!({"json": {"ok": true, "result": {"state": "queued"}}}));
        for (body, verdict) in [
            (r#"{"ok": true, "result": {"state": "queued", "id": 1}}"#, Verdict::Yes),
            (r#"{"ok": false, "result": {"state": "queued"}}"#, Verdict::No),
            (r#"{"ok": true, "result": {"state": "refused"}}"#, Verdict::No),
            (r#"{"ok": true}"#, Verdict::Unknown),
            ("[]", Verdict::Unknown),
            ("<html>welcome to the hotel</html>", Verdict::Strange),
            ("", Verdict::Strange),
        ] {
            assert_eq!(rule.judge(200, body), verdict, "{body}");
        }
    }

    #[test]
    fn what_can_be_no_rule_is_refused() {
        let raw: RawSuccess =
            serde_json::from_value(serde_json::json!({"status": [20, 99999], "json": true})).unwrap();
        let mut faults = Vec::new();
        raw.validate(None, &mut faults);
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
