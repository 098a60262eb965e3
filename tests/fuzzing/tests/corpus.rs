//! The corpus of `fuzz/`, as it stands and changed a little in ways that are the same every time.

#![cfg(test)]

use std::path::{Path, PathBuf};

use modelwatch_fuzzing::Target;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A sentence about something refused repeats little of it, in a body of any length.
const LONGEST_SENTENCE: usize = 4_000;
/// What all of it may take in memory at once, in bytes; templates are tried on a thousand alerts.
const MOST_MEMORY: u64 = 400_000_000;
/// What is put into texts.
const TOKENS: [&[u8]; 20] = [
    b"null",
    b"{}",
    b"[]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\0",
    b"1e999",
    b"-1",
    b"99999999999999999999999",
    b"{{",
    b"}}",
    b"{{#each alerts}}",
    b"=~",
    b"(",
    b"${X}",
    b"\n",
    b"9999-12-31T23:59:59Z",
];

fn corpus(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target.name());
    let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("there is no {}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{} holds next to nothing", folder.display());
    files.into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

fn check(target: Target, bytes: &[u8]) {
    for sentence in target.read(bytes) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
        assert!(!sentence.trim().is_empty(), "{target:?} refuses without a word: {shown}");
        assert!(sentence.len() <= LONGEST_SENTENCE, "{target:?} says {} bytes about {shown}", sentence.len());
    }
}

/// A text with one change.
fn changed(text: &[u8], other: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut text = text.to_vec();
    let at = random.random_range(0..=text.len());
    let to = random.random_range(at..=text.len().min(at + 64));
    match random.random_range(0..6) {
        0 => text.truncate(at),
        1 => drop(text.drain(at..to)),
        2 => drop(text.splice(at..at, TOKENS[random.random_range(0..TOKENS.len())].iter().copied())),
        3 => drop(text.splice(at..to, TOKENS[random.random_range(0..TOKENS.len())].iter().copied())),
        4 => text.extend_from_slice(&other[random.random_range(0..=other.len())..]),
        _ => text.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.random_range(0..8)),
    }
    text
}

fn replay(target: Target, changes: usize) {
    let corpus = corpus(target);
    let mut random = StdRng::seed_from_u64(20_261_128);
    for (at, (file, text)) in corpus.iter().enumerate() {
        println!("{}", file.display());
        check(target, text);
        let other = &corpus[(at + 1) % corpus.len()].1;
        let mut now = text.clone();
        for number in 0..changes {
            // a few changes upon each other, then from the beginning
            now = changed(if number % 4 == 0 { text } else { &now }, other, &mut random);
            now.truncate(64 * 1024);
            check(target, &now);
        }
    }
    assert!(most_memory() < MOST_MEMORY, "{target:?} took {} bytes of memory", most_memory());
}

/// The most memory that this process had, as the kernel counts it.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn webhooks_are_read_or_refused_with_a_sentence() {
    replay(Target::Webhook, 400);
}

#[test]
fn events_are_read_or_refused_with_a_sentence() {
    replay(Target::Events, 400);
}

#[test]
fn configurations_are_read_or_refused_with_a_sentence() {
    replay(Target::Configuration, 60);
}

#[test]
fn templates_are_compiled_or_refused_with_a_sentence() {
    replay(Target::Template, 4);
}

#[test]
fn matchers_are_read_or_refused_with_a_sentence() {
    replay(Target::Matchers, 1_000);
}

#[test]
fn what_is_nested_or_repeated_without_end_is_refused_and_takes_no_memory() {
    const MANY: usize = 200_000;
    for unit in ["[", "{\"a\":", "\"\\", "{{#if a}}", "{{", "- ", "a: {", "(", "a=~\"(", "{a=\"b\",", "\u{0}"]
    {
        let deep = unit.repeat(MANY / unit.len());
        for body in [deep.clone(), format!("{{\"version\":\"4\",\"alerts\":{deep}")] {
            for target in [Target::Webhook, Target::Events, Target::Matchers] {
                check(target, body.as_bytes());
            }
        }
    }
    assert!(most_memory() < MOST_MEMORY, "{} bytes of memory", most_memory());
}

#[test]
fn what_alertmanager_and_grafana_send_is_taken() {
    for (file, text) in corpus(Target::Webhook) {
        let is_taken = Target::Webhook.read(&text).is_empty();
        let should_be = file.file_name().unwrap().to_string_lossy().starts_with("taken_");
        assert_eq!(is_taken, should_be, "{}: {:?}", file.display(), Target::Webhook.read(&text));
    }
}
