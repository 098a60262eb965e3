//! What lies below an error: the causes that its own words leave out.

use std::error::Error;

/// Everything below `error`, outermost first.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(below(error), |&cause| below(cause))
}

/// Whether TLS is what failed.
#[must_use]
pub fn is_tls(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<rustls::Error>)
}

/// An `io::Error` hides what it wraps from `source`.
fn below<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_an_input_or_output_error_wraps_is_among_the_causes() {
        let tls = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let error = io::Error::other(tls);
        assert!(is_tls(&error));
        assert_eq!(causes(&error).count(), 2);
        assert!(!is_tls(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }
}
