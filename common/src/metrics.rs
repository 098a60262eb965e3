//! What both programs say about themselves in `/metrics`. Everything is registered on a registry that the program owns.

use prometheus::{Encoder as _, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

/// The gauges that every modelwatch program has.
#[derive(Clone, Debug)]
pub struct ProgramMetrics {
    /// 1 when the configuration was last loaded without a fault, else 0.
    pub config_last_reload_successful: IntGauge,
}

impl ProgramMetrics {
    /// Registers `<prefix>_build_info{version}` (always 1) and `<prefix>_config_last_reload_successful` (1 at start).
    ///
    /// # Errors
    /// When `registry` has one of them already, or `prefix` is no metric name.
    pub fn register(registry: &Registry, prefix: &str, version: &str) -> prometheus::Result<ProgramMetrics> {
        let build_info = IntGaugeVec::new(
            Opts::new(format!("{prefix}_build_info"), "A constant 1, labelled with the version that runs."),
            &["version"],
        )?;
        build_info.with_label_values(&[version]).set(1);
        registry.register(Box::new(build_info))?;

        let succeeded = IntGauge::new(
            format!("{prefix}_config_last_reload_successful"),
            "1 if the configuration was last loaded without a fault, else 0.",
        )?;
        succeeded.set(1);
        registry.register(Box::new(succeeded.clone()))?;
        Ok(ProgramMetrics { config_last_reload_successful: succeeded })
    }
}

/// Everything in `registry`, in Prometheus' text format 0.0.4.
///
/// # Errors
/// When a collector gives something that the format cannot hold.
pub fn text(registry: &Registry) -> prometheus::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_shows_its_version_and_its_last_reload() {
        let registry = Registry::new();
        let metrics = ProgramMetrics::register(&registry, "modelwatch_x", "1.2.3").unwrap();
        metrics.config_last_reload_successful.set(0);
        let text = String::from_utf8(text(&registry).unwrap()).unwrap();
        assert!(text.contains("modelwatch_x_build_info{version=\"1.2.3\"} 1\n"), "{text}");
        assert!(text.contains("modelwatch_x_config_last_reload_successful 0\n"), "{text}");
    }

    #[test]
    fn registering_twice_is_an_error_and_not_a_panic() {
        let registry = Registry::new();
        ProgramMetrics::register(&registry, "twice", "1").unwrap();
        assert!(ProgramMetrics::register(&registry, "twice", "1").is_err());
    }
}
