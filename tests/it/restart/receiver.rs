//! The receiver: what was answered 200 is told, and told twice only where history says that it may have been.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};

use super::{KILLS, kill_often};
use crate::support::alerts::{Alert, webhook};
use crate::support::http::{JSON, attempt, client};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::random::random;
use crate::support::slack::{Accepted, Slack};
use crate::support::wait::{pause, until};
use crate::support::{home, write};

/// Groups that wait until people were told before they go on, so that nothing takes the place of a message.
const PATIENT: usize = 18;
/// Groups that do not.
const HASTY: usize = 6;
/// How long Slack takes, so that kills meet messages on their way.
const LATENCY: Duration = Duration::from_millis(10);
/// What Alertmanager lets pass before it sends the same again, shortened.
const BREATH: Duration = Duration::from_millis(50);

/// What is said of one round of one group.
type Transition = (String, &'static str);

/// Alertmanager, for one group.
#[derive(Clone)]
struct Group {
    name: String,
    webhook: String,
    slack: Rc<Slack>,
}

impl Group {
    /// Sends the same bytes until they are answered 200, as Alertmanager does; no answer but 5xx makes it.
    async fn send(&self, alerts: &[Alert]) {
        let (client, body) = (client(), webhook(&self.name, alerts).to_string());
        loop {
            let request = client.post(&self.webhook).header("content-type", JSON).body(body.clone());
            match attempt(request).await {
                Ok(answer) if answer.status == 200 => return,
                Ok(answer) => assert!(answer.status >= 500, "{}: {}", answer.status, answer.body),
                Err(_) => {}
            }
            pause(BREATH).await;
        }
    }

    /// Waits until people were told, in a message that came after the first so many.
    async fn wait_until_told(&self, wanted: Transition, before: usize) {
        until(&format!("{wanted:?} is told"), async || {
            let messages = self.slack.accepted_after(before);
            let is_told = messages.iter().any(|message| transitions_in(message).contains(&wanted));
            if is_told { Ok(()) } else { Err(format!("{} other messages came", messages.len())) }
        })
        .await;
    }

    /// Two alerts that fire and end, again and again, until the end; says how many rounds there were.
    async fn live(self, end: Rc<Cell<bool>>, is_patient: bool) -> (String, usize) {
        let mut round = 0;
        while !end.get() {
            let name = round_name(&self.name, round);
            let starts_at = START + 1_000 * round as i64;
            let firing = ["a", "b"].map(|instance| {
                Alert::firing("Load", starts_at)
                    .with("group", &self.name)
                    .with("instance", instance)
                    .saying(&name)
            });
            let resolved = [0, 1].map(|at: usize| firing[at].resolved(starts_at + 500));
            for (alerts, status) in [(&firing, "firing"), (&resolved, "resolved")] {
                let before = self.slack.count();
                self.send(alerts).await;
                if is_patient {
                    self.wait_until_told((name.clone(), status), before).await;
                }
            }
            round += 1;
        }
        (self.name, round)
    }
}

fn round_name(group: &str, round: usize) -> String {
    format!("({group}, round {round})")
}

/// What Slack was told of each round of the patient groups, and how often. Messages about others may hold many rounds.
fn told(slack: &Slack) -> BTreeMap<Transition, usize> {
    let mut told = BTreeMap::new();
    for message in slack.accepted().into_iter().filter(|message| is_about_patient(&message.text())) {
        for transition in transitions_in(&message) {
            *told.entry(transition).or_default() += 1;
        }
    }
    told
}

/// What a message says of rounds. It is about one, unless an answer of Slack's was lost: then the next message says both.
fn transitions_in(message: &Accepted) -> BTreeSet<Transition> {
    let title = message.title();
    let by_title = if title.starts_with("[FIRING:") { Some("firing") } else { Some("resolved") };
    let mut found = BTreeSet::new();
    for section in message.sections() {
        let Some(start) = section.find("(group ") else { continue };
        let end = start + section[start..].find(')').expect("the summary says the round") + 1;
        let said = |change: &str| section.contains(&format!(" *{change}"));
        let status = match (said("new*"), said("resolved*"), said("still")) {
            (true, _, _) => Some("firing"),
            (_, true, _) => Some("resolved"),
            (_, _, true) => None,
            _ => by_title,
        };
        found.extend(status.map(|status| (section[start..end].to_owned(), status)));
    }
    found
}

/// Everything that the history holds, oldest last.
async fn history(receiver: &Program) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = receiver.get(&format!("/api/v1/notifications?limit=200{cursor}")).await.json();
        all.extend(page["notifications"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// The rounds that a notification of the history is about.
fn transitions(notification: &Value) -> Vec<Transition> {
    let alerts = notification["alerts"].as_array().unwrap();
    let of_alert = |alert: &Value| {
        let status = if alert["status"] == "firing" { "firing" } else { "resolved" };
        (alert["annotations"]["summary"].as_str().unwrap().to_owned(), status)
    };
    let mut found: Vec<_> = alerts.iter().map(of_alert).collect();
    found.dedup();
    found
}

/// How many attempts of each round may have arrived without the receiver knowing.
fn ambiguous(history: &[Value]) -> BTreeMap<Transition, usize> {
    let mut ambiguous = BTreeMap::new();
    for notification in history {
        for transition in transitions(notification) {
            *ambiguous.entry(transition).or_default() += marked(notification);
        }
    }
    ambiguous
}

/// How many attempts of a notification are marked as ambiguous.
fn marked(notification: &Value) -> usize {
    notification["attempts"].as_array().unwrap().iter().filter(|attempt| attempt["ambiguous"] == true).count()
}

async fn quiet(receiver: &Program) {
    until("nothing is pending", async || {
        let pending = receiver.get("/api/v1/notifications?status=pending").await.json();
        let count = pending["notifications"].as_array().unwrap().len();
        if count == 0 { Ok(()) } else { Err(format!("{count} are")) }
    })
    .await;
}

fn config(slack: &Slack) -> String {
    format!(
        "storage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{}\", rate: 200/s}}]\ndedupe: {{flap: {{changes: 0}}}}\ndelivery: {{retry: {{initial: 100ms, max: 1s}}}}\n",
        slack.webhook_url
    )
}

// the stand-in answers on other threads, whatever the groups have to do
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_kills_under_load_lose_nothing_and_double_only_what_is_marked() {
    let mut random = random();
    let slack = Rc::new(Slack::start().await);
    slack.answer_after(LATENCY);
    let home = home();
    write(home.path(), "receiver.yaml", config(&slack));
    let mut receiver = Program::receiver(home.path()).await;
    let end = Rc::new(Cell::new(false));
    let (here, mut groups) = (LocalSet::new(), JoinSet::new());
    for number in 0..PATIENT + HASTY {
        let (name, webhook) = (format!("group {number}"), format!("{}/webhook", receiver.url));
        let group = Group { name, webhook, slack: Rc::clone(&slack) };
        groups.spawn_local_on(group.live(Rc::clone(&end), number < PATIENT), &here);
    }
    let killing = async {
        kill_often(&mut receiver, &mut random).await;
        end.set(true);
        groups.join_all().await.into_iter().collect()
    };
    let rounds: BTreeMap<String, usize> = here.run_until(killing).await;
    quiet(&receiver).await;

    let (told, history) = (told(&slack), history(&receiver).await);
    assert_eq!(slack.refused(), [""; 0], "every message keeps Slack's rules");
    for (group, rounds) in rounds.iter().filter(|(group, _)| is_about_patient(&round_name(group, 0))) {
        for transition in
            (0..*rounds).flat_map(|round| ["firing", "resolved"].map(|s| (round_name(group, round), s)))
        {
            assert!(told.contains_key(&transition), "{transition:?} was never told");
        }
    }
    for (group, rounds) in
        rounds.iter().filter(|(group, rounds)| !is_about_patient(&round_name(group, 0)) && **rounds > 0)
    {
        let is_of_group = |message: &Accepted| message.text().contains(&format!("({group}, "));
        let last = slack.accepted().into_iter().rfind(is_of_group).expect("it was told");
        let (title, text) = (last.title(), last.text());
        let is_newest = title.starts_with("[RESOLVED:") && text.contains(&round_name(group, rounds - 1));
        assert!(is_newest, "people end with the newest state: {title}\n{text}");
    }
    let remembered: BTreeSet<_> = history.iter().flat_map(transitions).collect();
    let forgotten: Vec<_> = told.keys().filter(|transition| !remembered.contains(*transition)).collect();
    assert!(forgotten.is_empty(), "told and not in the history: {forgotten:?}");
    let ambiguous = ambiguous(&history);
    for (transition, times) in &told {
        let marked = ambiguous.get(transition).copied().unwrap_or_default();
        assert!(*times <= 1 + marked, "{transition:?} was told {times} times, with {marked} marked attempts");
    }
    let doubled: usize = told.values().map(|times| times - 1).sum();
    println!(
        "{KILLS} kills, {} rounds of {} groups, {} transitions told, {doubled} second copies, {} marked attempts",
        rounds.values().sum::<usize>(),
        rounds.len(),
        told.len(),
        history.iter().map(marked).sum::<usize>()
    );
    assert!(rounds.values().sum::<usize>() > 100, "there was load: {rounds:?}");
}

/// Whether the first round that a text names is one of a patient group.
fn is_about_patient(text: &str) -> bool {
    let number = text.split("(group ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    number.is_some_and(|number: usize| number < PATIENT)
}

#[tokio::test]
async fn a_kill_right_after_200_loses_no_webhook() {
    let slack = Rc::new(Slack::start().await);
    let home = home();
    write(home.path(), "receiver.yaml", config(&slack));
    let mut receiver = Program::receiver(home.path()).await;
    let group = |number: i64| Group {
        name: format!("group {number}"),
        webhook: format!("{}/webhook", receiver.url),
        slack: Rc::clone(&slack),
    };
    let groups: Vec<Group> = (0..8).map(group).collect();
    for group in &groups {
        let name = round_name(&group.name, 0);
        let alerts = ["a", "b"]
            .map(|it| Alert::firing("Load", START).with("group", &group.name).with("it", it).saying(&name));
        group.send(&alerts).await;
        receiver.crash();
        receiver.ready().await;
    }
    quiet(&receiver).await;
    assert_eq!(told(&slack).len(), groups.len());
    assert_eq!(history(&receiver).await.len(), groups.len());
}
