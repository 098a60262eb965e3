//! What each service needs besides the body that its templates make.

use modelwatch_receiver_core::template::Body;
use serde_json::{Value, json};

/// The needs of one service.
#[derive(Debug, Default)]
pub(super) struct Recipe {
    /// Where it listens, if that is the same for everyone and no secret.
    pub(super) url: Option<&'static str>,
    /// The values that its template names.
    pub(super) values: &'static [&'static str],
    /// A header that it wants, in lower case.
    pub(super) header: Option<&'static str>,
    /// What its answer says when it has taken the message.
    pub(super) success: Option<Value>,
}

/// The recipe for `body`; nothing for those that are the operator's own.
pub(super) fn recipe(body: Body) -> Recipe {
    match body {
        Body::PagerDuty => Recipe {
            url: Some("https://events.pagerduty.com/v2/enqueue"),
            values: &["routing_key"],
            success: Some(json!({"status": "success"})),
            ..Recipe::default()
        },
        Body::Telegram => {
            Recipe { values: &["chat_id"], success: Some(json!({"ok": true})), ..Recipe::default() }
        }
        Body::Webex => Recipe {
            url: Some("https://webexapis.com/v1/messages"),
            values: &["room_id"],
            header: Some("authorization"),
            ..Recipe::default()
        },
        Body::Json | Body::Text | Body::Teams | Body::Discord | Body::GoogleChat => Recipe::default(),
    }
}
