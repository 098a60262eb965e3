//! Bodies of requests: for each service a recipe, and two for everything else. A body is put together from a title and a
//! text, which are escaped for the service's own markup and cut to its limits, and is then tried for being JSON.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::cut::{Limit, Unit};
use super::{Data, Escape, Fault, Piece, Scope, Template, values};

/// What a webhook sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// JSON of the operator's own.
    Json,
    /// Text of the operator's own.
    Text,
    /// An event of PagerDuty's Events API v2.
    PagerDuty,
    /// Telegram's `sendMessage`.
    Telegram,
    /// A message with an Adaptive Card for a workflow of Microsoft Teams.
    Teams,
    /// A message of a Discord webhook.
    Discord,
    /// A message of Webex.
    Webex,
    /// A card of Google Chat.
    GoogleChat,
}

const fn piece(name: &'static str, escape: Escape, limit: Option<Limit>, built_in: &'static str) -> Piece {
    Piece { name, scope: Scope::Message, escape, required: true, limit, built_in }
}

const fn body(escape: Escape, built_in: &'static str) -> Piece {
    Piece { name: "body", scope: Scope::Body, escape, required: true, limit: None, built_in }
}

const fn title(escape: Escape, limit: Limit) -> Piece {
    piece("title", escape, Some(limit), include_str!("../../../templates/recipes/title.hbs"))
}

const fn text(escape: Escape, limit: Limit) -> Piece {
    piece("text", escape, Some(limit), include_str!("../../../templates/recipes/text.hbs"))
}

const fn units(most: usize) -> Limit {
    Limit { most, unit: Unit::Utf16 }
}

const fn bytes(most: usize) -> Limit {
    Limit { most, unit: Unit::Bytes }
}

macro_rules! recipe {
    ($name:literal) => {
        body(Escape::Json, include_str!(concat!("../../../templates/recipes/", $name, "/body.hbs")))
    };
}

static JSON: [Piece; 1] = [body(Escape::Json, include_str!("../../../templates/webhook/body.hbs"))];

static TEXT: [Piece; 1] = [body(Escape::Text, include_str!("../../../templates/webhook-text/body.hbs"))];

/// A summary has at most 1 024 characters.
static PAGERDUTY: [Piece; 2] = [
    piece(
        "summary",
        Escape::Line,
        Some(units(1_024)),
        include_str!("../../../templates/recipes/pagerduty/summary.hbs"),
    ),
    recipe!("pagerduty"),
];

/// Both together, with what the body puts around them, have at most 4 096 characters.
static TELEGRAM: [Piece; 3] =
    [title(Escape::Rich, units(500)), text(Escape::Rich, units(3_580)), recipe!("telegram")];

/// The whole message has at most 28 KB, as JSON in which some characters take twice as much, and paragraphs more.
static TEAMS: [Piece; 3] =
    [title(Escape::Markdown, bytes(1_000)), text(Escape::Markdown, bytes(7_000)), recipe!("teams")];

/// An embed's title has at most 256 characters, its description 4 096, and all of it 6 000.
static DISCORD: [Piece; 3] =
    [title(Escape::Markdown, units(256)), text(Escape::Markdown, units(4_096)), recipe!("discord")];

/// The Markdown has at most 7 439 bytes, and paragraphs make the text longer.
static WEBEX: [Piece; 3] =
    [title(Escape::Markdown, bytes(600)), text(Escape::Markdown, bytes(4_500)), recipe!("webex")];

/// The whole message has at most 32 000 bytes, as JSON.
static GOOGLE_CHAT: [Piece; 3] =
    [title(Escape::Quiet, bytes(1_000)), text(Escape::Rich, bytes(12_000)), recipe!("googlechat")];

impl Body {
    /// The services that there are recipes for.
    pub const RECIPES: [Self; 6] =
        [Self::PagerDuty, Self::Telegram, Self::Teams, Self::Discord, Self::Webex, Self::GoogleChat];

    /// The recipe of that name.
    pub fn recipe(name: &str) -> Option<Self> {
        Self::RECIPES.into_iter().find(|recipe| recipe.name() == name)
    }

    /// The name of its built-in template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "webhook",
            Self::Text => "webhook-text",
            Self::PagerDuty => "pagerduty",
            Self::Telegram => "telegram",
            Self::Teams => "teams",
            Self::Discord => "discord",
            Self::Webex => "webex",
            Self::GoogleChat => "googlechat",
        }
    }

    /// Its pieces; the last one is the body.
    pub fn pieces(self) -> &'static [Piece] {
        match self {
            Self::Json => &JSON,
            Self::Text => &TEXT,
            Self::PagerDuty => &PAGERDUTY,
            Self::Telegram => &TELEGRAM,
            Self::Teams => &TEAMS,
            Self::Discord => &DISCORD,
            Self::Webex => &WEBEX,
            Self::GoogleChat => &GOOGLE_CHAT,
        }
    }
}

impl Template {
    /// The body of a request for the message that `data` is made of ([`view::message`](super::view::message)): the pieces
    /// one after the other, each knowing those before it.
    ///
    /// Where a secret value belongs it has a mark, which nothing from an alert can be; see [`values`].
    ///
    /// # Errors
    /// As [`Template::render`]; or it should be JSON and is not.
    pub fn body(&self, data: Value) -> Result<String, Fault> {
        let mut data = Data::from(values::without_marks(data));
        let mut text = String::new();
        for piece in self.format.pieces() {
            text = self.render(piece.name, &data)?;
            if let Some(limit) = piece.limit {
                text = limit.cut(&text, piece.escape);
            }
            if let (Scope::Body, Escape::Json) = (piece.scope, piece.escape) {
                is_json(piece.name, &text)?;
            }
            if let Some(names) = data.0.data_mut().as_object_mut() {
                names.insert(piece.name.to_owned(), text.as_str().into());
            }
        }
        Ok(text)
    }
}

fn is_json(piece: &str, text: &str) -> Result<(), Fault> {
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| {
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let start: String = line.trim().chars().take(60).collect();
        Fault::new(piece, None, &format!("what it renders is not JSON: {error}, which begins `{start}`"))
    })
}
