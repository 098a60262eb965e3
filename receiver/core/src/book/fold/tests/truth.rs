//! What really happened, and what of it reaches the receiver when: three replicas of Alertmanager tell of it, webhooks are
//! late, overtaken, doubled and cut short.

use std::collections::BTreeMap;

use super::*;

/// When alerts fired, by name, each stretch after the one before.
#[derive(Debug, Clone)]
pub(super) struct Truth(pub(super) BTreeMap<&'static str, Vec<Episode>>);

#[derive(Debug, Clone, Copy)]
pub(super) struct Episode {
    start: i64,
    /// Since when it fires, as is said: since the time before, if it returned while Alertmanager could not hear of it.
    says: i64,
    pub(super) end: Option<i64>,
}

/// A webhook when it arrives.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    pub(super) at: Timestamp,
    pub(super) posting: Posting,
}

/// What becomes of one snapshot of the truth.
#[derive(Debug, Clone)]
struct Fate {
    taken_at: i64,
    delay: i64,
    replica: u8,
    copies: u8,
    missing: u8,
    reversed: bool,
}

/// In seconds; no webhook is later than half the window in which old copies are known as such.
const LATEST: i64 = 450;
const SPAN: i64 = 6 * 3600;

/// By how many seconds replicas differ at most in when an alert began or ended. It may begin anew sooner, but not with its
/// old start: then nobody could tell that from the time before.
const REPLICAS_DIFFER: i64 = 30;

pub(super) fn truth() -> impl Strategy<Value = Truth> {
    let quiet = || prop_oneof![1..REPLICAS_DIFFER, REPLICAS_DIFFER..7200];
    let episodes = || proptest::collection::vec((quiet(), 60_i64..7200, any::<bool>()), 1..4);
    (episodes(), episodes(), any::<[bool; 2]>()).prop_map(|(a, b, open)| {
        Truth(BTreeMap::from([("A", episodes_of(&a, open[0])), ("B", episodes_of(&b, open[1]))]))
    })
}

fn episodes_of(lengths: &[(i64, i64, bool)], is_open: bool) -> Vec<Episode> {
    let mut now = 0;
    let mut episodes: Vec<Episode> = Vec::new();
    for (quiet, loud, returns) in lengths {
        let start = now + quiet;
        now = start + loud;
        let before = episodes.last().filter(|_| *returns && *quiet >= REPLICAS_DIFFER);
        let says = before.map_or(start, |before| before.says);
        episodes.push(Episode { start, says, end: Some(now) });
    }
    if let Some(last) = episodes.last_mut().filter(|_| is_open) {
        last.end = None;
    }
    episodes
}

/// Snapshots at any time, many of them just after something changed, each with a fate of its own; and at the end, when all is quiet and nothing is held any more, one
/// of every replica that arrives in time and whole.
pub(super) fn deliveries(truth: &Truth) -> impl Strategy<Value = Vec<Delivered>> + use<> {
    let truth = truth.clone();
    let edges = |episode: &Episode| [episode.start, episode.end.unwrap_or(episode.start)];
    let changes: Vec<i64> = truth.0.values().flatten().flat_map(edges).collect();
    let last = changes.iter().copied().max().unwrap_or(0).max(SPAN);
    let after_change = (proptest::sample::select(changes), 0..2 * REPLICAS_DIFFER);
    let taken_at = prop_oneof![0..SPAN, after_change.prop_map(|(change, later)| change + later)];
    let fate = (taken_at, 0..LATEST, 0_u8..3, 1_u8..4, any::<u8>(), any::<bool>()).prop_map(
        |(taken_at, delay, replica, copies, missing, reversed)| Fate {
            taken_at,
            delay,
            replica,
            copies,
            missing,
            reversed,
        },
    );
    proptest::collection::vec(fate, 0..60).prop_map(move |fates| {
        let whole = |replica| Fate {
            taken_at: last + 4 * LATEST,
            delay: 0,
            replica,
            copies: 1,
            missing: 0,
            reversed: false,
        };
        let all = fates.into_iter().chain((0..3).map(whole));
        let mut delivered: Vec<Delivered> = all.flat_map(|fate| deliver(&truth, &fate)).collect();
        delivered.sort_by_key(|delivered| delivered.at);
        delivered
    })
}

fn deliver(truth: &Truth, fate: &Fate) -> Vec<Delivered> {
    let alerts = truth.0.iter().enumerate();
    let mut copies: Vec<AlertCopy> = alerts
        .filter(|(nth, _)| fate.missing & (1 << nth) == 0)
        .filter_map(|(_, (name, episodes))| said_of(name, episodes, fate))
        .collect();
    if fate.reversed {
        copies.reverse();
    }
    if copies.is_empty() {
        return Vec::new();
    }
    let posting = posting(&fate.replica.to_string(), copies);
    let arrival = |nth: u8| at(fate.taken_at + fate.delay + i64::from(nth) * 30);
    (0..fate.copies).map(|nth| Delivered { at: arrival(nth), posting: posting.clone() }).collect()
}

/// What a replica says of an alert: that it fires, or the end of the last time it did.
fn said_of(name: &str, episodes: &[Episode], fate: &Fate) -> Option<AlertCopy> {
    let differs = i64::from(fate.replica) * REPLICAS_DIFFER / 3;
    let knows_of = fate.taken_at - differs;
    let episode = episodes.iter().rfind(|episode| episode.start <= knows_of)?;
    let end = episode.end.filter(|end| *end <= knows_of).map(|end| at(end + differs));
    Some(copy(name, &fate.replica.to_string(), at(episode.says + differs), end))
}
