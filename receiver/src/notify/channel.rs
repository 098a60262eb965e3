//! The `channels` section of the configuration: who can be told, and how.

use std::path::{Path, PathBuf};

use modelwatch_common::secret::Secret;
use modelwatch_receiver_core::retry::{Rate, RateError};
use modelwatch_receiver_core::template::Format;
use serde::Deserialize;

use super::email::{EmailFault, Mailing, RawMailing, RawSmtp};
use super::slack::{Posting, RawPosting, SlackFault};
use super::webhook::{Hook, HookFault, RawHook};

/// A channel as written in the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RawChannel {
    /// A line in the program's own log.
    Log {
        /// What routes call it.
        name: String,
        /// The folder of its templates, `log` by default.
        template: Option<String>,
        /// Whether the end of an alert is told, true by default.
        send_resolved: Option<bool>,
        /// The channel that gets what this one did not.
        fallback: Option<String>,
    },
    /// A Slack channel, by incoming webhook or by a bot's token.
    Slack {
        /// What routes call it.
        name: String,
        /// The folder of its templates, `slack` by default.
        template: Option<String>,
        /// Whether the end of an alert is told, true by default.
        send_resolved: Option<bool>,
        /// The channel that gets what this one did not.
        fallback: Option<String>,
        /// The incoming webhook's URL, which is a secret.
        webhook_url: Option<Secret>,
        /// A file with that URL.
        webhook_url_file: Option<PathBuf>,
        /// A bot's token, which is a secret.
        bot_token: Option<Secret>,
        /// A file with that token.
        bot_token_file: Option<PathBuf>,
        /// The id or the #name of the channel that the bot posts in.
        channel: Option<String>,
        /// Where Slack's Web API is, Slack's own by default.
        api_url: Option<String>,
        /// What becomes of a group's message when there is news: `edit` by default, `thread` or `post`.
        update: Option<String>,
        /// How often it may be sent to, `1/s` by default, which is what Slack allows.
        rate: Option<String>,
    },
    /// Mails through an SMTP server.
    Email {
        /// What routes call it.
        name: String,
        /// The folder of its templates, `email` by default.
        template: Option<String>,
        /// Whether the end of an alert is told, true by default.
        send_resolved: Option<bool>,
        /// The channel that gets what this one did not.
        fallback: Option<String>,
        /// The server.
        smtp: Option<RawSmtp>,
        /// Who they are from, as `Name <address>` or an address.
        from: Option<String>,
        /// Who gets them.
        to: Option<Vec<String>>,
        /// How often it may be sent to, as often as there is something to say by default.
        rate: Option<String>,
    },
    /// A request to any service.
    Webhook(Box<RawHook>),
}

/// A channel that can be built into a notifier.
#[derive(Debug, Clone)]
pub struct Channel {
    name: String,
    template: String,
    send_resolved: bool,
    fallback: Option<String>,
    rate: Option<Rate>,
    r#type: ChannelType,
}

/// What only one type of channel has.
#[derive(Debug, Clone)]
pub enum ChannelType {
    /// A line in the program's own log.
    Log,
    /// A Slack channel.
    Slack(Posting),
    /// Mails through an SMTP server.
    Email(Box<Mailing>),
    /// A request to any service.
    Webhook(Box<Hook>),
}

/// What is left of a channel as written once its type is known.
struct Parts {
    name: String,
    template: Option<String>,
    send_resolved: Option<bool>,
    kind: Option<ChannelType>,
    rate: Option<Rate>,
}

/// Why a channel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// It has no name.
    #[error("name is empty, give the channel one for routes to use")]
    Unnamed,
    /// What a Slack channel posts with or where cannot be used.
    #[error(transparent)]
    Slack(#[from] SlackFault),
    /// A server or an address cannot be used.
    #[error(transparent)]
    Email(#[from] EmailFault),
    /// A request cannot be made as it is described.
    #[error(transparent)]
    Webhook(#[from] HookFault),
    /// The rate cannot be read.
    #[error("rate: {0}")]
    Rate(#[from] RateError),
    /// The name of a template folder would leave the templates' folder.
    #[error("template `{0}` is not the name of a folder: use letters, digits, `-` and `_`")]
    TemplateName(String),
    /// The HTTP client cannot be built, so TLS is broken on this machine.
    #[error("cannot build the HTTP client: {0}")]
    Client(String),
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

impl RawChannel {
    /// What routes call it, as written.
    pub fn name(&self) -> &str {
        match self {
            Self::Log { name, .. } | Self::Slack { name, .. } | Self::Email { name, .. } => name,
            Self::Webhook(hook) => &hook.name,
        }
    }

    /// The channel that gets what this one did not, as written.
    pub fn fallback(&self) -> Option<&str> {
        match self {
            Self::Log { fallback, .. } | Self::Slack { fallback, .. } | Self::Email { fallback, .. } => {
                fallback.as_deref()
            }
            Self::Webhook(hook) => hook.fallback.as_deref(),
        }
    }

    /// The validated channel, or everything that is wrong with it. Relative files are relative to `directory`.
    ///
    /// # Errors
    /// All faults of the channel.
    pub fn validate(self, directory: &Path) -> Result<Channel, Vec<ChannelError>> {
        let mut faults = Vec::new();
        let fallback = self.fallback().map(str::to_owned);
        let Parts { name, template, send_resolved, kind, rate } = self.parts(directory, &mut faults);
        if name.trim().is_empty() {
            faults.push(ChannelError::Unnamed);
        }
        if let Some(template) = template.as_ref().filter(|template| !is_folder_name(template)) {
            faults.push(ChannelError::TemplateName(template.clone()));
        }
        match kind {
            Some(kind) if faults.is_empty() => Ok(Channel {
                template: template.unwrap_or_else(|| kind.format().name().to_owned()),
                send_resolved: send_resolved.unwrap_or(true),
                fallback,
                rate,
                name,
                r#type: kind,
            }),
            _ => Err(faults),
        }
    }

    /// What each type has in ways of its own; what is wrong with it is noted.
    fn parts(self, directory: &Path, faults: &mut Vec<ChannelError>) -> Parts {
        match self {
            Self::Log { name, template, send_resolved, fallback: _ } => {
                Parts { name, template, send_resolved, kind: Some(ChannelType::Log), rate: None }
            }
            Self::Slack {
                name,
                template,
                send_resolved,
                fallback: _,
                webhook_url,
                webhook_url_file,
                bot_token,
                bot_token_file,
                channel,
                api_url,
                update,
                rate,
            } => {
                let raw = RawPosting {
                    webhook_url,
                    webhook_url_file,
                    bot_token,
                    bot_token_file,
                    channel,
                    api_url,
                    update,
                };
                let kind = noted(raw.validate(directory), faults).map(ChannelType::Slack);
                let rate = parse_rate(rate, Some(Rate::ONE_PER_SECOND), faults);
                Parts { name, template, send_resolved, kind, rate }
            }
            Self::Email { name, template, send_resolved, fallback: _, smtp, from, to, rate } => {
                let mailing = noted(RawMailing { smtp, from, to }.validate(directory), faults);
                let rate = parse_rate(rate, None, faults);
                let kind = mailing.map(|mailing| ChannelType::Email(Box::new(mailing)));
                Parts { name, template, send_resolved, kind, rate }
            }
            Self::Webhook(hook) => {
                let (name, template, send_resolved) =
                    (hook.name.clone(), hook.template.clone(), hook.send_resolved);
                let rate = parse_rate(hook.rate.clone(), None, faults);
                let kind = noted(hook.validate(directory), faults);
                let kind = kind.map(|hook| ChannelType::Webhook(Box::new(hook)));
                Parts { name, template, send_resolved, kind, rate }
            }
        }
    }
}

impl Channel {
    /// What routes call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of its templates.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Whether the end of an alert is told.
    pub fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    /// The channel that gets what is a dead letter here.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// How often it may be sent to; `None` for as often as there is something to say.
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// What only this type of channel has.
    pub fn r#type(&self) -> &ChannelType {
        &self.r#type
    }
}

impl ChannelType {
    /// How its templates are escaped and which pieces they have.
    pub fn format(&self) -> Format {
        match self {
            Self::Log => Format::Log,
            Self::Slack(_) => Format::Slack,
            Self::Email(_) => Format::Email,
            Self::Webhook(hook) => Format::Webhook(hook.body()),
        }
    }
}

/// What was validated; what is wrong with it is noted.
fn noted<T, F: Into<ChannelError>>(
    validated: Result<T, Vec<F>>,
    faults: &mut Vec<ChannelError>,
) -> Option<T> {
    validated.map_err(|found| faults.extend(found.into_iter().map(Into::into))).ok()
}

fn parse_rate(rate: Option<String>, default: Option<Rate>, faults: &mut Vec<ChannelError>) -> Option<Rate> {
    let Some(text) = rate else { return default };
    text.parse().map_err(|fault: RateError| faults.push(fault.into())).ok()
}

fn is_folder_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests;
