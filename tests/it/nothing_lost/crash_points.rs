//! Killed at every point between a webhook and what is remembered of it.

use std::time::Duration;

use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::{Scene, came, send, stopped};
use crate::support::alerts::Alert;
use crate::support::history::{attempts, history, marked, quiet_at_last};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::slack::Accepted;
use crate::support::smtp::{MailServer, PASSWORD, USER};
use crate::support::wait::until;
use crate::support::{home, write};

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// What is to be found after a kill at one point.
struct Kill {
    point: &'static str,
    /// How many messages had come when it was killed.
    before: usize,
    /// How many there are in the end.
    after: usize,
    /// How many attempts are marked.
    marked: usize,
}

const KILLS: [Kill; 6] = [
    Kill { point: "BeforeCommit", before: 0, after: 1, marked: 0 },
    Kill { point: "Committed", before: 0, after: 1, marked: 0 },
    Kill { point: "BeforeClaim", before: 0, after: 1, marked: 0 },
    Kill { point: "Claimed", before: 0, after: 1, marked: 0 },
    Kill { point: "Begun", before: 0, after: 1, marked: 1 },
    Kill { point: "Answered", before: 1, after: 2, marked: 1 },
];

/// One notification, told so often, with so many marked attempts before the last, which delivered it.
fn assert_told(history: &[Value], accepted: &[Accepted], Kill { point, after, marked: wanted, .. }: &Kill) {
    assert_eq!(history.len(), 1, "{point}: one notification: {history:#?}");
    let attempts = attempts(&history[0]);
    assert_eq!(
        (attempts.len(), marked(&history[0]), attempts.last().map(String::as_str)),
        (wanted + 1, *wanted, Some("delivered")),
        "{point}: {attempts:?}"
    );
    assert_eq!(accepted.len(), *after, "{point}");
    let first = accepted[0].sections();
    assert!(accepted.iter().all(|copy| copy.sections() == first), "{point}: copies say the same");
}

#[tokio::test]
async fn a_kill_at_any_point_loses_nothing_and_doubles_only_what_is_marked() {
    for kill in KILLS {
        let mut scene = Scene::start(1).await;
        scene.receiver.crash_with(&[("MODELWATCH_STOP_AT", kill.point)]);
        scene.receiver.ready().await;
        let (url, alert) = (scene.receiver.url.clone(), Alert::firing("Drift", START));
        let alerts = [&alert];
        let (slack, receiver) = (&scene.slacks[0], &mut scene.receiver);
        // it sends until it is answered, before or after the kill
        let killing = async {
            stopped(receiver, kill.point).await;
            assert_eq!(slack.count(), kill.before, "{}", kill.point);
            receiver.crash();
            receiver.ready().await;
        };
        tokio::join!(send(&url, "g", &alerts), killing);
        came(scene.slack(), kill.after).await;
        let history = scene.settled().await;
        assert_told(&history, &scene.slack().accepted(), &kill);
    }
}

#[tokio::test]
async fn a_receiver_that_is_to_stop_ends_although_a_message_is_never_put_into_words() {
    let mut scene = Scene::start(1).await;
    scene.receiver.crash_with(&[("MODELWATCH_STOP_AT", "Rendering")]);
    scene.receiver.ready().await;
    scene.send("g", &Alert::firing("Drift", START)).await;
    stopped(&scene.receiver, "Rendering").await;
    scene.receiver.signal("TERM");
    assert_eq!(scene.receiver.exit_code().await, Some(0));
    let output = scene.receiver.output();
    assert!(output.contains("these tasks had not ended"), "{output}");
    scene.receiver.crash();
    scene.receiver.ready().await;
    let kill = Kill { point: "put into words", before: 0, after: 1, marked: 0 };
    assert_told(&scene.settled().await, &scene.slack().accepted(), &kill);
}

#[tokio::test]
async fn a_message_whose_answer_nobody_read_is_sent_again_and_marked() {
    let mut scene = Scene::start(1).await;
    scene.slack().answer_after(FOR_EVER);
    scene.send("g", &Alert::firing("Drift", START)).await;
    came(scene.slack(), 1).await;
    scene.slack().answer_after(Duration::ZERO);
    scene.receiver.crash();
    scene.receiver.ready().await;
    came(scene.slack(), 2).await;
    let kill = Kill { point: "written, no reply", before: 1, after: 2, marked: 1 };
    assert_told(&scene.settled().await, &scene.slack().accepted(), &kill);
}

#[tokio::test]
async fn destinations_that_were_told_before_a_kill_are_not_told_again() {
    let mut scene = Scene::start(3).await;
    scene.slacks[1].answer_after(FOR_EVER);
    scene.send("g", &Alert::firing("Drift", START)).await;
    came(&scene.slacks[1], 1).await;
    until("the others are told", async || {
        let history = history(&scene.receiver).await;
        let told = history.iter().filter(|one| one["status"] == "delivered").count();
        if told == 2 { Ok(()) } else { Err(json!(history).to_string()) }
    })
    .await;
    scene.slacks[1].answer_after(Duration::ZERO);
    scene.receiver.crash();
    scene.receiver.ready().await;
    let history = scene.settled().await;
    let counts: Vec<_> = scene.slacks.iter().map(crate::support::slack::Slack::count).collect();
    assert_eq!(counts, [1, 2, 1]);
    for one in &history {
        let wanted = if one["channel"] == "second" { 1 } else { 0 };
        assert_eq!((marked(one), &one["status"]), (wanted, &json!("delivered")), "{one:#}");
    }
}

/// A kill between the recipients of one mail; how many mails each of the two has in the end.
const MAIL_KILLS: [(&str, [usize; 2]); 4] =
    [("Begun", [1, 1]), ("RecipientAnswered", [2, 1]), ("RecipientNoted", [1, 1]), ("Answered", [1, 1])];

#[tokio::test]
async fn a_kill_between_recipients_doubles_at_most_the_mail_whose_answer_was_lost() {
    for (point, wanted) in MAIL_KILLS {
        let (server, home) = (MailServer::start().await, home());
        write(home.path(), "ca.pem", server.authority());
        write(home.path(), "password", PASSWORD);
        write(
            home.path(),
            "receiver.yaml",
            format!(
                "storage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [team]}}]\ndelivery: {{retry: {{initial: 100ms, max: 1s}}}}\nchannels: [{{name: team, type: email, from: alerts@mail.test, smtp: {{host: localhost, port: {}, ca_file: ca.pem, username: {USER}, password_file: password}}, to: [alice@mail.test, bob@mail.test]}}]\n",
                server.starttls
            ),
        );
        let mut receiver = Program::receiver(home.path()).await;
        receiver.crash_with(&[("MODELWATCH_STOP_AT", point)]);
        receiver.ready().await;
        send(&receiver.url, "g", &[&Alert::firing("Drift", START)]).await;
        stopped(&receiver, point).await;
        receiver.crash();
        receiver.ready().await;
        quiet_at_last(&receiver).await;
        let found = history(&receiver).await;
        assert_eq!((found.len(), &found[0]["status"], marked(&found[0])), (1, &json!("delivered"), 1));
        let id = format!("{}@mail.test", found[0]["id"].as_str().unwrap());
        for (person, count) in ["alice", "bob"].into_iter().zip(wanted) {
            for mail in server.wait_for(person, count).await {
                let parsed = MessageParser::default().parse(&mail).unwrap();
                assert_eq!(parsed.message_id(), Some(id.as_str()), "{point}: copies can be told from news");
            }
        }
    }
}
