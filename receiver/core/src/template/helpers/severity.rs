//! How bad an alert is, at a glance.

use serde_json::Value;

use super::{Call, text};
use crate::message::Severity;

/// `{{emoji status severity}}`: a coloured dot, green when it is over.
pub(super) fn emoji(call: &Call<'_>) -> Result<Value, String> {
    let severity = Severity::of(&text(call.argument(1)?));
    let dot = match (text(call.argument(0)?).as_str(), severity) {
        ("resolved", _) => "🟢",
        (_, Severity::Critical) => "🔴",
        (_, Severity::Warning | Severity::Unknown) => "🟠",
        (_, Severity::Info) => "🔵",
    };
    Ok(dot.into())
}

/// `{{severity_colour status severity}}`: a colour for HTML that white text can be read on, green when it is over.
pub(super) fn severity_colour(call: &Call<'_>) -> Result<Value, String> {
    let severity = Severity::of(&text(call.argument(1)?));
    let colour = match (text(call.argument(0)?).as_str(), severity) {
        ("resolved", _) => "#1a7f37",
        (_, Severity::Critical) => "#c62828",
        (_, Severity::Warning | Severity::Unknown) => "#b45309",
        (_, Severity::Info) => "#1d5fbf",
    };
    Ok(colour.into())
}
