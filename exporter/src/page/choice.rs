//! Which version, segment and window of a model is looked at.

use modelwatch_exporter_core::report::{ModelReport, SegmentReport, VersionReport, WindowReport};
use modelwatch_exporter_core::window::WindowSpec;
use serde::Deserialize;

use super::attention::Attention;

/// What an address asks for; what it leaves open is chosen.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RawChoice {
    /// As in the events; empty for those that named none.
    pub version: Option<String>,
    /// As in the labels; empty for all rows.
    pub segment: Option<String>,
    /// Such as `1d`.
    pub window: Option<String>,
    /// The one feature whose picture is wanted.
    pub feature: Option<String>,
}

/// One window of one slice of one version.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The model.
    pub model: &'a ModelReport,
    /// Its version's name.
    pub version: &'a str,
    /// The segment's name, empty for all rows.
    pub segment: &'a str,
    /// The window's name.
    pub window: &'a str,
    /// The version.
    pub of_version: &'a VersionReport,
    /// The segment.
    pub of_segment: &'a SegmentReport,
    /// The window.
    pub of_window: &'a WindowReport,
}

/// What an address asks for and the model does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotThere {
    /// No prediction has come.
    #[error("no prediction of this model has come yet")]
    Nothing,
    /// Another version.
    #[error("this model has no version `{0}`")]
    Version(String),
    /// Another segment.
    #[error("this version has no segment `{0}`")]
    Segment(String),
    /// Another window.
    #[error("this model has no window `{0}`")]
    Window(String),
}

impl<'a> Choice<'a> {
    /// What was asked for. Left open: the version with the most rows now, all rows of it, and the window that needs most
    /// attention, the shortest of equals.
    ///
    /// # Errors
    /// What the model does not have.
    pub fn find(model: &'a ModelReport, wanted: &RawChoice) -> Result<Choice<'a>, NotThere> {
        let version = match &wanted.version {
            Some(name) => {
                let found = model.versions.get_key_value(&**name);
                found.map(|(name, of)| (&**name, of)).ok_or_else(|| NotThere::Version(name.clone()))
            }
            None => busiest(model).ok_or(NotThere::Nothing),
        };
        let (version, of_version) = version?;
        let segment = wanted.segment.as_deref().unwrap_or_default();
        let found = of_version.segments.get_key_value(segment);
        let (segment, of_segment) = found.ok_or_else(|| NotThere::Segment(segment.to_owned()))?;
        let windows = windows(of_segment);
        let window = match &wanted.window {
            Some(name) => {
                let found = windows.iter().find(|(known, _)| known == name);
                found.copied().ok_or(NotThere::Window(name.clone()))
            }
            None => most_urgent(&windows).ok_or(NotThere::Nothing),
        };
        let (window, of_window) = window?;
        Ok(Choice { model, version, segment, window, of_version, of_segment, of_window })
    }

    /// Version, segment and window.
    #[must_use]
    pub fn names(&self) -> [&'a str; 3] {
        [self.version, self.segment, self.window]
    }
}

/// A segment's windows, the shortest first, those over rows last.
pub(super) fn windows(segment: &SegmentReport) -> Vec<(&str, &WindowReport)> {
    let mut windows: Vec<_> = segment.windows.iter().map(|(name, report)| (&**name, report)).collect();
    windows.sort_by_key(|(name, _)| name.parse::<WindowSpec>().ok());
    windows
}

fn most_urgent<'a>(windows: &[(&'a str, &'a WindowReport)]) -> Option<(&'a str, &'a WindowReport)> {
    // of equals the last one is found
    windows.iter().rev().max_by_key(|(_, report)| Attention::of(report).level).copied()
}

fn busiest(model: &ModelReport) -> Option<(&str, &VersionReport)> {
    let rows = |version: &VersionReport| {
        let all = version.segments.get("");
        all.map(|all| all.windows.values().map(|window| window.current.rows).sum::<u64>())
    };
    let busiest = model.versions.iter().max_by_key(|(_, version)| rows(version));
    busiest.map(|(name, version)| (&**name, version))
}

/// The address of a choice's page, not yet escaped for HTML.
pub(super) fn address(model: &str, [version, segment, window]: [&str; 3]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("version", version);
    if !segment.is_empty() {
        query.append_pair("segment", segment);
    }
    query.append_pair("window", window);
    format!("{}?{}", super::parts::model_address(model), query.finish())
}
