//! Reading a request's body, neither too long nor too slow.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
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
    read_into(body, max, |_| Ok(())).await
}

/// The whole body, if there is room for it: `admit` is asked before each part of it is kept, by its length in bytes.
///
/// # Errors
/// As [`read`], and what `admit` says.
pub async fn read_into(
    body: Body,
    max: ByteSize,
    admit: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    let too_long = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {max}"));
    if body.size_hint().lower() > max.bytes() {
        return Err(too_long());
    }
    let limit = usize::try_from(max.bytes()).unwrap_or(usize::MAX);
    match tokio::time::timeout(ARRIVES_WITHIN, collect(Limited::new(body, limit), admit)).await {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(Broken::Refused(problem))) => Err(problem),
        Ok(Err(Broken::Body(error))) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(Broken::Body(error))) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "the body broke off").because(error))
        }
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the body did not arrive in time")),
    }
}

/// Why a body is not there as a whole.
enum Broken {
    Refused(Problem),
    Body(Box<dyn std::error::Error + Send + Sync>),
}

async fn collect(
    mut body: Limited<Body>,
    mut admit: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Broken> {
    // pages that nothing was written to cost nothing, so a length that is only claimed does not either
    let mut whole = Vec::with_capacity(usize::try_from(body.size_hint().lower()).unwrap_or_default());
    while let Some(frame) = body.frame().await {
        if let Ok(part) = frame.map_err(Broken::Body)?.into_data() {
            admit(part.len()).map_err(Broken::Refused)?;
            whole.extend_from_slice(&part);
        }
    }
    Ok(whole.into())
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

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_answers_503() {
        let refused = read(Body::new(Silent), ByteSize::mebibytes(1)).await.unwrap_err();
        assert_eq!(refused.status, 503);
    }

    #[tokio::test]
    async fn a_body_for_which_there_is_no_room_is_refused_before_it_is_kept() {
        let full = |_| Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "full"));
        let refused = read_into(Body::from("four"), ByteSize::mebibytes(1), full).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.public.as_str()), (503, "full"));
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
