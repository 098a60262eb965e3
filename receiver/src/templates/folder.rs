//! Reading one template's files.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use modelwatch_receiver_core::template::{Fault, Format, Setting, Template};

use super::TemplateFault;

/// The folder of what all templates can include.
pub(super) const PARTIALS: &str = "partials";

/// What the files of each template hold, by its name, or why that is not known: two readings that are equal compile to
/// the same templates.
pub(super) type Files = BTreeMap<String, Result<BTreeMap<String, String>, String>>;

/// Reads the files of these templates without looking into them.
pub(super) fn files<'a>(templates: &Path, names: impl Iterator<Item = &'a str>) -> Files {
    let read = |name: &str| pieces(&templates.join(name)).map_err(|fault| fault.to_string());
    names.map(|name| (name.to_owned(), read(name))).collect()
}

/// What all templates can include, by name; a folder that is not there has none.
pub(super) fn partials(templates: Option<&Path>) -> Result<BTreeMap<String, String>, TemplateFault> {
    let Some(folder) = templates.map(|templates| templates.join(PARTIALS)) else {
        return Ok(BTreeMap::new());
    };
    match pieces(&folder) {
        Err(TemplateFault::Unreadable { source, .. })
            if source.kind() == ErrorKind::NotFound && !folder.exists() =>
        {
            Ok(BTreeMap::new())
        }
        read => read,
    }
}

/// The template `name` from its folder, the built-in pieces serving what is not there.
pub(super) fn compile(
    templates: Option<&Path>,
    name: &str,
    format: Format,
    setting: &Setting,
) -> Result<Template, Vec<TemplateFault>> {
    let is_built_in = name == format.name();
    let Some(templates) = templates else {
        let no_folder = || vec![TemplateFault::NoFolder { name: name.to_owned() }];
        return is_built_in
            .then(BTreeMap::new)
            .ok_or_else(no_folder)
            .and_then(|none| from(Path::new(name), format, &none, setting));
    };
    let folder = templates.join(name);
    match pieces(&folder) {
        Ok(pieces) => from(&folder, format, &pieces, setting),
        Err(TemplateFault::Unreadable { source, .. })
            if source.kind() == ErrorKind::NotFound && !folder.exists() =>
        {
            if is_built_in {
                from(&folder, format, &BTreeMap::new(), setting)
            } else {
                Err(vec![TemplateFault::Missing { name: name.to_owned(), folder }])
            }
        }
        Err(fault) => Err(vec![fault]),
    }
}

fn from(
    folder: &Path,
    format: Format,
    pieces: &BTreeMap<String, String>,
    setting: &Setting,
) -> Result<Template, Vec<TemplateFault>> {
    Template::compile_in(format, pieces, setting).map_err(|faults| {
        let place = |partial: bool| match folder.parent() {
            Some(templates) if partial => templates.to_owned(),
            _ => folder.to_owned(),
        };
        let fault = |fault: Fault| TemplateFault::Piece { folder: place(fault.is_in_partial()), fault };
        faults.into_iter().map(fault).collect()
    })
}

/// The `*.hbs` files of a folder by their names; editors' other files are not looked at.
fn pieces(folder: &Path) -> Result<BTreeMap<String, String>, TemplateFault> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateFault::Unreadable { path, source }
    };
    let mut pieces = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|name| !name.starts_with('.'));
        if let (Some(name), Some("hbs")) = (name, path.extension().and_then(|extension| extension.to_str())) {
            pieces.insert(name.to_owned(), std::fs::read_to_string(&path).map_err(unreadable(&path))?);
        }
    }
    Ok(pieces)
}
