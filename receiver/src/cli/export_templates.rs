//! `modelwatch-receiver export-templates`: the built-in templates as files to change. It never writes over a file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use clap::builder::PossibleValuesParser;
use modelwatch_receiver_core::template::Format;

use crate::app::Origin;

/// The flags of `export-templates`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Only this built-in template
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::name)))]
    template: Option<String>,
    /// Where to write them, instead of the configuration's `templates.path`
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

/// Writes the pieces that are not there, and prints what became of each.
///
/// # Errors
/// When there is no folder to write to, or it cannot be written.
pub(super) fn run(origin: &Origin, args: &ExportArgs) -> anyhow::Result<()> {
    let folder = match &args.to {
        Some(folder) => folder.clone(),
        None => origin.load()?.templates.folder.context(
            "templates.path is not set: name the folder in the configuration, or give one with --to",
        )?,
    };
    for format in Format::ALL {
        if args.template.as_ref().is_none_or(|wanted| wanted == format.name()) {
            write(&folder, format)?;
        }
    }
    Ok(())
}

fn write(folder: &Path, format: Format) -> anyhow::Result<()> {
    let folder = folder.join(format.name());
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for piece in format.pieces() {
        let path = folder.join(piece.name).with_extension("hbs");
        let became = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(piece.built_in.as_bytes()).map(|()| "wrote"),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok("kept"),
            Err(error) => Err(error),
        };
        let became = became.with_context(|| format!("cannot write {}", path.display()))?;
        println!("{became} {}", path.display());
    }
    Ok(())
}
