//! Reading a request's body, neither too long nor too slow.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;

use super::Problem;
use crate::config::ByteSize;

/// A body that has not arrived by then never will.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);

/// The whole body.
///
/// # Errors
/// 413 when it is longer than `max`; 400 when the connection broke; 503 when it took too long, which senders take as
/// "try again".
pub async fn read(body: Body, max: ByteSize) -> Result<Bytes, Problem> {
    read_while(body, max, |_| true).await
}

/// The whole body, as long as `has_room` says of each piece, whose length it is told, that it may be kept.
///
/// # Errors
/// As [`read`]; 503 when there is no room.
pub async fn read_while(
    body: Body,
    max: ByteSize,
    has_room: impl FnMut(usize) -> bool,
) -> Result<Bytes, Problem> {
    let too_long = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {max}"));
    if body.size_hint().lower() > max.bytes() {
        return Err(too_long());
    }
    let limit = usize::try_from(max.bytes()).unwrap_or(usize::MAX);
    let read = tokio::time::timeout(ARRIVES_WITHIN, collect(Limited::new(body, limit), has_room)).await;
    match read {
        Ok(Ok(Some(collected))) => Ok(collected),
        Ok(Ok(None)) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too much is being sent, try again"))
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(error)) => Err(Problem::new(StatusCode::BAD_REQUEST, "the body broke off").because(error)),
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the body did not arrive in time")),
    }
}

/// All pieces in one; `None` if there was no room for one of them.
async fn collect(
    mut body: Limited<Body>,
    mut has_room: impl FnMut(usize) -> bool,
) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        if !has_room(piece.len()) {
            return Ok(None);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Some(whole.freeze()))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn a_body_of_the_greatest_length_is_read_and_a_longer_one_refused() {
        let max: ByteSize = "4".parse().unwrap();
        assert_eq!(read(Body::from("four"), max).await.unwrap(), "four");
        let refused = read(Body::from("fifth"), max).await.unwrap_err();
        assert_eq!(refused.status, 413);
        assert_eq!(refused.public, "the body is longer than 4");
    }

    #[tokio::test]
    async fn a_body_that_does_not_say_its_length_is_counted_as_it_comes() {
        let frames = http_body_util::Full::from("fifth").map_frame(|frame| frame);
        let refused = read(Body::new(frames), "4".parse().unwrap()).await.unwrap_err();
        assert_eq!(refused.status, 413);
    }

    #[tokio::test]
    async fn a_body_for_which_there_is_no_room_answers_503() {
        let mut room = 4;
        let mut has_room = |length: usize| {
            let fits = length <= room;
            room -= length.min(room);
            fits
        };
        let max = ByteSize::mebibytes(1);
        assert_eq!(read_while(Body::from("four"), max, &mut has_room).await.unwrap(), "four");
        let refused = read_while(Body::from("x"), max, &mut has_room).await.unwrap_err();
        assert_eq!(refused.status, 503);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_answers_503() {
        let refused = read(Body::new(Silent), ByteSize::mebibytes(1)).await.unwrap_err();
        assert_eq!(refused.status, 503);
    }

    struct Silent;

    impl hyper::body::Body for Silent {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }
}
