//! `modelwatch-receiver check-config`: what `serve` would say to the configuration and its templates.

use modelwatch_common::config::{ConfigError, Faults};

use crate::app::Origin;
use crate::templates::{TemplateFaults, TemplateSource};

/// Loads everything, and prints that it is fine.
///
/// # Errors
/// Every fault of the configuration, or of the templates.
pub(super) fn run(origin: &Origin) -> anyhow::Result<()> {
    let config = origin.load_to_serve()?;
    let templates = TemplateSource::new(config.templates.clone(), &config.channels);
    templates.check().map_err(|refused| invalid(origin, &refused))?;
    println!("{}: no faults", origin.file.display());
    Ok(())
}

/// The faults of templates as faults of the configuration that names them.
pub(super) fn invalid(origin: &Origin, refused: &TemplateFaults) -> ConfigError {
    let mut faults = Faults::new(&origin.file);
    refused.iter().for_each(|fault| faults.add("templates.path", fault));
    ConfigError::Invalid(faults)
}
