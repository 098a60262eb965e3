use clap::Parser as _;

use super::*;
use crate::drill::Told;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    args: SendTestArgs,
}

fn parsed(flags: &[&str]) -> Result<SendTestArgs, clap::Error> {
    Line::try_parse_from([&["send-test"], flags].concat()).map(|line| line.args)
}

fn seen(json: serde_json::Value) -> Option<Answer> {
    Answer::of(serde_json::from_value(json).unwrap())
}

fn begun(channels: &[&str]) -> Begun {
    let told = |channel: &&str| Told { id: format!("id-{channel}"), channel: (*channel).to_owned() };
    Begun {
        labels: Labels::from([("alertname".to_owned(), "A\u{1b}[31m".to_owned())]),
        routes: vec![0, 2],
        heartbeat: None,
        notifications: channels.iter().map(told).collect(),
    }
}

#[test]
fn labels_are_taken_apart_at_the_first_sign() {
    let request = parsed(&["--route=a=b=c", "--route", "x=y"]).unwrap().request().unwrap();
    let wanted = [("a", "b=c"), ("x", "y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(request.labels, wanted.into());
    for wrong in ["a", "=b", "a=", ""] {
        assert!(parsed(&["--route", wrong]).unwrap_err().to_string().contains("LABEL=VALUE"), "{wrong}");
    }
}

#[test]
fn an_answer_is_the_last_result_and_there_is_none_before() {
    let pending = |attempts| serde_json::json!({"status": "pending", "suppressed": null, "problem": null, "next_attempt_at": "2026-01-01T00:00:00Z", "attempts": attempts});
    assert_eq!(seen(pending(serde_json::json!([]))), None);
    let under_way = serde_json::json!({"result": null, "reason": null, "detail": ""});
    assert_eq!(seen(pending(serde_json::json!([under_way]))), None);
    let failed = serde_json::json!({"result": "retryable", "reason": "connect", "detail": "no"});
    let Some(Answer::Retrying { reason, next_attempt_at, .. }) =
        seen(pending(serde_json::json!([failed, under_way])))
    else {
        panic!("an attempt that failed is an answer")
    };
    assert_eq!((reason.as_str(), next_attempt_at.is_some()), ("connect", true));
}

#[test]
fn an_end_that_only_the_attempt_shows_yet_is_no_failure() {
    let read_between = |result: &str| {
        seen(
            serde_json::json!({"status": "pending", "suppressed": null, "problem": null, "next_attempt_at": null,
            "attempts": [{"result": result, "reason": "timeout", "detail": "d"}]}),
        )
    };
    assert_eq!(read_between("delivered"), Some(Answer::Delivered { detail: "d".to_owned() }));
    assert!(matches!(read_between("permanent"), Some(Answer::Refused { .. })));
    assert_eq!(read_between("retryable"), None, "it may have been the last one");
}

#[test]
fn a_line_lines_up_and_steers_no_terminal() {
    let (mut out, begun) = (Vec::new(), begun(&["a", "longer"]));
    let mut printer = Printer::new(&mut out, false, &begun);
    printer.way(&begun).unwrap();
    let refused = Answer::Refused { reason: "not_found".to_owned(), detail: "404\u{1b}[31m".to_owned() };
    let answered = Destination { channel: "a".to_owned(), id: String::new(), answer: Some(refused) };
    printer.line(&answered, Span::seconds(30)).unwrap();
    printer.line(&Destination { answer: None, ..answered }, Span::seconds(30)).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(text.contains("goes by routes[0], routes[2] to a, longer\n"), "{text}");
    assert!(text.contains("\na       refused              not_found: 404"), "{text}");
    assert!(text.contains("\na       no answer yet        nothing came back within 30s"), "{text}");
}

#[test]
fn for_programs_every_destination_has_one_answer() {
    let (mut out, begun) = (Vec::new(), begun(&["a", "b"]));
    let mut printer = Printer::new(&mut out, true, &begun);
    let mut destinations: Vec<Destination> = begun.notifications.iter().map(Destination::waiting).collect();
    destinations[0].answer = Some(Answer::Delivered { detail: "200 ok".to_owned() });
    printer.way(&begun).unwrap();
    printer.end(&begun, &destinations).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["delivered"], false);
    assert_eq!(
        json["destinations"],
        serde_json::json!([
            {"channel": "a", "notification": "id-a", "answer": "delivered", "detail": "200 ok"},
            {"channel": "b", "notification": "id-b", "answer": "none"}
        ])
    );
    assert!(verdict(&begun, &destinations).unwrap_err().to_string().ends_with("did not reach b"));
}
