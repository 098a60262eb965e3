//! The formats a template can have: which pieces make up a message and how values are escaped in them.

use super::body::Body;
use super::cut::Limit;
use super::escape::Escape;

/// How a channel's messages are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Slack's mrkdwn, one piece per block.
    Slack,
    /// A mail: its subject, and its body as text and as HTML.
    Email,
    /// One line of plain text.
    Log,
    /// The body of a request, for one service or of the operator's own.
    Webhook(Body),
}

/// What a piece is rendered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole message.
    Message,
    /// One alert of it, as `alert`, with everything of the message but its other alerts.
    Alert,
    /// One label, as `name` and `value`.
    Label,
    /// The whole message and the texts of the pieces before it, by their names.
    Body,
}

/// One file of a template.
#[derive(Debug)]
pub struct Piece {
    /// Its file name without `.hbs`.
    pub name: &'static str,
    /// What it is rendered with.
    pub scope: Scope,
    /// What makes a value from an alert harmless in it.
    pub escape: Escape,
    /// Whether a message cannot be without it.
    pub required: bool,
    /// How long its text may be; what is longer is cut.
    pub limit: Option<Limit>,
    /// The text used when the folder has no such file.
    pub built_in: &'static str,
}

macro_rules! piece {
    ($format:literal, $name:literal, $scope:ident, $escape:ident, $required:literal) => {
        Piece {
            name: $name,
            scope: Scope::$scope,
            escape: Escape::$escape,
            required: $required,
            limit: None,
            built_in: include_str!(concat!("../../../templates/", $format, "/", $name, ".hbs")),
        }
    };
}

static SLACK: [Piece; 7] = [
    piece!("slack", "title", Message, Slack, true),
    piece!("slack", "text", Message, Slack, true),
    piece!("slack", "summary", Message, Slack, false),
    piece!("slack", "action", Message, Slack, false),
    piece!("slack", "alert", Alert, Slack, false),
    piece!("slack", "label", Label, Slack, false),
    piece!("slack", "footer", Message, Slack, false),
];

static EMAIL: [Piece; 3] = [
    piece!("email", "subject", Message, Line, true),
    piece!("email", "text", Message, Text, true),
    piece!("email", "html", Message, Html, true),
];

static LOG: [Piece; 1] = [piece!("log", "line", Message, Line, true)];

impl Format {
    /// Every format.
    pub const ALL: [Self; 11] = [
        Self::Slack,
        Self::Email,
        Self::Log,
        Self::Webhook(Body::Json),
        Self::Webhook(Body::Text),
        Self::Webhook(Body::PagerDuty),
        Self::Webhook(Body::Telegram),
        Self::Webhook(Body::Teams),
        Self::Webhook(Body::Discord),
        Self::Webhook(Body::Webex),
        Self::Webhook(Body::GoogleChat),
    ];

    /// The name of its built-in template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Email => "email",
            Self::Log => "log",
            Self::Webhook(body) => body.name(),
        }
    }

    /// The format and the piece of it that are called `slack/title`.
    pub fn piece(path: &str) -> Option<(Self, &'static Piece)> {
        let (format, name) = path.split_once('/')?;
        let format = Self::ALL.into_iter().find(|known| known.name() == format)?;
        Some((format, format.pieces().iter().find(|piece| piece.name == name)?))
    }

    /// The pieces of a message, in the order a person reads them.
    pub fn pieces(self) -> &'static [Piece] {
        match self {
            Self::Slack => &SLACK,
            Self::Email => &EMAIL,
            Self::Log => &LOG,
            Self::Webhook(body) => body.pieces(),
        }
    }
}
