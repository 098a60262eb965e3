//! Programs that are started wrongly say so in words, and with the exit code of the contract.
//!
//! What they say is kept in `golden/`; a table beside it holds what every text has to name, whatever its words.

use std::path::Path;

use crate::support::golden;
use crate::support::program::{EXPORTER, RECEIVER, run};
use crate::support::{home, loans, write};

use super::{
    asking_cases, calling_cases, exporter_cases, receiver_cases, requests, slack_cases, storage_and_port,
    template_cases, web_cases, webhook_cases,
};

/// One way to start a program.
pub(super) struct Case {
    /// What it is about; also the name of its golden file.
    pub(super) name: &'static str,
    /// What there is besides `reference.csv`.
    pub(super) files: &'static [(&'static str, Content)],
    /// The command line.
    pub(super) arguments: &'static [&'static str],
    /// The environment.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// The exit code.
    pub(super) code: i32,
    /// What the text has to name.
    pub(super) names: &'static [&'static str],
}

/// What is under a file's name.
pub(super) enum Content {
    /// A file with this text.
    Text(&'static str),
    /// A file with these bytes.
    Bytes(&'static [u8]),
    /// A folder.
    Folder,
    /// A link to itself, which nobody can read, whatever they are allowed.
    Loop,
}

impl Case {
    /// `check-config`, which finds something that the text has to name.
    pub(super) const fn fault(
        name: &'static str,
        files: &'static [(&'static str, Content)],
        names: &'static [&'static str],
    ) -> Case {
        Case { name, files, arguments: &["check-config"], variables: &[], code: 64, names }
    }

    /// A command line that ends with 64.
    pub(super) const fn usage(
        name: &'static str,
        arguments: &'static [&'static str],
        names: &'static [&'static str],
    ) -> Case {
        Case { name, files: &[], arguments, variables: &[], code: 64, names }
    }
}

impl Content {
    fn put(&self, home: &Path, name: &str) {
        match self {
            Content::Text(text) => write(home, name, text),
            Content::Bytes(bytes) => write(home, name, bytes),
            Content::Folder => std::fs::create_dir_all(home.join(name)).unwrap(),
            Content::Loop => std::os::unix::fs::symlink(name, home.join(name)).unwrap(),
        }
    }
}

#[test]
fn a_wrong_start_of_the_exporter_says_what_is_wrong_and_ends_with_the_right_code() {
    check(EXPORTER, exporter_cases::CASES);
}

#[test]
fn a_wrong_start_of_the_receiver_says_what_is_wrong_and_ends_with_the_right_code() {
    check(RECEIVER, receiver_cases::CASES);
    check(RECEIVER, calling_cases::CASES);
    check(RECEIVER, asking_cases::CASES);
    check(RECEIVER, webhook_cases::CASES);
    check(RECEIVER, slack_cases::CASES);
}

#[test]
fn a_template_that_cannot_be_used_is_named_by_file_and_place() {
    check(RECEIVER, template_cases::CASES);
}

#[test]
fn certificates_tokens_and_users_that_cannot_be_used_are_named_without_what_they_hold() {
    check(RECEIVER, web_cases::CASES);
}

#[test]
fn every_golden_file_is_needed() {
    golden::assert_no_other_group(&[&[EXPORTER, RECEIVER, "recipes"], requests::GROUPS.as_slice()].concat());
    golden::assert_no_other(EXPORTER, names(exporter_cases::CASES).chain(storage_and_port::NAMES));
    let of_receiver = [
        receiver_cases::CASES,
        calling_cases::CASES,
        asking_cases::CASES,
        slack_cases::CASES,
        template_cases::CASES,
        web_cases::CASES,
        webhook_cases::CASES,
    ]
    .into_iter()
    .flat_map(names);
    golden::assert_no_other(RECEIVER, of_receiver.chain(storage_and_port::NAMES));
}

#[test]
#[ignore = "rewrites the golden files with what the programs say now"]
fn rewrite_golden_files() {
    let tables = [
        (EXPORTER, exporter_cases::CASES),
        (RECEIVER, receiver_cases::CASES),
        (RECEIVER, calling_cases::CASES),
        (RECEIVER, asking_cases::CASES),
        (RECEIVER, slack_cases::CASES),
        (RECEIVER, template_cases::CASES),
        (RECEIVER, web_cases::CASES),
        (RECEIVER, webhook_cases::CASES),
    ];
    for (program, cases) in tables {
        cases.iter().for_each(|case| golden::rewrite(program, case.name, &transcript(program, case).0));
    }
}

fn names(cases: &'static [Case]) -> impl Iterator<Item = &'static str> {
    cases.iter().map(|case| case.name)
}

fn check(program: &str, cases: &[Case]) {
    for case in cases {
        let (transcript, code) = transcript(program, case);
        assert_eq!(code, Some(case.code), "{}: {transcript}", case.name);
        assert!(!transcript.contains("hunter2"), "{} shows a secret: {transcript}", case.name);
        let is_fault = case.arguments == ["check-config"] && case.code == 64;
        let says =
            |line: &str| line.starts_with(['$', '-']) || line.contains(".yaml: ") || line.contains("__");
        assert!(!is_fault || transcript.lines().all(says), "{}: one line a fault: {transcript}", case.name);
        for name in case.names {
            assert!(transcript.contains(name), "{} has to name {name}: {transcript}", case.name);
        }
        golden::assert_golden(program, case.name, &transcript);
    }
}

/// The command line, the exit code and all that was said.
fn transcript(program: &str, case: &Case) -> (String, Option<i32>) {
    let home = home();
    write(home.path(), "reference.csv", loans::reference());
    case.files.iter().for_each(|(name, content)| content.put(home.path(), name));
    let said = run(program, home.path(), case.arguments, case.variables);
    let variables: String = case.variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    let mut text = format!("$ {variables}{program} {}\n", case.arguments.join(" "));
    for (stream, content) in [("stdout", said.out), ("stderr", said.err)] {
        if !content.is_empty() {
            text += &format!("--- {stream}\n{content}");
        }
    }
    text += &format!("--- exit {}\n", said.code.map_or("by a signal".to_owned(), |code| code.to_string()));
    (text, said.code)
}
