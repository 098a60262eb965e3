//! Who may use the two programs, and over which connections: TLS, scoped tokens, users with passwords, and that none of
//! these secrets is ever shown.

mod browser;
mod peers;
mod reload;
mod scopes;
mod secrets;

use std::path::Path;

use crate::support::certificates::{Authority, Certified};
use crate::support::{loans, write};

/// A user of `users.htpasswd`.
const USER: &str = "ops";
const PASSWORD: &str = "open sesame";
/// What `htpasswd -B` makes of the password.
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW";

/// Writes both configurations with this `web:` section, and `users.htpasswd`.
fn configure(home: &Path, web: &str) {
    write(home, "users.htpasswd", format!("# people with browsers\n\n{USER}:{HASH}\n"));
    loans::configure(home, &format!("web: {web}\n"));
    write(
        home,
        "receiver.yaml",
        format!(
            "web: {web}\nstorage: {{url: \"sqlite:receiver.db\"}}\nroutes: [{{channels: [console]}}]\nchannels: [{{name: console, type: log}}]\n"
        ),
    );
}

/// Writes what `cert_file` and `key_file` name, and the authority that signed it.
fn certify(home: &Path, authority: &Authority) -> Certified {
    let server = authority.server();
    write(home, "ca.pem", authority.pem());
    write(home, "server.pem", &server.certificate);
    write(home, "server.key", &server.key);
    server
}
