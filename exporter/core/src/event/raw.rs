//! One event as it stands on the wire, and its check.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::python::is_not_finite;
use super::score;
use super::{Catalog, Event, FeatureNames, Id, Label, ModelIndex, Prediction, Reason, Rejection};
use crate::time::Time;
use crate::value::{Value, canonical};

/// 1990-01-01T00:00:00Z: an event before it has a broken clock or a wrong unit.
const EARLIEST: Time = Time(631_152_000_000);

/// Every field that an event of any kind may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvent<'a> {
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    version: Option<Value>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    time: Option<Value>,
    #[serde(borrow)]
    features: Option<&'a RawValue>,
    prediction: Option<Value>,
    #[serde(borrow)]
    score: Option<&'a RawValue>,
    latency_seconds: Option<Value>,
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    segment: Option<&'a RawValue>,
    #[serde(borrow)]
    trace: Option<&'a RawValue>,
    label: Option<Value>,
}

impl<'a> RawEvent<'a> {
    pub(super) fn read(text: &'a [u8]) -> Result<RawEvent<'a>, Rejection> {
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(Rejection::new(Reason::InvalidJson, "not a JSON object"));
        }
        serde_json::from_slice(text).map_err(|error| unreadable(text, &error))
    }

    pub(super) fn validate(self, catalog: &Catalog) -> Result<Event, Rejection> {
        is_object("segment", self.segment)?;
        is_object("trace", self.trace)?;
        match self.event.as_deref() {
            Some("prediction") => self.prediction(catalog).map(Event::Prediction),
            Some("label") => self.label(catalog).map(Event::Label),
            Some(other) => Err(Rejection::new(
                Reason::UnknownEvent,
                format!("unknown event `{other}`, expected `prediction` or `label`"),
            )),
            None => Err(Rejection::new(
                Reason::UnknownEvent,
                "`event` is missing, expected `prediction` or `label`",
            )),
        }
    }

    fn prediction(self, catalog: &Catalog) -> Result<Prediction, Rejection> {
        refuse_field("label", self.label.is_some(), "prediction")?;
        let (model, names) = self.model(catalog)?;
        let status = self.status.as_deref().unwrap_or("success");
        if !(1..=64).contains(&status.len()) {
            return Err(Rejection::new(Reason::InvalidField, "`status` must be a string of 1 to 64 bytes"));
        }
        let class = self.prediction.as_ref().and_then(class_text);
        if class.is_none() && status == "success" {
            return Err(Rejection::new(
                Reason::NoPrediction,
                "`prediction` must be a class: a string, a number or true/false",
            ));
        }
        let features = names.read(self.features)?;
        Ok(Prediction {
            model,
            version: self.version_text()?.unwrap_or_default(),
            id: self.id.map(id_of).transpose()?,
            time: self.time.as_ref().map(time_of).transpose()?,
            segments: names.segments(self.segment, &features)?,
            features,
            class,
            score: self.score.map(|raw| score::read(raw, names.positive())).transpose()?,
            latency: self.latency_seconds.as_ref().map(|v| number_of("latency_seconds", v)).transpose()?,
            status: status.into(),
        })
    }

    fn label(self, catalog: &Catalog) -> Result<Label, Rejection> {
        refuse_field("features", self.features.is_some(), "label")?;
        refuse_field("prediction", self.prediction.is_some(), "label")?;
        refuse_field("score", self.score.is_some(), "label")?;
        refuse_field("latency_seconds", self.latency_seconds.is_some(), "label")?;
        refuse_field("status", self.status.is_some(), "label")?;
        let (model, _) = self.model(catalog)?;
        let missing = |field: &str| Rejection::new(Reason::InvalidField, format!("`{field}` is missing"));
        let invalid =
            || Rejection::new(Reason::InvalidField, "`label` must be a string, a number or true/false");
        Ok(Label {
            model,
            version: self.version_text()?,
            id: id_of(self.id.ok_or_else(|| missing("id"))?)?,
            class: class_text(self.label.as_ref().ok_or_else(|| missing("label"))?).ok_or_else(invalid)?,
            time: self.time.as_ref().map(time_of).transpose()?,
        })
    }

    fn model<'c>(&self, catalog: &'c Catalog) -> Result<(ModelIndex, &'c FeatureNames), Rejection> {
        match self.model.as_deref() {
            Some(name) => catalog.find(name),
            None => Err(Rejection::new(Reason::UnknownModel, "`model` is missing")),
        }
    }

    fn version_text(&self) -> Result<Option<Box<str>>, Rejection> {
        let Some(version) = &self.version else { return Ok(None) };
        match version {
            Value::Text(text) if text.len() <= 128 => Ok(Some(text.clone())),
            Value::Number(_) => Ok(class_text(version)),
            _ => Err(Rejection::new(Reason::InvalidField, "`version` must be a string of at most 128 bytes")),
        }
    }
}

fn unreadable(text: &[u8], error: &serde_json::Error) -> Rejection {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let (reason, lead) = match error.is_data() {
        true if message.starts_with("unknown field") => (Reason::UnknownField, String::new()),
        true if message.starts_with("duplicate field") => (Reason::InvalidField, String::new()),
        true => (Reason::InvalidField, format!("`{}`: ", field_at_fault(text))),
        false => (Reason::InvalidJson, "not JSON: ".to_owned()),
    };
    Rejection::new(reason, format!("{lead}{message} (at byte {})", error.column()))
}

/// The field that could not be read: only an event that is refused is read twice for it.
fn field_at_fault(text: &[u8]) -> String {
    let again = serde_path_to_error::deserialize::<_, RawEvent<'_>>(&mut Deserializer::from_slice(text));
    again.err().map(|error| error.path().to_string()).unwrap_or_default()
}

/// Fields that are shown but not counted.
fn is_object(field: &str, raw: Option<&RawValue>) -> Result<(), Rejection> {
    if raw.is_none_or(|raw| raw.get().starts_with('{')) {
        return Ok(());
    }
    Err(Rejection::new(Reason::InvalidField, format!("`{field}` must be an object")))
}

fn refuse_field(field: &str, present: bool, kind: &str) -> Result<(), Rejection> {
    if !present {
        return Ok(());
    }
    Err(Rejection::new(Reason::UnknownField, format!("unknown field `{field}` in an event of kind `{kind}`")))
}

/// Classes are compared by canonical text; an empty one, NaN, null, a list or an object is no class.
fn class_text(value: &Value) -> Option<Box<str>> {
    canonical(value).filter(|text| text.len() <= 256 && !is_not_finite(text)).map(Into::into)
}

/// 7, 7.0 and "7" are one id; texts are taken as they are, and whole numbers by their digits, which a floating-point
/// number may not hold.
fn id_of(raw: &RawValue) -> Result<Id, Rejection> {
    let text = raw.get();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let id = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(Id::of(text))
    } else {
        match serde_json::from_str(text) {
            Ok(Value::Text(text)) if !text.is_empty() && !is_not_finite(&text) => Some(Id::of(&text)),
            Ok(number @ Value::Number(_)) => canonical(&number).map(|text| Id::of(&text)),
            _ => None,
        }
    };
    id.ok_or_else(|| {
        Rejection::new(Reason::InvalidField, "`id` must be a string that is not empty, or a number")
    })
}

fn time_of(value: &Value) -> Result<Time, Rejection> {
    let time = match value {
        Value::Number(seconds) => Time::from_seconds(*seconds),
        Value::Text(text) => text.parse::<jiff::Timestamp>().ok().map(Time::from),
        _ => None,
    };
    let expected = "expected RFC 3339 with an offset, such as 2016-01-01T00:00:00Z, or Unix seconds";
    let time =
        time.ok_or_else(|| Rejection::new(Reason::InvalidTime, format!("`time` is not a time: {expected}")))?;
    if time < EARLIEST {
        return Err(Rejection::new(
            Reason::InvalidTime,
            format!("`time` is before 1990 ({time}): {expected}"),
        ));
    }
    Ok(time)
}

fn number_of(field: &str, value: &Value) -> Result<f64, Rejection> {
    match value {
        Value::Number(number) if (0.0..=f64::MAX).contains(number) => Ok(*number),
        _ => Err(Rejection::new(
            Reason::InvalidField,
            format!("`{field}` must be a number that is not negative"),
        )),
    }
}
