//! Where the message about a group stands, in channels whose messages can be changed, and when news of the group belong
//! to it.

use serde::{Deserialize, Serialize};

use super::{Message, Severity};
use crate::alert::{Change, Kind, Status};

/// The message about a group that people have before them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The newest notification that was told by it.
    pub notification: String,
    /// The channel as the configuration called it.
    pub asked: String,
    /// The channel as the service calls it.
    pub channel: String,
    /// What the service calls the message.
    pub ts: String,
    /// The worst severity that fires by it.
    pub severity: Option<Severity>,
    /// It says that all is over.
    pub is_over: bool,
}

impl Post {
    /// A message that says what `message` does, asked for in the channel `asked`.
    pub fn saying(message: &Message, asked: &str, channel: String, ts: String) -> Post {
        Post {
            notification: message.id.clone(),
            asked: asked.to_owned(),
            channel,
            ts,
            severity: message.severity(),
            is_over: message.status == Status::Resolved,
        }
    }

    /// The same message, now that it says what `message` does.
    #[must_use]
    pub fn now_saying(&self, message: &Message) -> Post {
        Post::saying(message, &self.asked, self.channel.clone(), self.ts.clone())
    }

    /// Whether `message` is news of what this one tells: not once it told the end of all, nor where nothing that was told
    /// is still spoken of, since its end was not wanted or nobody knew of it.
    pub fn is_continued_by(&self, message: &Message) -> bool {
        !self.is_over && message.alerts.iter().any(|alert| alert.change != Change::New)
    }

    /// Whether people are to look again: something new fires, it is worse than they were told, or it is said again that
    /// it still fires. A message that changes, or a reply in a thread, notifies nobody.
    pub fn is_loud(&self, message: &Message) -> bool {
        message.kind == Kind::Repeat
            || message.changed(Change::New) > 0
            || message.severity().is_some_and(|now| self.severity.is_none_or(|told| now > told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::samples;

    fn post() -> Post {
        Post::saying(&samples::firing(), "#a", "C1".to_owned(), "1.2".to_owned())
    }

    fn with(change: Change, severity: &str, message: Message) -> Message {
        let mut message = message;
        for alert in &mut message.alerts {
            alert.change = change;
            alert.labels.insert("severity".to_owned(), severity.to_owned());
        }
        message
    }

    #[test]
    fn news_of_the_same_run_belong_to_it_and_those_of_another_do_not() {
        let still = with(Change::StillFiring, "warning", samples::firing());
        assert!(post().is_continued_by(&still));
        assert!(post().is_continued_by(&samples::resolved()));
        assert!(!post().is_continued_by(&samples::firing()), "nothing is left of what was told");
        assert!(!post().now_saying(&samples::resolved()).is_continued_by(&still));
    }

    #[test]
    fn people_are_to_look_again_when_it_is_new_or_worse_or_repeated() {
        let warning = with(Change::StillFiring, "warning", samples::firing());
        let told = post().now_saying(&warning);
        let loud = |message: &Message| told.is_loud(message);
        let quiet = Message { kind: Kind::Changed, ..warning };
        assert!(!loud(&quiet) && !loud(&samples::resolved()));
        assert!(!loud(&with(Change::StillFiring, "info", quiet.clone())));
        assert!(loud(&with(Change::StillFiring, "critical", quiet.clone())));
        assert!(loud(&with(Change::New, "info", quiet.clone())));
        assert!(loud(&Message { kind: Kind::Repeat, ..quiet }));
    }

    #[test]
    fn it_is_kept_as_text() {
        let text = serde_json::to_string(&post()).unwrap();
        assert_eq!(serde_json::from_str::<Post>(&text).unwrap(), post());
    }
}
