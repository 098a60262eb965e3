//! What can be wrong with the description of a request. No message repeats a value, since any may be a secret.

use modelwatch_common::secret::SecretError;

/// Why a webhook channel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HookFault {
    /// There is no address.
    #[error("url or url_file is missing, it says where requests are sent")]
    NoUrl,
    /// The address is no `http` or `https` URL. What it is instead is a secret.
    #[error("url is not an http or https URL")]
    NotAUrl,
    /// A secret could not be had.
    #[error("{key}: {error}")]
    Secret {
        /// The key in the configuration.
        key: String,
        /// Why.
        error: SecretError,
    },
    /// No such method can be.
    #[error("method is not one of HTTP, expected a word such as POST or PUT")]
    Method,
    /// The name of a header cannot be one.
    #[error("headers: `{0}` is not the name of a header")]
    HeaderName(String),
    /// The value of a header cannot be one.
    #[error("headers.{0}: expected one line of visible characters")]
    HeaderValue(String),
    /// The program writes that header itself.
    #[error("headers.{0}: the receiver writes this header itself, leave it out")]
    OwnHeader(String),
    /// The name of a value cannot be written in templates.
    #[error("values: `{0}` is not a name: use letters, digits, `-` and `_`")]
    ValueName(String),
    /// The recipe's template names a value.
    #[error("values.{name} is missing, the recipe `{recipe}` needs it (or {name}_file)")]
    NoValue {
        /// The recipe.
        recipe: &'static str,
        /// The value.
        name: &'static str,
    },
    /// The recipe's service wants a header.
    #[error("headers.{name} is missing, the recipe `{recipe}` needs it (or {name}_file)")]
    NoHeader {
        /// The recipe.
        recipe: &'static str,
        /// The header.
        name: &'static str,
    },
    /// A recipe says itself what its body is.
    #[error("body cannot be chosen for the recipe `{0}`, leave it out")]
    BodyOfRecipe(&'static str),
    /// Neither word for a body.
    #[error("body: expected json or text, found `{0}`")]
    Body(String),
    /// A number that is no status.
    #[error("success.status: {0} is not the status of an answer, expected 200 to 599")]
    Status(u64),
    /// Fields are wanted, but what they are in is no object.
    #[error("success.json: expected the fields of an answer and their values, such as {{ok: true}}")]
    Fields,
    /// The signature has no secret.
    #[error("signature.secret or signature.secret_file is missing")]
    NoSecret,
    /// The signature's secret says that it is Base64.
    #[error("signature.secret begins with `whsec_`, but what follows is not Base64")]
    NotBase64,
}
