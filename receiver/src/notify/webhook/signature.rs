//! Proof that a request is ours and new: HMAC-SHA256 over its id, its time and its body.
//!
//! Source: Standard Webhooks 1.0 (standardwebhooks.com), symmetric signatures, so that libraries can check them. What is
//! signed is `<webhook-id>.<webhook-timestamp>.<body>`; whoever refuses old timestamps is safe from replays.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modelwatch_common::secret::Secret;
use reqwest::header::{HeaderName, HeaderValue};
use ring::hmac;

/// Where the signature stands.
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The headers of one request, whose id stays the same when it is tried again; the time is in seconds since 1970.
pub(super) fn headers(secret: &Secret, id: &str, time: u64, body: &str) -> Vec<(HeaderName, HeaderValue)> {
    let time = time.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key(secret).unwrap_or_default());
    let tag = hmac::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
    [
        (HeaderName::from_static("webhook-id"), id),
        (HeaderName::from_static("webhook-timestamp"), &time),
        (SIGNATURE, &signature),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)))
    .collect()
}

/// The key that a secret stands for: its bytes, or, of `whsec_…`, those that the rest of it stands for in Base64.
pub(super) fn key(secret: &Secret) -> Option<Vec<u8>> {
    match secret.expose().strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).ok(),
        None => Some(secret.expose().as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(secret: &str, id: &str, time: u64, body: &str) -> String {
        let headers = headers(&Secret::new(secret), id, time, body);
        let found = headers.iter().find(|(name, _)| *name == SIGNATURE).unwrap();
        found.1.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(
            signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn id_time_body_and_secret_are_all_signed() {
        let signed = signature("secret", "id", 1, "body");
        for other in [
            signature("other", "id", 1, "body"),
            signature("secret", "other", 1, "body"),
            signature("secret", "id", 2, "body"),
            signature("secret", "id", 1, "other"),
        ] {
            assert_ne!(other, signed);
        }
    }

    #[test]
    fn a_key_that_says_it_is_base64_is_base64() {
        assert_eq!(key(&Secret::new("whsec_!")), None);
        assert_eq!(key(&Secret::new("plain")), Some(b"plain".to_vec()));
    }
}
