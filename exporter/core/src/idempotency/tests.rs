use super::*;
use crate::batch::Batch;
use crate::event::{Reason, Rejection};
use crate::state::{Setup, State};

const DAY: i64 = 86_400_000;
const WIDE: Bounds = Bounds { most: 1000, bytes: 1 << 20 };

fn once(key: &str, body: &str) -> Once {
    Once { key: Key::new("", key), fingerprint: Fingerprint::of(Format::Ndjson, body.as_bytes()) }
}

fn answer(accepted: u64) -> Answer {
    Answer { accepted, ..Answer::default() }
}

fn found(answers: &Answers, key: &str, now: i64) -> Option<u64> {
    answers.find(&once(key, "body"), Time(now)).map(|found| found.unwrap().accepted)
}

#[test]
fn an_answer_is_remembered_for_a_day_and_no_longer() {
    let mut answers = Answers::default();
    answers.remember(&once("a", "body"), answer(1), Time(0), WIDE);
    answers.remember(&once("b", "body"), answer(2), Time(1000), WIDE);
    assert_eq!((found(&answers, "a", DAY - 1), found(&answers, "b", DAY - 1)), (Some(1), Some(2)));
    assert_eq!(found(&answers, "a", DAY), None, "whether or not it was forgotten by then");
    answers.expire(Time(DAY));
    assert_eq!(answers.totals(), KeyTotals { remembered: 1, evicted: 0 });
    answers.expire(Time(DAY + 1000));
    assert_eq!(answers, Answers::default(), "nothing is left, not even a byte");
}

#[test]
fn another_body_is_told_from_the_same_one() {
    let mut answers = Answers::default();
    answers.remember(&once("a", "body"), answer(1), Time(0), WIDE);
    assert_eq!(answers.find(&once("a", "other"), Time(1)), Some(Err(OtherBody)));
    let as_json = Once { fingerprint: Fingerprint::of(Format::Json, b"body"), ..once("a", "body") };
    assert_eq!(answers.find(&as_json, Time(1)), Some(Err(OtherBody)));
    let of_another = Once { key: Key::new("serving", "a"), ..once("a", "other") };
    assert_eq!(answers.find(&of_another, Time(1)), None);
    assert_eq!(Key::from_text(of_another.key.as_str()), of_another.key);
}

#[test]
fn too_many_answers_push_out_the_oldest_and_are_counted() {
    let mut answers = Answers::default();
    for (at, key) in ["a", "b", "c"].into_iter().enumerate() {
        answers.remember(&once(key, "body"), answer(1), Time(at as i64), Bounds { most: 2, ..WIDE });
    }
    assert_eq!(["a", "b", "c"].map(|key| found(&answers, key, 10)), [None, Some(1), Some(1)]);
    assert_eq!(answers.totals(), KeyTotals { remembered: 2, evicted: 1 });
}

#[test]
fn answers_that_take_too_many_bytes_push_out_the_oldest() {
    let long = || {
        let errors = vec![LineError { line: 1, error: "x".repeat(900).into() }];
        Answer { errors, ..answer(1) }
    };
    let bounds = Bounds { most: 1000, bytes: 10_000 };
    let mut answers = Answers::default();
    for at in 0..100 {
        answers.remember(&once(&format!("k{at}"), "body"), long(), Time(at), bounds);
        assert!(answers.bytes <= bounds.bytes);
    }
    assert!(found(&answers, "k99", 100).is_some() && found(&answers, "k0", 100).is_none());
    assert!((5..10).contains(&answers.totals().remembered), "{:?}", answers.totals());
    let tiny = Bounds { most: 1000, bytes: 1 };
    answers.remember(&once("last", "body"), long(), Time(200), tiny);
    assert!(found(&answers, "last", 201).is_some(), "the newest one always stays");
}

#[test]
fn a_key_that_is_remembered_anew_after_its_day_stays_its_own_day() {
    let mut answers = Answers::default();
    answers.remember(&once("a", "body"), answer(1), Time(0), WIDE);
    answers.remember(&once("a", "body"), answer(2), Time(DAY), WIDE);
    answers.expire(Time(DAY + 1));
    assert_eq!(found(&answers, "a", DAY + 1), Some(2));
    answers.expire(Time(2 * DAY));
    assert_eq!(answers, Answers::default());
}

#[test]
fn an_answer_names_the_first_twenty_errors_and_cuts_what_they_quote() {
    let rejected = (1..=30).map(|line| (line, Rejection::new(Reason::InvalidField, "é".repeat(5000))));
    let outcome = Outcome { accepted: 1, duplicates: 0, rejected: rejected.collect() };
    let answer = Answer::from(&outcome);
    assert_eq!((answer.rejected, answer.errors.len(), answer.errors[19].line), (30, 20, 20));
    assert_eq!(answer.errors[0].error.chars().count(), 1001);
    assert!(answer.errors[0].error.ends_with("é…"));
}

#[test]
fn the_state_remembers_in_its_own_time_and_counting_again_gives_the_same_state() {
    let setup = Setup::new(Vec::new());
    let batch = Batch::parse(Format::Ndjson, b"no event\n", &setup.catalog).unwrap();
    let count = |state: &mut State| {
        let answers = [("a", 5000), ("b", 4000), ("c", DAY)].map(|(key, now)| {
            let once = once(key, "body");
            assert_eq!(state.answered(&once, Time(now)), None, "{key} is new");
            state.accept(&setup, &batch, Some(&once), Time(now))
        });
        assert_eq!((answers[0].accepted, answers[0].rejected), (0, 1));
        answers[0].clone()
    };
    let (mut state, mut again) = (State::new(&setup), State::new(&setup));
    let answer = count(&mut state);
    assert_eq!(state.answered(&once("a", "body"), Time(DAY)), Some(Ok(&answer)));
    assert_eq!(state.answered(&once("b", "body"), Time(0)), Some(Ok(&answer)), "a clock that was set back");
    assert_eq!(
        state.answered(&once("b", "body"), Time(DAY + 4999)),
        Some(Ok(&answer)),
        "time never ran back"
    );
    assert_eq!(state.answered(&once("b", "body"), Time(DAY + 5000)), None);
    count(&mut again);
    assert_eq!(state, again);
    assert_eq!(state.keys(), KeyTotals { remembered: 3, evicted: 0 });
}

#[test]
fn answers_are_forgotten_by_time_alone() {
    let setup = Setup::default();
    let mut state = State::new(&setup);
    state.accept(&setup, &Batch { lines: Vec::new() }, Some(&once("a", "body")), Time(0));
    assert_eq!(state.keys().remembered, 1);
    state.advance(&setup, Time(DAY));
    assert_eq!(state.keys(), KeyTotals { remembered: 0, evicted: 0 });
}
