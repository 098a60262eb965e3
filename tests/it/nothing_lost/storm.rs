//! A thousand groups at once to one channel that takes few messages a second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::send;
use crate::support::alerts::Alert;
use crate::support::history::{history, quiet_at_last};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::slack::{Accepted, Fault, Slack};
use crate::support::{home, write};

const GROUPS: usize = 1_000;
/// Who sends webhooks at once.
const SENDERS: usize = 16;
/// How long the channel asks for a pause when the first message comes, in seconds.
const PAUSE: u64 = 5;
/// Messages that may be on their way when it does.
const WORKERS: usize = 8;
/// What the receiver is told to keep: Slack's second, a hundredth as long.
const RATE: usize = 100;
/// What the channel takes; that of the receiver's messages some arrive closer than they were sent is not the receiver's fault.
const TAKEN: usize = 120;

/// What a group comes to while its first message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Same,
    OneMore,
    Over,
}

fn course(number: usize) -> Course {
    [Course::Same, Course::OneMore, Course::Over][number % 3]
}

fn alert(number: usize, instance: &str) -> Alert {
    Alert::firing("Storm", START)
        .with("number", &number.to_string())
        .with("instance", instance)
        .saying(&format!("(group {number})"))
}

/// Sends what `of` says of every group, several at once.
async fn send_all(url: &str, of: fn(usize) -> Vec<Alert>) {
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let url = url.to_owned();
        senders.spawn(async move {
            for number in (sender..GROUPS).step_by(SENDERS) {
                let alerts = of(number);
                if !alerts.is_empty() {
                    send(&url, &format!("g{number}"), &alerts.iter().collect::<Vec<_>>()).await;
                }
            }
        });
    }
    senders.join_all().await;
}

fn first(number: usize) -> Vec<Alert> {
    vec![alert(number, "a")]
}

fn then(number: usize) -> Vec<Alert> {
    match course(number) {
        Course::Same => Vec::new(),
        Course::OneMore => vec![alert(number, "a"), alert(number, "b")],
        Course::Over => vec![alert(number, "a").resolved(START + 60)],
    }
}

/// The group that a message is about.
fn group(message: &Accepted) -> usize {
    let text = message.text();
    let number = text.split("(group ").nth(1).and_then(|rest| rest.split(')').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no group in {text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_is_told_at_the_pace_of_its_channel_and_ends_in_the_newest_state() {
    let (slack, home) = (Slack::start().await, home());
    slack.limit_to(TAKEN);
    slack.fail_next(Fault::RetryAfter(429, PAUSE));
    let yaml = format!(
        "storage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{}\", rate: {RATE}/s}}]\ndedupe: {{flap: {{changes: 0}}}}\ndelivery: {{workers: {WORKERS}, retry: {{initial: 100ms, max: 1s}}}}\n",
        slack.webhook_url
    );
    write(home.path(), "receiver.yaml", yaml);
    let receiver = Program::receiver(home.path()).await;
    let began = Instant::now();
    send_all(&receiver.url, first).await;
    let told_before = slack.count();
    send_all(&receiver.url, then).await;
    let sent = began.elapsed();
    quiet_at_last(&receiver).await;
    println!(
        "{GROUPS} groups sent in {sent:?}, at rest after {:?}: {} messages, {told_before} of them before the updates",
        began.elapsed(),
        slack.count()
    );
    assert_eq!(slack.refused(), [""; 0], "the rate is kept");
    let messages = slack.accepted();
    let asked = slack.asked_to_wait();
    assert_eq!(asked.len(), 1, "asked to wait once");
    let in_the_pause =
        messages.iter().filter(|one| one.at > asked[0] && one.at < asked[0] + Duration::from_secs(PAUSE));
    let in_the_pause = in_the_pause.count();
    assert!(in_the_pause < WORKERS, "{in_the_pause} came in the pause; only what was on its way may");
    let mut last: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for message in &messages {
        last.entry(group(message)).or_default().push(message.title());
    }
    let history = history(&receiver).await;
    let unheard = history.iter().filter(|one| one["suppressed"] == "never_told").count();
    let untold = (0..GROUPS).filter(|number| !last.contains_key(number));
    let untold = untold.inspect(|number| assert_eq!(course(*number), Course::Over, "group {number}")).count();
    assert_eq!(untold, unheard, "only what was over before anybody heard of it is not told at all");
    for (number, titles) in last {
        let wanted = match course(number) {
            Course::Same => "[FIRING:1] Storm",
            Course::OneMore => "[FIRING:2] Storm",
            Course::Over => "[RESOLVED:1] Storm",
        };
        assert_eq!(titles.last().map(String::as_str), Some(wanted), "group {number}: {titles:?}");
    }
    let superseded = history.iter().filter(|one| one["suppressed"] == "superseded").count();
    assert_eq!(messages.len() + superseded + unheard, history.len(), "what was not told was superseded");
    assert!(
        messages.len() <= GROUPS + told_before + in_the_pause,
        "what waits is told once, in its newest state"
    );
}
