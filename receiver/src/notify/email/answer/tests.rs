use super::*;

fn refused(step: Step, code: u16, words: &str) -> Outcome {
    Failure::Refused { code, words: words.to_owned() }.outcome(step, &Hidden::default())
}

#[test]
fn every_code_means_what_the_standard_says_at_its_step() {
    let table = [
        (Step::Greeting, 554, "no", Reason::Rejected, false),
        (Step::Greeting, 421, "busy", Reason::ServerError, true),
        (Step::StartTls, 454, "not now", Reason::Tls, true),
        (Step::StartTls, 502, "unknown", Reason::Tls, true),
        (Step::Login, 535, "5.7.8 no", Reason::Auth, false),
        (Step::Login, 454, "4.7.0 later", Reason::Auth, true),
        (Step::Login, 451, "later", Reason::Auth, true),
        (Step::Login, 504, "unknown", Reason::Auth, false),
        (Step::Sender, 530, "5.7.0 log in first", Reason::Auth, false),
        (Step::Sender, 550, "go away", Reason::Rejected, false),
        (Step::Sender, 552, "too big", Reason::TooLarge, false),
        (Step::Sender, 501, "syntax", Reason::Protocol, false),
        (Step::Recipient, 450, "greylisted", Reason::RateLimited, true),
        (Step::Recipient, 451, "broken", Reason::ServerError, true),
        (Step::Recipient, 454, "4.7.1 relay access denied", Reason::ServerError, true),
        (Step::Recipient, 452, "too many", Reason::RateLimited, true),
        (Step::Recipient, 552, "too many", Reason::RateLimited, true),
        (Step::Recipient, 550, "5.1.1 no such user", Reason::NotFound, false),
        (Step::Recipient, 550, "no such user", Reason::NotFound, false),
        (Step::Recipient, 550, "5.7.1 relaying denied", Reason::Rejected, false),
        (Step::Recipient, 554, "blocked", Reason::Rejected, false),
        (Step::Recipient, 421, "closing", Reason::ServerError, true),
        (Step::Data, 554, "no valid recipients", Reason::Rejected, false),
        (Step::Content, 552, "too big", Reason::TooLarge, false),
        (Step::Content, 554, "5.3.4 too big", Reason::TooLarge, false),
        (Step::Content, 550, "spam", Reason::Rejected, false),
        (Step::Content, 451, "disk", Reason::ServerError, true),
    ];
    for (step, code, words, reason, retryable) in table {
        let outcome = refused(step, code, words);
        let found = matches!(outcome, Outcome::Retryable { ambiguous: false, .. });
        assert_eq!((outcome.reason(), found), (Some(reason), retryable), "{step:?} {code} {words}");
    }
}

#[test]
fn what_is_lost_within_the_mail_is_ambiguous_and_nothing_else_is() {
    for step in [Step::Greeting, Step::StartTls, Step::Login, Step::Sender, Step::Recipient, Step::Data] {
        assert!(!Failure::timed_out().outcome(step, &Hidden::default()).is_ambiguous(), "{step:?}");
    }
    assert!(Failure::timed_out().outcome(Step::Content, &Hidden::default()).is_ambiguous());
}

#[test]
fn words_are_one_line_that_is_not_long() {
    let detail = refused(Step::Recipient, 550, &format!("5.1.1 no\r\nsuch\u{7} {}", "user ".repeat(100)));
    assert!(detail.detail().starts_with("550 5.1.1 no such user user"), "{detail:?}");
    assert!(detail.detail().chars().count() <= MAX_WORDS + 4 && !detail.detail().contains('\n'));
}

#[test]
fn words_that_repeat_the_password_in_any_form_are_not_shown() {
    let login = Login { username: "ops".to_owned(), password: Secret::new("hunter2") };
    let hidden = Hidden::of(&login);
    for told in ["hunter2", "aHVudGVyMg==", "AG9wcwBodW50ZXIy"] {
        let failure = Failure::Refused { code: 500, words: format!("unknown: {told}") };
        let outcome = failure.outcome(Step::Sender, &hidden);
        assert_eq!(outcome.detail(), "500 (its words are not shown, they repeat a secret)");
        assert_eq!(failure.outcome(Step::Login, &hidden).detail(), "500 at the login");
    }
}
