//! `modelwatch-receiver check-config`: what `serve` would say to the configuration and its templates.

use modelwatch_common::config::{ConfigError, Faults};

use crate::app::Origin;
use crate::templates::TemplateSource;

/// Loads everything, and prints that it is fine.
///
/// # Errors
/// Every fault of the configuration, or of the templates.
pub(super) fn run(origin: &Origin) -> anyhow::Result<()> {
    let config = origin.load_to_serve()?;
    let templates = TemplateSource::new(config.templates.clone(), &config.channels);
    if let Err(refused) = templates.check() {
        let mut faults = Faults::new(&origin.file);
        refused.iter().for_each(|fault| faults.add("templates.path", fault));
        return Err(ConfigError::Invalid(faults).into());
    }
    println!("{}: no faults", origin.file.display());
    Ok(())
}
