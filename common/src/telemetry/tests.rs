use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What stands in the log after a library and modelwatch itself have spoken.
fn logged(level: Level, format: Format) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let lines = layer(format, move || writer.clone()).with_filter(targets(level));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
        a_library_speaks();
        modelwatch_speaks();
    });
    String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
}

fn a_library_speaks() {
    tracing::info!(target: "hyper::client", "connected to hooks.example");
    tracing::warn!(target: "hyper::client", "lost a connection");
}

fn modelwatch_speaks() {
    tracing::info!(channel = "console", "delivered a notification");
    tracing::debug!("rendered a template");
}

#[test]
fn libraries_are_heard_from_warn_on_only() {
    let debug = logged(Level::Debug, Format::Logfmt);
    assert!(debug.contains("rendered a template") && debug.contains("lost a connection"), "{debug}");
    assert!(!debug.contains("hooks.example"), "{debug}");
    let error = logged(Level::Error, Format::Logfmt);
    assert_eq!(error, "");
}

#[test]
fn a_line_is_logfmt_or_json_with_its_fields() {
    let logfmt = logged(Level::Info, Format::Logfmt);
    let line = logfmt.lines().find(|line| line.contains("delivered")).unwrap();
    assert!(line.contains("level=info") && line.contains("message=\"delivered a notification\""), "{line}");
    assert!(line.contains("channel=console"), "{line}");

    let json = logged(Level::Info, Format::Json);
    let lines = json.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let line = lines.into_iter().find(|line| line["channel"] == "console").unwrap();
    assert_eq!(line["message"], "delivered a notification");
    assert_eq!(line["level"], "INFO");
}
