//! What a notification came to whose destination is several recipients: one outcome made of theirs.

use super::Outcome;

/// What one recipient of a notification came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The recipient's address.
    pub recipient: String,
    /// What its last attempt came to.
    pub outcome: Outcome,
    /// How many attempts there were.
    pub tries: u32,
}

impl Receipt {
    /// Whether nothing is to be sent to it any more: it has the message, or refused it for good.
    pub fn is_settled(&self) -> bool {
        !matches!(self.outcome, Outcome::Retryable { .. })
    }

    /// Whether it has the message.
    pub fn is_delivered(&self) -> bool {
        matches!(self.outcome, Outcome::Delivered { .. })
    }
}

/// The outcome of an attempt whose recipients came to `receipts`, in their order.
///
/// While one may still say yes it is retryable, whatever the others said; then permanent if one refused for good, so that
/// what not everybody has is a dead letter that can be seen; delivered only when everybody has it. The reason is that of
/// the first that decides, and the words say what came of whom.
pub fn together(receipts: &[Receipt]) -> Outcome {
    let detail = words(receipts);
    let of = |retryable: bool| {
        receipts.iter().map(|receipt| &receipt.outcome).find(|outcome| match outcome {
            Outcome::Retryable { .. } => retryable,
            Outcome::Permanent { .. } => !retryable,
            Outcome::Delivered { .. } => false,
        })
    };
    match of(true).or_else(|| of(false)) {
        Some(Outcome::Retryable { reason, .. }) => {
            let ambiguous = receipts.iter().any(|receipt| receipt.outcome.is_ambiguous());
            let asked = |receipt: &Receipt| match receipt.outcome {
                Outcome::Retryable { retry_after, .. } => retry_after,
                _ => None,
            };
            let retry_after = receipts.iter().filter_map(asked).max();
            Outcome::Retryable { reason: *reason, retry_after, ambiguous, detail }
        }
        Some(Outcome::Permanent { reason, .. }) => Outcome::Permanent { reason: *reason, detail },
        _ => Outcome::Delivered { detail },
    }
}

/// `b@x: 550 no such user; c@x, d@x: no connection: refused; a@x: 250 ok`: what went wrong first, the same said once.
fn words(receipts: &[Receipt]) -> String {
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    let (delivered, others): (Vec<_>, Vec<_>) = receipts.iter().partition(|receipt| receipt.is_delivered());
    for receipt in others.into_iter().chain(delivered) {
        let detail = receipt.outcome.detail();
        match said.iter_mut().find(|(words, _)| *words == detail) {
            Some((_, recipients)) => recipients.push(&receipt.recipient),
            None => said.push((detail, vec![&receipt.recipient])),
        }
    }
    let parts = said.into_iter().map(|(words, recipients)| format!("{}: {words}", recipients.join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
