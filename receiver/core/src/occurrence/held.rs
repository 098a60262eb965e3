//! Held copies: firing copies of an alert that is over, which are late old ones, or say that it returned with its old start.
//!
//! Nothing is told of them until something newer refutes them or their window ends.

use jiff::Timestamp;

use super::{Occurrence, Report, Sighting, Windows, later};

impl Occurrence {
    /// The firing copy that is held against this occurrence, if one is.
    pub fn held(&self) -> Option<Report> {
        self.held
    }

    /// The held copy to be observed now that its time has come: once, and only while nothing newer of the alert is
    /// known. If there is none, the occurrence is to be [`forgotten`](Self::forgotten).
    pub fn counts_after_all(&self, is_newest: bool) -> Option<Report> {
        self.held.filter(|_| is_newest)
    }

    /// A firing copy of one that is over: new, or old, or a real return that names its old start.
    pub(super) fn returned(mut self, report: Report, now: Timestamp, windows: Windows) -> Sighting {
        if self.ends_at.is_some_and(|end| report.starts_at > end) {
            return Sighting::Opened(Occurrence::begin(report, now, self.ends_at));
        }
        if self.resolved_at.is_none_or(|at| now >= later(at, windows.reorder)) {
            let returned = Occurrence::begin(report, now, self.ends_at);
            let rests_on_held = self.held == Some(report);
            return Sighting::Opened(Occurrence { unconfirmed: true, rests_on_held, ..returned });
        }
        if self.held.is_none_or(|held| held.starts_at < report.starts_at) {
            self.held = Some(report);
        }
        Sighting::OldCopy(self)
    }

    /// A resolved copy of one that is over: a copy, a refutation of what is held, or a whole occurrence missed.
    pub(super) fn ended_again(mut self, report: Report, end: Timestamp, now: Timestamp) -> Sighting {
        if self.ends_at.is_some_and(|known| report.starts_at > known) {
            return Sighting::Opened(Occurrence::begin(report, now, self.ends_at));
        }
        self.held = self.held.filter(|held| end < held.starts_at);
        if self.ends_at.is_some_and(|known| end < known) {
            return Sighting::OldCopy(self);
        }
        self.end_member(report, end, now);
        self.ends_at = Some(end);
        self.seen_at = now;
        Sighting::Known(self)
    }

    /// Whether to hear again that the occurrence before it is over tells that this one never was: it may have been opened
    /// by an old copy, and what says so is newer than whatever said that it fires.
    pub(super) fn can_be_refuted(&self, now: Timestamp, windows: Windows) -> bool {
        self.unconfirmed && (self.rests_on_held || now >= later(self.seen_at, windows.reorder))
    }
}
