//! A store as plain maps, which refuses what a store refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::alert::{Alert, Fingerprint, Labels};
use crate::book::Written;
use crate::dedupe::Told;
use crate::occurrence::{Flap, Testimony};

pub(super) const WINDOWS: Windows = Windows {
    reorder: Duration::from_secs(900),
    stale_after: Duration::from_secs(8 * 3600),
    flap: Flap { changes: 0, within: Duration::ZERO },
};

/// Who is told; the second does not want to hear what is over.
pub(super) const CHANNELS: [&str; 2] = ["console", "quiet"];

const REPEAT: Duration = Duration::from_secs(3600);

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn labels(name: &str) -> Labels {
    Labels::from([("alertname".to_owned(), name.to_owned())])
}

fn key(name: &str) -> AlertKey {
    AlertKey { source: "am".to_owned(), fingerprint: Fingerprint::of(labels(name).iter()) }
}

/// A copy of an alert as a replica sends it, whose annotations differ from those of others.
pub(super) fn copy(name: &str, replica: &str, starts_at: Timestamp, ends_at: Option<Timestamp>) -> AlertCopy {
    let alert = Alert {
        status: if ends_at.is_some() { Status::Resolved } else { Status::Firing },
        labels: labels(name),
        annotations: Labels::from([("value".to_owned(), replica.to_owned())]),
        starts_at,
        ends_at,
        generator_url: String::new(),
    };
    let digest = AlertCopy::digest(&alert, &group_of(replica));
    let bound = Bound::Channels(CHANNELS.map(str::to_owned).to_vec());
    AlertCopy { key: key(name), report: alert.report(), digest, alert, bound }
}

fn group_of(replica: &str) -> Group {
    Group {
        source: "am".to_owned(),
        key: "{}:{}".to_owned(),
        labels: Labels::new(),
        external_url: format!("http://am-{replica}"),
        truncated_alerts: 0,
    }
}

pub(super) fn posting(replica: &str, copies: Vec<AlertCopy>) -> Posting {
    Posting {
        group: group_of(replica),
        is_repeat: false,
        origin: Origin::Outside,
        witness: Witness::Nobody,
        copies,
    }
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) occurrence: Occurrence,
    key: AlertKey,
    check_at: Option<Timestamp>,
    copy: (Alert, Group, i64),
}

/// Everything that is remembered, the oldest occurrence first.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: Vec<Row>,
    transitions: BTreeMap<(String, String, Transition), Option<Suppression>>,
    last: BTreeMap<(String, String), Timestamp>,
    /// What each destination heard last of an occurrence.
    heard: BTreeMap<(String, String), Status>,
    /// Where a beginning and its end were accepted at once, so that nobody can have heard of it in between.
    pub(super) at_once: BTreeSet<(String, String)>,
    ids: u64,
    /// Nothing is ever delivered.
    pub(super) is_mute: bool,
    /// The only destinations that there are; all, if it is empty.
    pub(super) only: Vec<&'static str>,
    /// When alerts flap; never, unless it is set.
    pub(super) flap: Flap,
    /// Who can say whether alerts fire.
    pub(super) witness: Witness,
    /// It is killed again and again before it writes what it only heard.
    pub(super) forgets: bool,
    /// How often a webhook spoke of an occurrence that goes to a destination.
    pub(super) looked_at: u64,
    /// How often a notification mentions one.
    pub(super) told_of: u64,
    /// How often there was a reason not to.
    pub(super) untold: u64,
}

impl Ledger {
    /// Enters webhooks that share a transaction.
    pub(super) fn enter(&mut self, webhooks: &[Posting], now: Timestamp) -> Entries {
        for webhook in webhooks {
            let alerts: BTreeSet<&AlertKey> = webhook.copies.iter().map(|copy| &copy.key).collect();
            self.looked_at += u64::try_from(alerts.len() * CHANNELS.len()).unwrap();
        }
        self.with_book(now, |book| {
            for webhook in webhooks {
                book.webhook(webhook);
            }
        })
    }

    /// Looks at what is due until nothing is.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        for _ in 0..3 {
            let due = self.due(now);
            if due.is_empty() {
                return;
            }
            self.look_again(due, now);
        }
        panic!("something stays due");
    }

    pub(super) fn due(&self, now: Timestamp) -> Vec<Due> {
        self.looked_for(|row| row.check_at.is_some_and(|at| at <= now))
    }

    /// Takes in one answer about everything that somebody is to be asked about.
    pub(super) fn answer(&mut self, testimony: &Testimony, now: Timestamp) -> Entries {
        let asked = self.looked_for(|row| row.occurrence.question().is_some());
        self.with_book(now, |book| asked.into_iter().for_each(|due| book.answered(due, testimony.clone())))
    }

    fn looked_for(&self, wanted: impl Fn(&Row) -> bool) -> Vec<Due> {
        self.rows
            .iter()
            .filter(|row| wanted(row))
            .map(|row| Due {
                id: row.id.clone(),
                key: row.key.clone(),
                occurrence: row.occurrence.clone(),
                alert: Alert {
                    status: Status::Firing,
                    starts_at: row.occurrence.starts_at,
                    ends_at: None,
                    ..row.copy.0.clone()
                },
                group: row.copy.1.clone(),
                channels: CHANNELS.map(str::to_owned).to_vec(),
                witness: self.witness,
            })
            .collect()
    }

    pub(super) fn look_again(&mut self, due: Vec<Due>, now: Timestamp) -> Entries {
        let windows = Windows { flap: self.flap, ..WINDOWS };
        let is_calm = |due: &Due| due.occurrence.calmed(now, windows).is_some();
        let looks = due.iter().filter(|due| is_calm(due)).count() * CHANNELS.len();
        self.looked_at += u64::try_from(looks).unwrap();
        self.with_book(now, |book| due.into_iter().for_each(|due| book.due(due)))
    }

    /// Another receiver heard of everything, and could not note yet when to look again.
    pub(super) fn heard_of_by_another(&mut self, at: Timestamp) {
        self.rows.iter_mut().for_each(|row| row.occurrence.seen_at = at);
    }

    /// How often a webhook spoke of what is held, of which nothing is said until that is decided.
    pub(super) fn held(&self) -> u64 {
        let held = self.rows.iter().filter(|row| row.occurrence.held().is_some()).count();
        u64::try_from(held * CHANNELS.len()).unwrap()
    }

    fn with_book(&mut self, now: Timestamp, enter: impl FnOnce(&mut Book<'_>)) -> Entries {
        let mut ids = self.ids;
        let mut new_id = || {
            ids += 1;
            format!("{ids:08}")
        };
        let rules = |channel: &str| Rules {
            send_resolved: channel == CHANNELS[0],
            repeat_interval: REPEAT,
            reorder: WINDOWS.reorder,
        };
        let windows = Windows { flap: self.flap, ..WINDOWS };
        let only = self.only.clone();
        let exists = move |channel: &str| only.is_empty() || only.contains(&channel);
        let terms = Terms { windows, own: "(own)", rules: &rules, exists: &exists, new_id: &mut new_id };
        // everything is read anew, as after a restart
        let mut book = Book::new(self.known(), terms, now);
        enter(&mut book);
        let entries = book.close();
        self.ids = ids;
        self.write(&entries);
        entries
    }

    fn known(&self) -> BTreeMap<AlertKey, Known> {
        let known = |row: &Row| Known {
            id: row.id.clone(),
            occurrence: row.occurrence.clone(),
            copy: row.copy.2,
            told: self.channels().into_iter().filter_map(|channel| self.told(channel, &row.id)).collect(),
        };
        self.rows.iter().map(|row| (row.key.clone(), known(row))).collect()
    }

    fn channels(&self) -> BTreeSet<&str> {
        self.transitions.keys().map(|(channel, ..)| channel.as_str()).collect()
    }

    fn told(&self, channel: &str, occurrence: &str) -> Option<(String, Told)> {
        let place = (channel.to_owned(), occurrence.to_owned());
        let heard = self.heard.get(&place).copied();
        let last_at = self.last.get(&place).copied();
        let mut told = Told { last_at, heard, reached: heard.is_some(), ..Told::default() };
        for (to, of, transition) in self.transitions.keys() {
            if to == channel && of == occurrence {
                told.win(*transition);
            }
        }
        (told != Told::default()).then(|| (channel.to_owned(), told))
    }

    fn write(&mut self, entries: &Entries) {
        for written in &entries.changes.occurrences {
            self.write_row(written);
        }
        for won in &entries.changes.won {
            let place = (won.channel.clone(), won.occurrence.clone(), won.transition);
            let before = self.transitions.insert(place, won.suppressed);
            assert_eq!(before, None, "{won:?} was won before");
            let place = (won.channel.clone(), won.occurrence.clone());
            if won.suppressed == Some(Suppression::NeverTold) && !self.heard.contains_key(&place) {
                self.at_once.insert(place);
            }
        }
        for notice in &entries.changes.notices {
            let mentions: BTreeSet<&String> = notice.mentions.iter().collect();
            assert!(!mentions.is_empty() && mentions.len() == notice.mentions.len(), "{notice:?}");
            self.told_of += u64::try_from(mentions.len()).unwrap();
            for mention in mentions {
                self.last.insert((notice.channel.clone(), mention.clone()), notice.at);
                self.hear(&notice.channel, mention);
            }
        }
        if self.forgets {
            return;
        }
        for (id, (seen_at, check_at)) in &entries.hearsay.seen {
            let row = self.rows.iter_mut().find(|row| row.id == *id).unwrap();
            (row.occurrence.seen_at, row.check_at) = (*seen_at, *check_at);
        }
        for (_, times) in entries.hearsay.untold.iter().filter(|((channel, ..), _)| !channel.is_empty()) {
            self.untold += times.times;
        }
    }

    /// What is queued is delivered at once.
    fn hear(&mut self, channel: &str, occurrence: &str) {
        let row = self.rows.iter().find(|row| row.id == occurrence).unwrap();
        let is_over = self.at_once.contains(&(channel.to_owned(), occurrence.to_owned()));
        if !self.is_mute && !is_over {
            let status = row.occurrence.state.status();
            self.heard.insert((channel.to_owned(), occurrence.to_owned()), status);
        }
    }

    fn write_row(&mut self, written: &Written) {
        let known = self.rows.iter_mut().find(|row| row.id == written.id);
        assert_eq!(known.is_none(), written.is_new);
        match known {
            None => self.rows.push(Row {
                id: written.id.clone(),
                occurrence: written.occurrence.clone(),
                key: written.key.clone(),
                check_at: written.check_at,
                copy: written.copy.clone().unwrap(),
            }),
            Some(row) => {
                row.occurrence = written.occurrence.clone();
                row.check_at = written.check_at;
                row.copy = written.copy.clone().unwrap_or_else(|| row.copy.clone());
            }
        }
        let open = |row: &&Row| row.key == written.key && row.occurrence.state == State::Firing;
        assert!(self.rows.iter().filter(open).count() <= 1, "two are open: {:?}", self.rows);
    }

    /// What a destination was told, or is about to be, of an occurrence.
    pub(super) fn told_to(&self, channel: &str, occurrence: &str) -> Told {
        self.told(channel, occurrence).map(|(_, told)| told).unwrap_or_default()
    }

    pub(super) fn occurrences_of(&self, name: &str) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.key == key(name)).collect()
    }

    /// Whether a first transition was won, and why it is not told, if so.
    pub(super) fn won(&self, channel: &str, occurrence: &str, status: Status) -> Option<Option<Suppression>> {
        let place =
            (channel.to_owned(), occurrence.to_owned(), Transition { status: status.into(), repeat: 0 });
        self.transitions.get(&place).copied()
    }

    /// What is remembered, with the occurrences by their order instead of by ids.
    pub(super) fn without_ids(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let nth = |id: &str| self.rows.iter().position(|row| row.id == id);
        let row = |row: &Row| (row.occurrence.clone(), row.check_at, row.copy.2);
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        let transitions: BTreeSet<_> = self
            .transitions
            .iter()
            .map(|((channel, id, transition), reason)| (channel.clone(), nth(id), *transition, *reason))
            .collect();
        (rows, transitions, self.told_of, self.untold)
    }
}
