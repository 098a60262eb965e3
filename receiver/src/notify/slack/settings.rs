//! What a Slack channel is configured with: an incoming webhook, or a bot's token and the channel that it posts in.

use std::path::{Path, PathBuf};

use modelwatch_common::secret::{Secret, SecretError};

use crate::notify::http::is_url;

/// Everything that is particular to a Slack channel, as written.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawPosting {
    pub(crate) webhook_url: Option<Secret>,
    pub(crate) webhook_url_file: Option<PathBuf>,
    pub(crate) bot_token: Option<Secret>,
    pub(crate) bot_token_file: Option<PathBuf>,
    pub(crate) channel: Option<String>,
    pub(crate) api_url: Option<String>,
    pub(crate) update: Option<String>,
}

/// How a channel gets its messages.
#[derive(Debug, Clone)]
pub enum Posting {
    /// By an incoming webhook: whoever knows its address can post.
    Webhook(Secret),
    /// By a bot, whose messages can be changed.
    Bot(Bot),
}

/// A bot of Slack's and where it posts.
#[derive(Debug, Clone)]
pub struct Bot {
    pub(super) token: Secret,
    pub(super) channel: String,
    pub(super) api_url: String,
    pub(super) update: Update,
}

/// What becomes of a group's message when there is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Update {
    /// It is changed.
    Edit,
    /// They are replies in its thread.
    Thread,
    /// They are new messages.
    Post,
}

/// Why a Slack channel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SlackFault {
    /// There is nothing to post with.
    #[error(
        "webhook_url or bot_token (or their _file) is missing, Slack shows the URL when an incoming webhook is made and the token when an app is installed"
    )]
    NoAddress,
    /// It cannot be known which is meant.
    #[error("webhook_url and bot_token are both given, keep one of them")]
    Both,
    /// An address is no `http` or `https` URL. What it is instead may be a secret.
    #[error("{0} is not an http or https URL")]
    NotAUrl(&'static str),
    /// A token is not one of a bot. What it is instead is a secret.
    #[error("bot_token is not the token of a bot, which begins with xoxb- and has no spaces")]
    NotABot,
    /// The bot does not know where to post.
    #[error("channel is missing, give the id or the #name of the channel that the bot posts in")]
    NoChannel,
    /// The channel's name cannot be one.
    #[error("channel `{0}` is neither the id nor the #name of a channel")]
    Channel(String),
    /// There is no such way to tell news.
    #[error("update is `{0}`, expected edit, thread or post")]
    Update(String),
    /// A key means nothing where an incoming webhook posts.
    #[error(
        "{0} needs bot_token, an incoming webhook posts new messages in the channel that it was made for"
    )]
    ForBots(&'static str),
    /// The secret could not be had from its file.
    #[error("{key}: {error}")]
    SecretFile {
        /// The key that names the file.
        key: &'static str,
        /// What is wrong with it.
        error: SecretError,
    },
    /// The secret could not be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Slack's own, where nothing else is configured.
const API_URL: &str = "https://slack.com/api";

/// No name or id of a channel is longer: names have 80 characters, and `#` before them.
const MAX_CHANNEL: usize = 81;

impl RawPosting {
    /// The validated posting, or everything that is wrong with it. Relative files are relative to `directory`.
    pub(crate) fn validate(self, directory: &Path) -> Result<Posting, Vec<SlackFault>> {
        let by_webhook = self.webhook_url.is_some() || self.webhook_url_file.is_some();
        let by_bot = self.bot_token.is_some() || self.bot_token_file.is_some();
        match (by_webhook, by_bot) {
            (true, true) => Err(vec![SlackFault::Both]),
            (false, false) => Err(vec![SlackFault::NoAddress]),
            (true, false) => self.webhook(directory),
            (false, true) => self.bot(directory),
        }
    }

    fn webhook(self, directory: &Path) -> Result<Posting, Vec<SlackFault>> {
        let given = [
            ("channel", self.channel.is_some()),
            ("api_url", self.api_url.is_some()),
            ("update", self.update.is_some()),
        ];
        let useless = given.into_iter().filter(|(_, given)| *given);
        let mut faults: Vec<SlackFault> = useless.map(|(key, _)| SlackFault::ForBots(key)).collect();
        let file = self.webhook_url_file.map(|file| directory.join(file));
        let url = secret(["webhook_url", "webhook_url_file"], self.webhook_url, file.as_deref())
            .and_then(
                |url| if is_url(url.expose()) { Ok(url) } else { Err(SlackFault::NotAUrl("webhook_url")) },
            )
            .map_err(|fault| faults.push(fault));
        match url {
            Ok(url) if faults.is_empty() => Ok(Posting::Webhook(url)),
            _ => Err(faults),
        }
    }

    fn bot(self, directory: &Path) -> Result<Posting, Vec<SlackFault>> {
        let mut faults = Vec::new();
        let file = self.bot_token_file.map(|file| directory.join(file));
        let token = secret(["bot_token", "bot_token_file"], self.bot_token, file.as_deref())
            .and_then(|token| if is_bot(token.expose()) { Ok(token) } else { Err(SlackFault::NotABot) });
        let token = noted(token, &mut faults);
        let channel = noted(channel(self.channel), &mut faults);
        let api_url = noted(api_url(self.api_url), &mut faults);
        let update = noted(update(self.update.as_deref()), &mut faults);
        match (token, channel, api_url, update) {
            (Some(token), Some(channel), Some(api_url), Some(update)) => {
                Ok(Posting::Bot(Bot { token, channel, api_url, update }))
            }
            _ => Err(faults),
        }
    }
}

fn noted<T>(value: Result<T, SlackFault>, faults: &mut Vec<SlackFault>) -> Option<T> {
    value.map_err(|fault| faults.push(fault)).ok()
}

fn secret(
    [name, file_name]: [&'static str; 2],
    value: Option<Secret>,
    file: Option<&Path>,
) -> Result<Secret, SlackFault> {
    match (value, file) {
        (None, Some(file)) => {
            Secret::read(file).map_err(|error| SlackFault::SecretFile { key: file_name, error })
        }
        (value, file) => Secret::from_either(name, value, file)?.ok_or(SlackFault::NoAddress),
    }
}

/// Tokens that are rotated begin with `xoxe.` before the rest.
fn is_bot(token: &str) -> bool {
    token.strip_prefix("xoxe.").unwrap_or(token).starts_with("xoxb-")
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn channel(given: Option<String>) -> Result<String, SlackFault> {
    let name = given.unwrap_or_default().trim().to_owned();
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    match name.as_str() {
        "" => Err(SlackFault::NoChannel),
        odd if odd.chars().any(is_odd) || odd.chars().count() > MAX_CHANNEL => Err(SlackFault::Channel(name)),
        _ => Ok(name),
    }
}

fn api_url(given: Option<String>) -> Result<String, SlackFault> {
    let url = given.unwrap_or_else(|| API_URL.to_owned());
    if is_url(&url) { Ok(url.trim_end_matches('/').to_owned()) } else { Err(SlackFault::NotAUrl("api_url")) }
}

fn update(given: Option<&str>) -> Result<Update, SlackFault> {
    match given {
        None | Some("edit") => Ok(Update::Edit),
        Some("thread") => Ok(Update::Thread),
        Some("post") => Ok(Update::Post),
        Some(other) => Err(SlackFault::Update(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() -> RawPosting {
        RawPosting { webhook_url: Some(Secret::new("https://hooks/hunter2")), ..RawPosting::default() }
    }

    fn bot() -> RawPosting {
        RawPosting {
            bot_token: Some(Secret::new("xoxb-hunter2")),
            channel: Some(" #alerts ".to_owned()),
            ..RawPosting::default()
        }
    }

    fn faults(raw: RawPosting) -> Vec<String> {
        let faults = raw.validate(Path::new("/nowhere")).unwrap_err();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_bot_edits_at_slack_unless_told_otherwise() {
        let Ok(Posting::Bot(found)) = bot().validate(Path::new(".")) else { panic!("no bot") };
        assert_eq!((found.channel.as_str(), found.api_url.as_str()), ("#alerts", "https://slack.com/api"));
        assert_eq!(found.update, Update::Edit);
        assert!(!format!("{found:?}").contains("hunter2"));
        for (word, wanted) in [("edit", Update::Edit), ("thread", Update::Thread), ("post", Update::Post)] {
            let raw = RawPosting {
                update: Some(word.to_owned()),
                api_url: Some("http://a/api/".to_owned()),
                ..bot()
            };
            let Ok(Posting::Bot(found)) = raw.validate(Path::new(".")) else { panic!("no bot") };
            assert_eq!((found.update, found.api_url.as_str()), (wanted, "http://a/api"));
        }
    }

    #[test]
    fn exactly_one_of_a_webhook_and_a_token_is_needed() {
        assert!(faults(RawPosting::default())[0].starts_with("webhook_url or bot_token"));
        let both = RawPosting { webhook_url_file: Some("x".into()), ..bot() };
        assert_eq!(faults(both), ["webhook_url and bot_token are both given, keep one of them"]);
    }

    #[test]
    fn what_only_a_bot_can_do_is_refused_to_a_webhook() {
        let raw = RawPosting { channel: Some("#a".to_owned()), update: Some("edit".to_owned()), ..hook() };
        let found = faults(raw);
        assert!(
            found[0].starts_with("channel needs bot_token") && found[1].starts_with("update needs"),
            "{found:?}"
        );
    }

    #[test]
    fn every_fault_of_a_bot_is_named_and_its_token_is_not() {
        let raw = RawPosting {
            bot_token: Some(Secret::new("xapp-hunter2")),
            channel: Some("two words".to_owned()),
            api_url: Some("slack.com/hunter2".to_owned()),
            update: Some("never".to_owned()),
            ..RawPosting::default()
        };
        let found = faults(raw);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(!found.concat().contains("hunter2"), "{found:?}");
        assert_eq!(faults(RawPosting { channel: None, ..bot() }).len(), 1);
        let gone = RawPosting { bot_token: None, bot_token_file: Some("gone".into()), ..bot() };
        assert!(faults(gone)[0].starts_with("bot_token_file: cannot read"));
        for token in ["xoxb-a b", "xoxb-a\u{e9}", "hunter2"] {
            assert_eq!(
                faults(RawPosting { bot_token: Some(Secret::new(token)), ..bot() }).len(),
                1,
                "{token}"
            );
        }
    }
}
