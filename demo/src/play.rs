//! Plays the story: replays it, tells where it is and who was told what, and judges the result.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use reqwest::Client;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use crate::processes::{self, Fleet, url};
use crate::progress::Progress;
use crate::stage::Stage;
use crate::story::{self, LENGTH};
use crate::verdict::Verdict;
use crate::watch::{self, Follower, Notification, describe};
use crate::{evidence, say};

const POLL: Duration = Duration::from_millis(500);
/// How much longer than planned the replay may take on a slow machine.
const REPLAY_MARGIN: Duration = Duration::from_secs(120);
/// How long after the last event everything must have been told.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a second copy is waited for once everything was told.
const SETTLE: Duration = Duration::from_secs(5);

/// Where people can look while it runs.
pub(crate) fn introduce(stage: &Stage) {
    let addresses = &stage.addresses;
    let places = [
        ("exporter", format!("{}/", url(addresses.exporter))),
        ("its gauges", format!("{}/metrics", url(addresses.exporter))),
        ("Prometheus", format!("{}/alerts", url(addresses.prometheus))),
        ("Alertmanager", format!("{}/", url(addresses.alertmanager))),
        ("who was told", format!("{}/", url(addresses.receiver))),
        ("logs", stage.logs().display().to_string()),
    ];
    say("");
    for (name, place) in places {
        say(&format!("  {name:<13} {place}"));
    }
    say("");
}

/// Replays the story and follows it to its end.
///
/// # Errors
/// When a program ends early, the replay fails or takes far too long, or the receiver does not answer.
pub(crate) async fn play(stage: &Stage, fleet: &mut Fleet) -> Result<Verdict> {
    let since = Timestamp::now();
    say(&format!(
        "Event time runs a day a second: {} seconds from the first prediction to the last label.",
        LENGTH.as_secs()
    ));
    let command =
        story::replay(&stage.binary("modelwatch-exporter"), &stage.root, &url(stage.addresses.exporter));
    let mut replay = fleet.spawn("replay", command)?;
    let mut audience = Audience::new(stage);
    let followed = follow(&mut audience, fleet, &mut replay).await;
    if replay.id().is_some() {
        processes::end(&mut replay).await;
    }
    let kept = evidence::keep(&audience.client, &stage.addresses, since, &stage.folder).await;
    let verdict = followed?;
    kept?;
    Ok(verdict)
}

/// Until everything was told and nothing came twice, or time is up.
async fn follow(audience: &mut Audience<'_>, fleet: &mut Fleet, replay: &mut Child) -> Result<Verdict> {
    let mut deadline = Instant::now() + LENGTH + REPLAY_MARGIN;
    let mut replaying = true;
    let mut settled = None;
    loop {
        sleep(POLL).await;
        fleet.check()?;
        let verdict = audience.look().await?;
        if let Some(status) = replay.try_wait()?.filter(|_| replaying) {
            if !status.success() {
                bail!("the replay ended with {status}: see {}", fleet.log("replay").display());
            }
            replaying = false;
            deadline = Instant::now() + PATIENCE;
        }
        if !replaying && !verdict.is_waiting() && settled.is_none() {
            settled = Some(Instant::now() + SETTLE);
        }
        let now = Instant::now();
        if replaying && now > deadline {
            bail!("the replay is not over in time: see {}", fleet.log("replay").display());
        }
        if settled.is_some_and(|time| now > time) || now > deadline {
            return Ok(verdict);
        }
    }
}

/// Who follows the story: at the exporter's gauges and at the receiver's history.
struct Audience<'a> {
    stage: &'a Stage,
    client: Client,
    progress: Progress,
    follower: Follower,
}

impl<'a> Audience<'a> {
    fn new(stage: &'a Stage) -> Audience<'a> {
        Audience { stage, client: Client::new(), progress: Progress::new(), follower: Follower::default() }
    }

    /// Prints what is new; answers how what was told so far compares with what is expected.
    async fn look(&mut self) -> Result<Verdict> {
        let metrics = evidence::fetch_metrics(&self.client, self.stage.addresses.exporter).await?;
        for line in self.progress.lines(&metrics) {
            say(&line);
        }
        let told = watch::fetch(&self.client, &url(self.stage.addresses.receiver)).await?;
        let told: Vec<Notification> =
            told.into_iter().map(serde_json::from_value).collect::<Result<_, _>>()?;
        for notification in self.follower.news(&told).into_iter().filter(|one| one.status != "suppressed") {
            say(&format!("  {}", describe(notification, Timestamp::now())));
        }
        Ok(Verdict::of(&told, &self.stage.channels))
    }
}
