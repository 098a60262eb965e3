//! Webhooks accepted under load: how many a second, how long each took, and what memory that takes.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::bodies::{Bodies, Dialect, Mix, STANDING_GROUPS};
use crate::figures::{median, megabytes, milliseconds, thousands};
use crate::load::{Outcome, Target, Until, run};
use crate::program::{Running, alertmanager, alertmanager_version, folder, receiver};
use crate::report::Section;
use crate::stand_in::StandIn;

/// How many alerts a group has.
const ALERTS: usize = 10;
/// How many connections send at once, of the receiver's runs.
const CONNECTIONS: [u64; 4] = [1, 8, 64, 256];
/// As many as Alertmanager is sent over.
const SIDE_BY_SIDE: u64 = 64;
/// How long Alertmanager waits before it would tell anybody: nothing but taking alerts is measured.
const ALERTMANAGER: &str =
    "route: {receiver: nobody, group_by: [alertname, model], group_wait: 1h}\nreceivers: [{name: nobody}]\n";

const MIXES: [(&str, Mix); 3] =
    [("copies", Mix::Copies), ("fresh alerts", Mix::Fresh), ("lives of 10 webhooks", Mix::Lives)];

/// One load: what is sent over how many connections, and for how long.
#[derive(Debug, Clone, Copy)]
struct Trial {
    mix: Mix,
    connections: u64,
    seconds: Duration,
}

/// What a trial came to.
struct Measured {
    outcome: Outcome,
    /// The most memory that was taken.
    peak: u64,
    /// The processor time that each request took, in the program that was asked.
    processor: Duration,
}

/// The table.
///
/// # Errors
/// When a program does not start, or a connection breaks.
pub(crate) async fn measure(
    program: &Path,
    place: &Path,
    seconds: Duration,
    rounds: usize,
) -> Result<Section> {
    let version = alertmanager_version();
    let explanation = format!(
        "Each webhook has {ALERTS} alerts and is answered after it is on disk (SQLite). What is to be told goes to one Slack channel \
         at its default of one message a second. `copies`: {STANDING_GROUPS} groups that fire already are sent again and again. \
         `fresh alerts`: every webhook is a new group. `lives`: each group fires, is repeated 8 times and is resolved. Alertmanager \
         takes the same alerts at /api/v2/alerts and keeps them in memory. The processor time of a request is that of the program which \
         is asked, user and system, its deliveries included. Medians of {rounds} rounds of {} s, each on a new store.",
        seconds.as_secs()
    );
    let columns = [
        "what is sent",
        "to",
        "connections",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "processor ms",
        "peak RSS MB",
        "refused",
    ];
    let mut section = Section::new("Webhooks accepted", &explanation, &columns);
    for (name, mix) in MIXES {
        for connections in CONNECTIONS {
            let trial = Trial { mix, connections, seconds };
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                ours.push(receiver_takes(program, place, trial).await?);
                if connections == SIDE_BY_SIDE {
                    theirs.extend(alertmanager_takes(place, trial).await?);
                }
            }
            section.row(row(name, "modelwatch-receiver", trial, &ours));
            if let (false, Some(version)) = (theirs.is_empty(), &version) {
                section.row(row(name, &format!("Alertmanager {version}"), trial, &theirs));
            }
        }
    }
    Ok(section)
}

async fn receiver_takes(program: &Path, place: &Path, trial: Trial) -> Result<Measured> {
    let slack = StandIn::start().await?;
    let folder = folder(place, "intake")?;
    let running = receiver(program, &folder, &config(&slack.url)).await?;
    load(running, "/webhook", Dialect::Webhook, trial).await
}

async fn alertmanager_takes(place: &Path, trial: Trial) -> Result<Option<Measured>> {
    let folder = folder(place, "alertmanager")?;
    match alertmanager(&folder, ALERTMANAGER).await? {
        Some(running) => load(running, "/api/v2/alerts", Dialect::Alerts, trial).await.map(Some),
        None => Ok(None),
    }
}

async fn load(running: Running, path: &'static str, dialect: Dialect, trial: Trial) -> Result<Measured> {
    let target = Target { address: running.address, path };
    if trial.mix == Mix::Copies {
        let first = vec![Bodies::new(dialect, Mix::Copies, ALERTS, 0)];
        run(target, first, Until::Each(STANDING_GROUPS)).await?;
    }
    let each = Bodies::for_each(dialect, trial.mix, ALERTS, trial.connections);
    let before = running.processor()?;
    let outcome = run(target, each, Until::Elapsed(trial.seconds)).await?;
    let spent = running.processor()?.saturating_sub(before);
    let requests = u32::try_from(outcome.times.len()).unwrap_or(u32::MAX);
    let processor = spent.checked_div(requests).unwrap_or_default();
    let peak = running.memory()?.peak;
    running.stop().await?;
    Ok(Measured { outcome, peak, processor })
}

fn config(slack: &str) -> String {
    format!(
        "environment: dev\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{slack}\"}}]\n"
    )
}

fn row(name: &str, to: &str, trial: Trial, measured: &[Measured]) -> Vec<String> {
    let of = |percent| median(measured.iter().map(|run| run.outcome.times.percentile(percent)));
    let per_second = median(measured.iter().map(|run| run.outcome.per_second()));
    vec![
        name.to_owned(),
        to.to_owned(),
        trial.connections.to_string(),
        format!("{per_second:.0}"),
        milliseconds(of(50)),
        milliseconds(of(99)),
        milliseconds(median(measured.iter().map(|run| run.processor))),
        megabytes(median(measured.iter().map(|run| run.peak))),
        thousands(median(measured.iter().map(|run| run.outcome.refused))),
    ]
}
