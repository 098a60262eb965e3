//! Where a test may stop the program, to kill it there. Nothing stops, and nothing is asked, without the feature
//! `failpoints`, which only builds with tests in them have.

/// A moment between two things that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// Webhooks are written, and their transaction is not committed.
    BeforeCommit,
    /// They are on disk, and nobody was answered.
    Committed,
    /// A notification is due, and nobody has claimed it.
    BeforeClaim,
    /// It is being put into words, away from the I/O threads.
    Rendering,
    /// It is claimed, and no attempt of it was noted.
    Claimed,
    /// The attempt is noted, and not a byte of it was written.
    Begun,
    /// The destination's answer was read, and is not on disk.
    Answered,
    /// The answer of one of several recipients was read, and is not on disk.
    RecipientAnswered,
    /// The same is on disk, and others were not asked yet.
    RecipientNoted,
    /// The destination said where the message is, and that is not on disk.
    PlaceAnswered,
    /// The same is on disk, and not yet what became of the attempt.
    PlaceNoted,
}

/// Stops here for ever if the program was told to, by this point's name in `MODELWATCH_STOP_AT`; says so first.
#[cfg(feature = "failpoints")]
pub(crate) async fn reach(point: Point) {
    if stops_at(point) {
        std::future::pending::<()>().await;
    }
}

/// The same, for what is no future: its thread stops.
#[cfg(feature = "failpoints")]
pub(crate) fn reach_blocking(point: Point) {
    while stops_at(point) {
        std::thread::park();
    }
}

#[cfg(feature = "failpoints")]
fn stops_at(point: Point) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a switch of tests, and no configuration")]
    let wanted = std::env::var("MODELWATCH_STOP_AT");
    let stops = wanted.is_ok_and(|wanted| wanted == format!("{point:?}"));
    if stops {
        tracing::warn!("stopped at {point:?}");
    }
    stops
}

/// Does nothing.
#[cfg(not(feature = "failpoints"))]
pub(crate) async fn reach(_point: Point) {}

/// Does nothing.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn reach_blocking(_point: Point) {}
