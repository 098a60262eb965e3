use std::ffi::OsString;

use anyhow::Context as _;
use clap::Parser;

use super::*;
use crate::config::{Environment, Source};

#[derive(Debug, Parser)]
#[command(name = "modelwatch-x", version)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Serve,
}

fn read(line: &str) -> Result<Cli, clap::Error> {
    from("x.yaml", line.split(' ').map(OsString::from))
}

#[test]
fn flags_have_the_program_s_defaults() {
    let cli = read("modelwatch-x").unwrap();
    assert!(cli.command.is_none());
    assert_eq!(cli.common.config_file, PathBuf::from("x.yaml"));
    assert_eq!(cli.common.listen_address, None);
    assert_eq!((cli.common.log_level, cli.common.log_format), (Level::Info, Format::Logfmt));
}

#[test]
fn flags_may_stand_before_and_behind_the_command() {
    let cli = read(
        "modelwatch-x --log.format=json serve --config.file=a.toml --web.listen-address=:1 --log.level warn",
    );
    let cli = cli.unwrap();
    assert!(matches!(cli.command, Some(Command::Serve)));
    assert_eq!(cli.common.config_file, PathBuf::from("a.toml"));
    assert_eq!(cli.common.listen_address.as_deref(), Some(":1"));
    assert_eq!((cli.common.log_level, cli.common.log_format), (Level::Warn, Format::Json));
}

#[test]
fn wrong_flags_are_usage_errors_that_say_what_is_expected() {
    let table = [
        ("modelwatch-x --log.level=loud", "[possible values: error, warn, info, debug]"),
        ("modelwatch-x --log.format=xml", "[possible values: logfmt, json]"),
        ("modelwatch-x --config.fil=a", "--config.file"),
        ("modelwatch-x start", "unrecognized subcommand 'start'"),
    ];
    for (line, said) in table {
        let error = read(line).unwrap_err();
        assert!(error.use_stderr(), "{line}");
        assert!(error.to_string().contains(said), "{line}: {error}");
        assert_eq!(code(&error.into()), EXIT_USAGE, "{line}");
    }
}

#[test]
fn version_and_help_are_no_errors() {
    let version = read("modelwatch-x --version").unwrap_err();
    assert!(!version.use_stderr());
    assert_eq!(version.to_string(), concat!("modelwatch-x ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = read("modelwatch-x --help").unwrap_err();
    assert!(!help.use_stderr());
    assert!(help.to_string().contains("[default: x.yaml]"), "{help}");
}

#[test]
fn a_bad_configuration_ends_with_64_however_deep_it_is_and_anything_else_with_1() {
    let missing = Source::read("nowhere.yaml".as_ref(), "X", &Environment::default()).unwrap_err();
    let deep = Err::<(), _>(missing).context("while starting").context("serve").unwrap_err();
    assert_eq!(code(&deep), EXIT_USAGE);
    assert_eq!(code(&anyhow::anyhow!("the disk is full")), 1);
}

#[test]
fn an_error_is_one_sentence_that_says_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let unreadable = dir.path().join("x.yaml");
    std::fs::write(&unreadable, b"\xff").unwrap();
    let error = Source::read(&unreadable, "X", &Environment::default()).unwrap_err();
    let said =
        format!("cannot start: {}: cannot be read: stream did not contain valid UTF-8", unreadable.display());
    assert_eq!(sentence(&anyhow::Error::from(error).context("cannot start")), said);
    assert_eq!(sentence(&anyhow::anyhow!("disk full").context("journal")), "journal: disk full");
}
