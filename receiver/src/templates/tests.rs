use std::path::Path;
use std::time::{Duration, Instant};

use modelwatch_common::shutdown::Tasks;
use modelwatch_receiver_core::template::{samples, view};
use tempfile::TempDir;

use super::*;

fn source(folder: &Path, name: &str) -> TemplateSource {
    let wanted = [(name.to_owned(), Format::Slack)].into();
    TemplateSource { settings: in_folder(folder), wanted }
}

fn in_folder(folder: &Path) -> Settings {
    Settings { folder: Some(folder.to_owned()), ..Settings::default() }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        write(&folder, file, text);
    }
    folder
}

fn write(folder: &TempDir, file: &str, text: &str) {
    let path = folder.path().join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn load(folder: &TempDir) -> (Templates, Registry) {
    let registry = Registry::new();
    (Templates::load(source(folder.path(), "slack"), &registry).unwrap(), registry)
}

fn title(templates: &Templates) -> String {
    let template = templates.current("slack", Format::Slack).unwrap();
    template.render("title", &view::message(&samples::firing()).into()).unwrap()
}

fn errors(registry: &Registry) -> u64 {
    let family = &registry.gather()[0];
    assert_eq!(family.name(), "modelwatch_receiver_template_errors_total");
    family.get_metric()[0].get_counter().get_value().round() as u64
}

#[test]
fn a_file_replaces_the_built_in_piece_and_leaves_the_others() {
    let folder = folder(&[
        ("slack/title.hbs", "mine: {{subject}}"),
        ("slack/title.hbs~", "{{#if"),
        ("slack/.x.hbs", "{{#if"),
    ]);
    let (templates, registry) = load(&folder);
    assert_eq!(title(&templates), "mine: FeatureDriftSevere");
    let summary = templates
        .current("slack", Format::Slack)
        .unwrap()
        .render("summary", &view::message(&samples::firing()).into())
        .unwrap();
    assert!(summary.contains("A feature of employment"), "{summary}");
    assert_eq!(errors(&registry), 0, "the series is there from the start");
}

#[test]
fn a_broken_edit_leaves_the_last_good_template_in_use() {
    let folder = folder(&[("slack/title.hbs", "first {{subject}}")]);
    let (templates, registry) = load(&folder);
    write(&folder, "slack/title.hbs", "second\n{{#if}}");
    let refused = templates.reload().unwrap_err().to_string();
    let path = folder.path().join("slack/title.hbs");
    assert!(refused.starts_with(&format!("{}:2:", path.display())), "{refused}");
    assert_eq!(title(&templates), "first FeatureDriftSevere");
    assert_eq!((errors(&registry), templates.refused().iter().count()), (1, 1));
    write(&folder, "slack/title.hbs", "third {{subject}}");
    templates.reload().unwrap();
    assert_eq!(title(&templates), "third FeatureDriftSevere");
    assert!(templates.refused().is_empty());
}

#[test]
fn a_template_that_is_broken_at_the_start_is_served_by_the_built_in() {
    let (templates, registry) = load(&folder(&[("slack/title.hbs", "{{nothing}}")]));
    assert_eq!(title(&templates), "[FIRING:1][DEV] FeatureDriftSevere");
    assert_eq!(errors(&registry), 1);
    assert!(!templates.refused().is_empty());
}

#[test]
fn a_folder_without_templates_or_no_folder_serves_the_built_in() {
    assert_eq!(title(&load(&folder(&[])).0), "[FIRING:1][DEV] FeatureDriftSevere");
    TemplateSource::new(Settings::default(), []).check().unwrap();
    let gone = folder(&[]).path().to_owned();
    TemplateSource::new(in_folder(&gone), []).check().unwrap();
}

#[test]
fn a_template_of_its_own_name_is_found_in_its_folder() {
    let folder = folder(&[("short/summary.hbs", "{{title}}")]);
    source(folder.path(), "short").check().unwrap();
    let missing = source(folder.path(), "long").check().unwrap_err();
    assert!(missing.to_string().starts_with("there is no template `long`: make the folder"), "{missing}");
    let nowhere = TemplateSource { settings: Settings::default(), ..source(folder.path(), "short") }
        .check()
        .unwrap_err();
    assert_eq!(nowhere.to_string(), "there is no template `short`: templates.path is not set");
}

#[test]
fn a_source_with_a_fault_is_not_adopted() {
    let folder = folder(&[("slack/title.hbs", "first {{subject}}"), ("short/title.hbs", "{{#if")]);
    let (templates, _) = load(&folder);
    templates.adopt(source(folder.path(), "short")).unwrap_err();
    write(&folder, "slack/title.hbs", "second {{subject}}");
    templates.reload().unwrap();
    assert_eq!(title(&templates), "second FeatureDriftSevere");
}

#[test]
fn a_source_with_a_fault_changes_nothing_of_what_is_in_use() {
    let folder = folder(&[("slack/title.hbs", "first {{subject}}"), ("short/title.hbs", "{{#if")]);
    let (templates, _) = load(&folder);
    write(&folder, "slack/title.hbs", "second {{subject}}");
    let both = TemplateSource {
        settings: in_folder(folder.path()),
        wanted: ["slack", "short"].map(|name| (name.to_owned(), Format::Slack)).into(),
    };
    templates.adopt(both.clone()).unwrap_err();
    assert_eq!(title(&templates), "first FeatureDriftSevere");
    write(&folder, "short/title.hbs", "short");
    templates.adopt(both).unwrap();
    assert_eq!(title(&templates), "second FeatureDriftSevere");
}

#[test]
fn one_name_in_two_formats_is_two_templates() {
    let wanted = [("slack".to_owned(), Format::Slack), ("slack".to_owned(), Format::Log)].into();
    let source = TemplateSource { settings: Settings::default(), wanted };
    let templates = Templates::load(source.clone(), &Registry::new()).unwrap();
    assert_eq!(title(&templates), "[FIRING:1][DEV] FeatureDriftSevere");
    let line = templates.current("slack", Format::Log).unwrap();
    line.render("line", &view::message(&samples::firing()).into()).unwrap();
    let faults = source.check().unwrap_err().to_string();
    assert_eq!(faults, "there is no template `slack`: templates.path is not set");
}

#[test]
fn every_fault_of_every_template_is_named() {
    let folder = folder(&[
        ("slack/title.hbs", "{{#if"),
        ("slack/text.hbs", "{{nothing}}"),
        ("log/line.hbs", "{{/if}}"),
    ]);
    let faults = TemplateSource::new(in_folder(folder.path()), []).check().unwrap_err().to_string();
    assert_eq!(faults.lines().count(), 3, "{faults}");
}

#[test]
fn what_is_no_text_is_named() {
    let folder = folder(&[]);
    std::fs::create_dir_all(folder.path().join("slack/title.hbs")).unwrap();
    let faults = source(folder.path(), "slack").check().unwrap_err().to_string();
    assert!(faults.starts_with("cannot read ") && faults.contains("title.hbs"), "{faults}");
}

#[test]
fn a_failure_on_real_data_is_counted() {
    let (templates, registry) = load(&folder(&[]));
    let failed = templates.try_render("slack", Format::Slack, |template| {
        template.render("nowhere", &serde_json::json!({}).into())
    });
    failed.unwrap_err();
    assert_eq!(errors(&registry), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_picked_up_while_running() {
    let folder = folder(&[("slack/title.hbs", "first {{subject}}")]);
    let templates = Arc::new(load(&folder).0);
    let tasks = watched(&templates);
    write(&folder, "slack/title.hbs", "second {{subject}}");
    until_title(&templates, "second FeatureDriftSevere").await;
    tasks.drain(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_come_late_and_it_and_those_in_it_may_be_replaced() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    let folder = at("templates");
    let templates = Arc::new(Templates::load(source(&folder, "slack"), &Registry::new()).unwrap());
    let tasks = watched(&templates);
    write(&parent, "templates/slack/title.hbs", "late");
    until_title(&templates, "late").await;
    write(&parent, "other/slack/title.hbs", "renamed over");
    std::fs::rename(&folder, at("old")).unwrap();
    std::fs::rename(at("other"), &folder).unwrap();
    until_title(&templates, "renamed over").await;
    std::fs::remove_dir_all(folder.join("slack")).unwrap();
    until_title(&templates, "[FIRING:1][DEV] FeatureDriftSevere").await;
    write(&parent, "templates/slack/title.hbs", "made again");
    until_title(&templates, "made again").await;
    tasks.drain(Duration::from_secs(5)).await.unwrap();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_be_moved_to_another_release() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    write(&parent, "first/slack/title.hbs", "first");
    write(&parent, "second/slack/title.hbs", "other");
    std::os::unix::fs::symlink("first", at("templates")).unwrap();
    let source = source(&at("templates"), "slack");
    let templates = Arc::new(Templates::load(source, &Registry::new()).unwrap());
    let tasks = watched(&templates);
    std::os::unix::fs::symlink("second", at("next")).unwrap();
    std::fs::rename(at("next"), at("templates")).unwrap();
    until_title(&templates, "other").await;
    tasks.drain(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_that_a_reload_names_is_watched_from_then_on() {
    let (first, second) = (folder(&[]), folder(&[("slack/title.hbs", "first")]));
    let templates = Arc::new(load(&first).0);
    let tasks = watched(&templates);
    templates.adopt(source(second.path(), "slack")).unwrap();
    write(&second, "slack/title.hbs", "second");
    until_title(&templates, "second").await;
    tasks.drain(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_read_again_and_refused_once() {
    let folder = folder(&[("slack/title.hbs", "{{#if")]);
    let (templates, registry) = load(&folder);
    let templates = Arc::new(templates);
    let tasks = watched(&templates);
    assert_eq!(errors(&registry), 1);
    write(&folder, "slack/summary.hbs", "{{#if");
    let deadline = Instant::now() + Duration::from_secs(20);
    while templates.refused().iter().count() < 2 {
        assert!(Instant::now() < deadline, "the second fault was not seen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(errors(&registry), 2, "one for each time the template was refused");
    tasks.drain(Duration::from_secs(5)).await.unwrap();
}

fn watched(templates: &Arc<Templates>) -> Tasks {
    let tasks = Tasks::new();
    tasks.spawn("templates", Arc::clone(templates).watch(tasks.shutdown()));
    tasks
}

async fn until_title(templates: &Templates, wanted: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while title(templates) != wanted {
        assert!(Instant::now() < deadline, "the title is {} and not {wanted}", title(templates));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn every_built_in_template_says_what_flaps_and_what_has_calmed_down() {
    let wanted = [("slack", Format::Slack), ("email", Format::Email), ("log", Format::Log)]
        .map(|(n, f)| (n.to_owned(), f));
    let source = TemplateSource { settings: Settings::default(), wanted: wanted.into() };
    let templates = Templates::load(source, &Registry::new()).unwrap();
    let data = view::message(&samples::flapping()).into();
    for (name, format, piece) in [
        ("slack", Format::Slack, "summary"),
        ("email", Format::Email, "text"),
        ("email", Format::Email, "html"),
        ("log", Format::Log, "line"),
    ] {
        let text = templates.current(name, format).unwrap().render(piece, &data).unwrap();
        for words in ["began or ended 6 times since", "has calmed down: it began or ended 14 times since"] {
            assert!(text.contains(words), "{name} {piece}: {text}");
        }
    }
    assert!(samples::flapping().title().starts_with("[FIRING:1][FLAPPING]"));
}
