//! The folder of templates that operators edit while the program runs.
//!
//! A template goes live only after every piece of it compiled and rendered every sample; else the last good one stays,
//! and without one the built-in. It never decides what to send instead when a good template fails on real data; the
//! notifier does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use modelwatch_receiver_core::template::{Fault, Format, Piece, Setting, Template};
use prometheus::{IntCounterVec, Opts, Registry};

use crate::notify::Channel;

mod folder;
mod settings;
mod watch;

pub use settings::Settings;

use folder::{Files, PARTIALS};

/// Where templates come from: a folder, if operators have one, and the names that channels use with the formats they
/// need. The built-in ones are always among them.
#[derive(Debug, Clone)]
pub struct TemplateSource {
    settings: Settings,
    wanted: BTreeSet<Key>,
}

/// A template's name, and the format it is read in: channels of two types may give their templates one name.
type Key = (String, Format);

type Compiled = BTreeMap<Key, Arc<Template>>;

/// The templates in use. Shared by all notifiers.
#[derive(Debug)]
pub struct Templates {
    live: ArcSwap<Live>,
    refused: ArcSwap<TemplateFaults>,
    errors: IntCounterVec,
    reloading: Mutex<()>,
}

/// What is in use, and where it came from.
#[derive(Debug)]
struct Live {
    source: TemplateSource,
    templates: Compiled,
    files: Files,
}

/// Everything that is wrong with the files of a folder, one line each: `templates/slack/title.hbs:3:12: …`.
#[derive(Debug, Default)]
pub struct TemplateFaults(Vec<TemplateFault>);

/// One fault of one template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateFault {
    /// A piece does not compile or does not render a sample.
    #[error("{}/{fault}", folder.display())]
    Piece {
        /// The template's folder.
        folder: PathBuf,
        /// What is wrong in it.
        fault: Fault,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A channel names a template that nobody wrote.
    #[error("there is no template `{name}`: make the folder {} or use a built-in one", folder.display())]
    Missing {
        /// What the channel calls it.
        name: String,
        /// Where it would be.
        folder: PathBuf,
    },
    /// Somebody asks for a template that no channel names.
    #[error("no channel has a template `{name}`, only {}", known.join(", "))]
    Unused {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A channel names a template, but there is no folder of templates.
    #[error("there is no template `{name}`: templates.path is not set")]
    NoFolder {
        /// What the channel calls it.
        name: String,
    },
}

impl TemplateSource {
    /// The built-in templates and those that `channels` name.
    pub fn new<'a>(settings: Settings, channels: impl IntoIterator<Item = &'a Channel>) -> Self {
        // bodies of requests are only those that channels name: each is tried on every sample
        let always = Format::ALL.into_iter().filter(|format| !matches!(format, Format::Webhook(_)));
        let built_in = always.map(|format| (format.name().to_owned(), format));
        let named =
            channels.into_iter().map(|channel| (channel.template().to_owned(), channel.r#type().format()));
        Self { settings, wanted: built_in.chain(named).collect() }
    }

    /// Reads, compiles and tries the templates as a start would, without using them.
    ///
    /// # Errors
    /// Every fault of every template.
    pub fn check(&self) -> Result<(), TemplateFaults> {
        let mut faults = TemplateFaults::default();
        self.compile().filter_map(|(_, compiled)| compiled.err()).for_each(|found| faults.add(found));
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The template that channels name so, compiled from what stands in the folder now, with its format; of two formats of one
    /// name the first. Built-in ones are known whether a channel names them or not.
    ///
    /// # Errors
    /// Every fault of it, or that there is none and no channel names it.
    pub fn template(&self, name: &str) -> Result<(Format, Template), TemplateFaults> {
        let wanted = self.wanted.iter().find(|(wanted, _)| wanted == name).map(|(_, format)| *format);
        let built_in = || Format::ALL.into_iter().find(|format| format.name() == name);
        let Some(format) = wanted.or_else(built_in) else {
            let wanted = self.wanted.iter().map(|(name, _)| name.as_str());
            let known: BTreeSet<&str> = wanted.chain(Format::ALL.map(Format::name)).collect();
            let known = known.into_iter().map(str::to_owned).collect();
            return Err(TemplateFaults(vec![TemplateFault::Unused { name: name.to_owned(), known }]));
        };
        let compiled = self.setting().and_then(|setting| self.compile_one(name, format, &setting));
        compiled.map(|template| (format, template)).map_err(TemplateFaults)
    }

    /// The folder of templates, if there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.settings.folder.as_deref()
    }

    /// What stands in the folder now.
    fn files(&self) -> Files {
        let names = self.wanted.iter().map(|(name, _)| name.as_str()).chain([PARTIALS]);
        self.folder().map(|folder| folder::files(folder, names)).unwrap_or_default()
    }

    /// What all templates share.
    fn setting(&self) -> Result<Setting, Vec<TemplateFault>> {
        let partials = folder::partials(self.folder()).map_err(|fault| vec![fault])?;
        Ok(Setting { locale: self.settings.locale.clone(), partials })
    }

    fn compile(&self) -> impl Iterator<Item = (&Key, Result<Template, Vec<TemplateFault>>)> {
        let mut setting = self.setting();
        self.wanted.iter().map(move |key| {
            // what cannot be read is said once
            let compiled = match &mut setting {
                Ok(setting) => self.compile_one(&key.0, key.1, setting),
                Err(faults) => Err(std::mem::take(faults)),
            };
            (key, compiled)
        })
    }

    fn compile_one(
        &self,
        name: &str,
        format: Format,
        setting: &Setting,
    ) -> Result<Template, Vec<TemplateFault>> {
        folder::compile(self.folder(), name, format, setting)
    }

    /// The built-in pieces under every name.
    fn built_in(&self) -> Compiled {
        let setting = Setting { locale: self.settings.locale.clone(), ..Setting::default() };
        let compiled = self.wanted.iter().filter_map(|key| {
            let template = Template::compile_in(key.1, &BTreeMap::new(), &setting).ok()?;
            Some((key.clone(), Arc::new(template)))
        });
        compiled.collect()
    }
}

impl Templates {
    /// Reads the templates. A broken one does not stop the program from starting: the built-in serves, and
    /// [`refused`](Self::refused), the log and the metric say so.
    ///
    /// # Errors
    /// When `registry` already has `modelwatch_receiver_template_errors_total`.
    pub fn load(source: TemplateSource, registry: &Registry) -> Result<Self, prometheus::Error> {
        let errors = errors(registry)?;
        let templates = source.built_in();
        let live = ArcSwap::from_pointee(Live { source, templates, files: Files::new() });
        let templates = Self { live, errors, refused: ArcSwap::default(), reloading: Mutex::default() };
        // what is wrong is in the log, and nothing but the built-in ones could be done about it
        let _ = templates.reload();
        Ok(templates)
    }

    /// Takes the templates from `source` from now on; what was in use stays there for messages that are being rendered.
    ///
    /// # Errors
    /// What was refused; then nothing changes.
    pub fn adopt(&self, source: TemplateSource) -> Result<(), Arc<TemplateFaults>> {
        let _one_at_a_time = self.lock();
        // read first: what is saved while they compile differs from this and is picked up next
        let files = source.files();
        let (good, faults) = self.compile(&source);
        if faults.is_empty() {
            self.go_live(source, good, files);
        }
        self.told(faults)
    }

    /// Reads the folder again and uses what is good of it. It compiles and renders, so call it off the I/O threads.
    ///
    /// # Errors
    /// What was refused; for those templates the last good ones stay.
    pub fn reload(&self) -> Result<(), Arc<TemplateFaults>> {
        let _one_at_a_time = self.lock();
        let source = self.live.load().source.clone();
        let files = source.files();
        let (good, faults) = self.compile(&source);
        self.go_live(source, good, files);
        self.told(faults)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.reloading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compile(&self, source: &TemplateSource) -> (Compiled, TemplateFaults) {
        let mut good = Compiled::new();
        let mut faults = TemplateFaults::default();
        for (key, compiled) in source.compile() {
            self.errors.with_label_values(&[&key.0]);
            match compiled {
                Ok(template) => drop(good.insert(key.clone(), Arc::new(template))),
                Err(found) => {
                    self.failed(&key.0);
                    faults.add(found);
                }
            }
        }
        (good, faults)
    }

    fn go_live(&self, source: TemplateSource, good: Compiled, files: Files) {
        let mut templates = self.live.load().templates.clone();
        templates.extend(good);
        self.live.store(Arc::new(Live { source, templates, files }));
    }

    fn told(&self, faults: TemplateFaults) -> Result<(), Arc<TemplateFaults>> {
        let faults = Arc::new(faults);
        self.refused.store(Arc::clone(&faults));
        faults.log();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The template of that name and format that is in use; `None` for one that nobody wanted.
    pub fn current(&self, name: &str, format: Format) -> Option<Arc<Template>> {
        self.live.load().templates.get(&(name.to_owned(), format)).cloned()
    }

    /// What the last reading of the folder refused.
    pub fn refused(&self) -> Arc<TemplateFaults> {
        self.refused.load_full()
    }

    /// The text of a piece as it was last read, else the built-in one.
    pub fn text(&self, name: &str, format: Format, piece: &Piece) -> String {
        let live = self.live.load();
        let given = live.files.get(name).and_then(|files| files.as_ref().ok()?.get(piece.name).cloned());
        let is_wanted = live.source.wanted.contains(&(name.to_owned(), format));
        given.filter(|_| is_wanted).unwrap_or_else(|| piece.built_in.to_owned())
    }

    /// What all templates share, as it was last read.
    pub fn setting(&self) -> Setting {
        let live = self.live.load();
        let partials = live.files.get(PARTIALS).and_then(|files| files.as_ref().ok().cloned());
        Setting { locale: live.source.settings.locale.clone(), partials: partials.unwrap_or_default() }
    }

    /// What `render` makes of the template in use. A failure is counted and logged; the caller then sends something
    /// plain.
    ///
    /// # Errors
    /// Why the template failed on this message.
    pub fn try_render<T>(
        &self,
        name: &str,
        format: Format,
        render: impl FnOnce(&Template) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let missing =
            || Fault { piece: name.to_owned(), place: None, what: "there is no such template".to_owned() };
        let rendered = self.current(name, format).ok_or_else(missing).and_then(|template| render(&template));
        if let Err(fault) = &rendered {
            self.failed(name);
            tracing::error!(template = name, %fault, "a template failed, the plain layout is sent");
        }
        rendered
    }

    fn failed(&self, name: &str) {
        self.errors.with_label_values(&[name]).inc();
    }
}

impl TemplateFaults {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, by template.
    pub fn iter(&self) -> impl Iterator<Item = &TemplateFault> {
        self.0.iter()
    }

    /// Adds what is not among them: a partial is read for every template that may include it.
    fn add(&mut self, found: Vec<TemplateFault>) {
        for fault in found {
            let words = fault.to_string();
            if self.0.iter().all(|known| known.to_string() != words) {
                self.0.push(fault);
            }
        }
    }

    fn log(&self) {
        for fault in self.iter() {
            tracing::error!(%fault, "a template is refused, the last good one stays in use");
        }
    }
}

impl fmt::Display for TemplateFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for TemplateFaults {}

fn errors(registry: &Registry) -> Result<IntCounterVec, prometheus::Error> {
    let options = Opts::new(
        "modelwatch_receiver_template_errors_total",
        "Templates refused when they were read, and messages for which a template failed and the plain layout was sent.",
    );
    let errors = IntCounterVec::new(options, &["template"])?;
    registry.register(Box::new(errors.clone()))?;
    Ok(errors)
}

#[cfg(test)]
mod tests;
