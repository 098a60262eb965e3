//! What goes wrong with a request: a sentence for the client, another for the log.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The answer to a request that cannot be served: `{"error":"<public>"}`. The private part goes to the log only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// What the client is told.
    pub public: String,
    /// What the operator is told in the log, if there is more to say. Never a payload or a secret.
    pub private: Option<String>,
}

impl Problem {
    /// A problem of which the client may know everything.
    pub fn new(status: StatusCode, public: impl Into<String>) -> Problem {
        Problem { status, public: public.into(), private: None }
    }

    /// The same, with what only the log may hold.
    #[must_use]
    pub fn because(mut self, private: impl fmt::Display) -> Problem {
        self.private = Some(private.to_string());
        self
    }

    /// Only what the client is not told is worth an operator's eye; anyone could fill the log with the rest.
    fn log(&self) {
        let status = self.status.as_u16();
        match &self.private {
            Some(reason) if self.status.is_server_error() => {
                tracing::error!(status, reason, "a request could not be served");
            }
            _ => tracing::debug!(status, reason = self.public, "a request was refused"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        (self.status, Json(serde_json::json!({ "error": self.public }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_client_sees_the_public_part_only() {
        let problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again later").because("disk is full");
        let answer = problem.into_response();
        assert_eq!(answer.status(), 503);
        let body = axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
        assert_eq!(body, r#"{"error":"try again later"}"#);
    }
}
