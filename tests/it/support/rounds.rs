//! Load on receivers: groups that fire and end again and again, and what people must have been told of them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};

use super::alerts::{Alert, webhook};
use super::history::marked;
use super::http::{JSON, attempt, client};
use super::loans::START;
use super::slack::{Accepted, Slack};
use super::wait::{pause, until};

/// Groups that wait until people were told before they go on, so that nothing takes the place of a message.
pub(crate) const PATIENT: usize = 18;
/// Groups that do not.
const HASTY: usize = 6;
/// What Alertmanager lets pass before it sends the same again, shortened.
const BREATH: Duration = Duration::from_millis(50);
/// How long it waits for an answer, shortened.
const ANSWER: Duration = Duration::from_secs(3);

/// What is said of one round of one group.
pub(crate) type Transition = (String, &'static str);

/// Alertmanager, for one group.
#[derive(Clone)]
struct Group {
    name: String,
    webhooks: Vec<String>,
    slack: Rc<Slack>,
}

impl Group {
    /// Sends the same bytes to one receiver after the other until one answers 200; no answer but 5xx makes it go on.
    async fn send(&self, alerts: &[Alert]) {
        let (client, body) = (client(), webhook(&self.name, alerts).to_string());
        let first = self.name.len() + alerts.len();
        for url in self.webhooks.iter().cycle().skip(first % self.webhooks.len()) {
            let request = client.post(url).timeout(ANSWER).header("content-type", JSON);
            match attempt(request.body(body.clone())).await {
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

/// The summary of the alerts of a round.
pub(crate) fn round_name(group: &str, round: usize) -> String {
    format!("({group}, round {round})")
}

/// What Slack was told of each round of the patient groups, and how often. Messages about others may hold many rounds.
pub(crate) fn told(slack: &Slack) -> BTreeMap<Transition, usize> {
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

/// Whether the first round that a text names is one of a patient group.
fn is_about_patient(text: &str) -> bool {
    let number = text.split("(group ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    number.is_some_and(|number: usize| number < PATIENT)
}

/// How many rounds each group had, under load on these receivers for as long as `trouble` goes on.
pub(crate) async fn rounds_during(
    slack: &Rc<Slack>,
    receivers: &[String],
    trouble: impl Future<Output = ()>,
) -> BTreeMap<String, usize> {
    let end = Rc::new(Cell::new(false));
    let (here, mut groups) = (LocalSet::new(), JoinSet::new());
    for number in 0..PATIENT + HASTY {
        let webhooks = receivers.iter().map(|url| format!("{url}/webhook")).collect();
        let group = Group { name: format!("group {number}"), webhooks, slack: Rc::clone(slack) };
        groups.spawn_local_on(group.live(Rc::clone(&end), number < PATIENT), &here);
    }
    let troubled = async {
        trouble.await;
        end.set(true);
        groups.join_all().await.into_iter().collect()
    };
    here.run_until(troubled).await
}

/// Every round was told, the newest last, and no oftener than the history says that it may have been.
pub(crate) fn assert_nothing_lost(slack: &Slack, history: &[Value], rounds: &BTreeMap<String, usize>) {
    let told = told(slack);
    assert_eq!(slack.refused(), [""; 0], "every message keeps Slack's rules");
    for (group, rounds) in rounds {
        if is_about_patient(&round_name(group, 0)) {
            assert_all_told(&told, group, *rounds);
        } else if *rounds > 0 {
            assert_newest_told(slack, history, group, *rounds);
        }
    }
    let remembered: BTreeSet<_> = history.iter().flat_map(transitions).collect();
    let forgotten: Vec<_> = told.keys().filter(|transition| !remembered.contains(*transition)).collect();
    assert!(forgotten.is_empty(), "told and not in the history: {forgotten:?}");
    let ambiguous = ambiguous(history);
    for (transition, times) in &told {
        let marked = ambiguous.get(transition).copied().unwrap_or_default();
        assert!(*times <= 1 + marked, "{transition:?} was told {times} times, with {marked} marked attempts");
    }
    println!(
        "{} rounds of {} groups, {} transitions told, {} second copies, {} marked attempts",
        rounds.values().sum::<usize>(),
        rounds.len(),
        told.len(),
        told.values().map(|times| times - 1).sum::<usize>(),
        history.iter().map(marked).sum::<usize>()
    );
    assert!(rounds.values().sum::<usize>() > rounds.len(), "there was load: {rounds:?}");
}

fn assert_all_told(told: &BTreeMap<Transition, usize>, group: &str, rounds: usize) {
    for transition in
        (0..rounds).flat_map(|round| ["firing", "resolved"].map(|status| (round_name(group, round), status)))
    {
        assert!(told.contains_key(&transition), "{transition:?} was never told");
    }
}

/// People end with an end: that of the newest round whose beginning they heard, or of a newer one. Rounds that were over before
/// anybody heard of them need not be told.
fn assert_newest_told(slack: &Slack, history: &[Value], group: &str, rounds: usize) {
    let told: Vec<Transition> = slack.accepted().iter().flat_map(transitions_in).collect();
    let newest = |wanted: &str| {
        (0..rounds).rfind(|round| {
            let name = round_name(group, *round);
            told.iter().any(|(said, status)| *said == name && *status == wanted)
        })
    };
    let is_of_group = |message: &Accepted| message.text().contains(&format!("({group}, "));
    let Some(last) = slack.accepted().into_iter().rfind(is_of_group) else {
        let of_group =
            |one: &&Value| transitions(one).iter().any(|(name, _)| name.starts_with(&format!("({group}, ")));
        let mut remembered = history.iter().filter(of_group);
        let unheard = remembered.any(|one| one["suppressed"] == "never_told");
        assert!(unheard, "{group} was never told, and the history does not say why");
        return;
    };
    let (title, ended) = (last.title(), newest("resolved"));
    let is_newest = ended.is_some_and(|round| last.text().contains(&round_name(group, round)));
    assert!(title.starts_with("[RESOLVED:") && is_newest, "people end with the newest state: {title}");
    assert!(ended >= newest("firing"), "whoever heard a beginning hears its end: {title}");
}
