//! A person with a browser and a password.

use std::process::Command;

use super::{PASSWORD, USER, certify, configure};
use crate::support::certificates::Authority;
use crate::support::home;
use crate::support::program::Program;

const WEB: &str =
    "{tls: {cert_file: server.pem, key_file: server.key}, auth: {basic_users_file: users.htpasswd}}";

/// What a browser shows at this address, as HTML.
fn seen(home: &std::path::Path, url: &str) -> String {
    let mut chromium = Command::new("chromium");
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"]);
    chromium.arg(format!("--user-data-dir={}", home.join("browser").display()));
    let output =
        chromium.args(["--dump-dom", url]).output().expect("chromium is there: apt-get install chromium");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_person_sees_the_pages_with_a_password_and_nothing_without() {
    let (home, authority) = (home(), Authority::new("our authority"));
    certify(home.path(), &authority);
    configure(home.path(), WEB);
    let exporter = Program::exporter_over_tls(home.path(), &authority.pem()).await;
    let receiver = Program::receiver_over_tls(home.path(), &authority.pem()).await;
    for program in [exporter, receiver] {
        let user = format!("https://{USER}:{}@", PASSWORD.replace(' ', "%20"));
        let page = seen(home.path(), &program.url.replace("https://", &user));
        assert!(page.contains("modelwatch") && page.contains("<main"), "{page}");
        let nobody = seen(&home.path().join("nobody"), &program.url);
        assert!(!nobody.contains("<main"), "{nobody}");
    }
}
