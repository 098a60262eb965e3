//! The formats a template can have: which pieces make up a message and how values are escaped in them.

use super::escape;

/// How a channel's messages are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Slack's mrkdwn, one piece per block.
    Slack,
    /// One line of plain text.
    Log,
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
}

/// One file of a template.
#[derive(Debug)]
pub struct Piece {
    /// Its file name without `.hbs`.
    pub name: &'static str,
    /// What it is rendered with.
    pub scope: Scope,
    /// Whether a message cannot be without it.
    pub required: bool,
    /// The text used when the folder has no such file.
    pub built_in: &'static str,
}

macro_rules! piece {
    ($format:literal, $name:literal, $scope:ident, $required:literal) => {
        Piece {
            name: $name,
            scope: Scope::$scope,
            required: $required,
            built_in: include_str!(concat!("../../../templates/", $format, "/", $name, ".hbs")),
        }
    };
}

static SLACK: [Piece; 7] = [
    piece!("slack", "title", Message, true),
    piece!("slack", "text", Message, true),
    piece!("slack", "summary", Message, false),
    piece!("slack", "action", Message, false),
    piece!("slack", "alert", Alert, false),
    piece!("slack", "label", Label, false),
    piece!("slack", "footer", Message, false),
];

static LOG: [Piece; 1] = [piece!("log", "line", Message, true)];

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Slack, Self::Log];

    /// The name of its built-in template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Log => "log",
        }
    }

    /// The pieces of a message, in the order a person reads them.
    pub fn pieces(self) -> &'static [Piece] {
        match self {
            Self::Slack => &SLACK,
            Self::Log => &LOG,
        }
    }

    /// What makes a value from an alert harmless in it.
    pub fn escape(self) -> fn(&str) -> String {
        match self {
            Self::Slack => escape::slack,
            Self::Log => escape::line,
        }
    }
}
