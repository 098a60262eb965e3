//! Members: the alerts that are one but for ignored labels. An occurrence is over when all of them are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Occurrence, Report, Windows, later};
use crate::alert::Fingerprint;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) newest_start: Timestamp,
    pub(super) ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) at: Timestamp,
    pub(super) accepted_at: Timestamp,
}

impl Ended {
    /// Whether old copies of before may still come.
    pub(super) fn is_recent(&self, now: Timestamp, windows: Windows) -> bool {
        now < later(self.accepted_at, windows.reorder)
    }
}

impl Member {
    pub(super) fn starting(start: Timestamp) -> Member {
        Member { newest_start: start, ended: None }
    }

    /// The end that a firing copy with this start may be older than, if it may.
    pub(super) fn may_be_old(&self, start: Timestamp, now: Timestamp, windows: Windows) -> Option<Timestamp> {
        let ended = self.ended.filter(|ended| ended.is_recent(now, windows))?;
        (start <= ended.at).then_some(ended.at)
    }
}

impl Occurrence {
    pub(super) fn newest_start_of(&self, member: Fingerprint) -> Timestamp {
        self.members.get(&member).map_or(self.starts_at, |member| member.newest_start)
    }

    /// How many alerts it is that are one but for ignored labels.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Members that ended so long ago that no old copy speaks of them any more; replicas come and go for years.
    pub(super) fn forget_members(&mut self, now: Timestamp, windows: Windows) {
        self.members.retain(|_, member| member.ended.is_none_or(|ended| ended.is_recent(now, windows)));
    }

    pub(super) fn end_member(&mut self, report: Report, end: Timestamp, now: Timestamp) {
        let member = self.members.entry(report.member).or_insert(Member::starting(report.starts_at));
        let accepted_at = member.ended.map_or(now, |ended| ended.accepted_at);
        let at = member.ended.map_or(end, |ended| ended.at.max(end));
        member.ended = Some(Ended { at, accepted_at });
        self.begins_by(report.starts_at);
    }
}
