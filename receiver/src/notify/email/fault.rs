//! What can be wrong with an email channel's configuration, each named with its key below the channel.

use std::path::PathBuf;

use modelwatch_common::secret::SecretError;

/// More recipients than this are a mailing list's work, which the mail server does better.
pub(super) const MAX_RECIPIENTS: usize = 100;

/// What is wrong with an email channel's configuration.
#[derive(Debug, thiserror::Error)]
pub enum EmailFault {
    /// There is no server.
    #[error("smtp.host is missing, expected the name of the mail server")]
    NoHost,
    /// Something that is no name stands where one belongs.
    #[error(
        "smtp.host `{0}` is not a name or an address of a server; the port has a key of its own, `smtp.port`"
    )]
    Host(String),
    /// No server listens there.
    #[error("smtp.port is {0}, expected 1 to 65535")]
    Port(u64),
    /// A word that is no protection.
    #[error("smtp.tls `{0}` is unknown, expected starttls, implicit or none")]
    Protection(String),
    /// A user without a password.
    #[error("smtp.username is given without smtp.password or smtp.password_file")]
    NoPassword,
    /// A password without a user.
    #[error("smtp.password is given without smtp.username")]
    NoUsername,
    /// A password that everyone between could read.
    #[error(
        "smtp.tls is none, which would send the password in the clear to {0}; expected starttls or implicit"
    )]
    InTheClear(String),
    /// The password could not be had.
    #[error("smtp.password: {0}")]
    Password(SecretError),
    /// The password could not be had from its file.
    #[error("smtp.password_file: {0}")]
    PasswordFile(SecretError),
    /// Certificates that nothing would use.
    #[error("smtp.ca_file is of no use with smtp.tls: none")]
    UselessCertificates,
    /// The file of certificates cannot be read.
    #[error("smtp.ca_file: cannot read {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// There is no certificate in it.
    #[error("smtp.ca_file: {} holds no certificate that can be used, expected PEM with BEGIN CERTIFICATE", .0.display())]
    NoCertificate(PathBuf),
    /// Nobody sends them.
    #[error("from is missing, expected an address such as `modelwatch <alerts@example.com>`")]
    NoFrom,
    /// Nobody gets them.
    #[error("to is missing or empty, expected a list of addresses")]
    NoTo,
    /// Too many get them.
    #[error("to has {0} recipients, expected at most {MAX_RECIPIENTS}; for more, use a mailing list")]
    TooMany(usize),
    /// What stands there is no address.
    #[error(
        "{key} `{text}` is not an address such as `oncall@example.com` or `On call <oncall@example.com>`"
    )]
    Address {
        /// `from`, or `to[3]`.
        key: String,
        /// What is there.
        text: String,
    },
    /// Somebody would get everything twice.
    #[error("to[{index}] `{address}` is there twice")]
    Twice {
        /// Its place in the list.
        index: usize,
        /// The address.
        address: String,
    },
}
