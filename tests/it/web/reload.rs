//! Tokens, users and certificates change while a program runs; a bad one is refused and the old one stays.

use reqwest::tls::TlsInfo;

use super::{HASH, PASSWORD, USER, certify, configure};
use crate::support::certificates::Authority;
use crate::support::http::{client, send};
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, write};

const TLS: &str = "tls: {cert_file: server.pem, key_file: server.key}";

fn tokens(token: &str) -> String {
    format!("{{{TLS}, auth: {{tokens: [{{name: all, token: {token}}}], basic_users_file: users.htpasswd}}}}")
}

/// The certificate of the connection that a request went over, and the status.
async fn shown(client: &reqwest::Client, program: &Program, token: &str) -> (u16, Vec<u8>) {
    let answer = client.get(format!("{}/metrics", program.url)).bearer_auth(token).send().await.unwrap();
    let info = answer.extensions().get::<TlsInfo>().expect("it came over TLS");
    let certificate = info.peer_certificate().expect("a certificate").to_vec();
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    (status, certificate)
}

async fn both(home: &std::path::Path, authority: &Authority) -> [(Program, &'static str); 2] {
    [
        (Program::exporter_over_tls(home, &authority.pem()).await, "modelwatch_exporter"),
        (Program::receiver_over_tls(home, &authority.pem()).await, "modelwatch_receiver"),
    ]
}

async fn reload(program: &Program, token: &str) -> (u16, String) {
    let request = program.client().post(format!("{}/-/reload", program.url));
    let answer = send(request.bearer_auth(token)).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_certificate_rotates_without_a_connection_being_dropped() {
    let (home, authority) = (home(), Authority::new("our authority"));
    let old = certify(home.path(), &authority);
    configure(home.path(), &tokens("token-all"));
    let programs = both(home.path(), &authority).await;
    // a connection each from before, which is kept
    let kept = Program::trusting(&authority.pem(), None);
    for (program, _) in &programs {
        assert_eq!(shown(&kept, program, "token-all").await, (200, old.der.clone()));
    }
    let new = certify(home.path(), &authority);
    for (program, _) in &programs {
        program.signal("HUP");
        until("the new certificate is shown", async || {
            let fresh = Program::trusting(&authority.pem(), None);
            let (_, certificate) = shown(&fresh, program, "token-all").await;
            if certificate == new.der { Ok(()) } else { Err("it is the old one".to_owned()) }
        })
        .await;
        assert_eq!(
            shown(&kept, program, "token-all").await,
            (200, old.der.clone()),
            "the connection is kept"
        );
    }
}

#[tokio::test]
async fn a_bad_reload_keeps_certificate_tokens_and_users() {
    let (home, authority) = (home(), Authority::new("our authority"));
    let old = certify(home.path(), &authority);
    configure(home.path(), &tokens("token-all"));
    let programs = both(home.path(), &authority).await;
    let stranger = Authority::new("another").server();
    for (file, content, key) in [
        ("server.pem", String::from("not a certificate"), "web.tls.cert_file"),
        ("server.key", stranger.key.clone(), "web.tls.key_file"),
        ("users.htpasswd", format!("{USER}:{PASSWORD}"), "web.auth.basic_users_file"),
    ] {
        let before = std::fs::read_to_string(home.path().join(file)).unwrap();
        write(home.path(), file, content);
        for (program, prefix) in &programs {
            let (status, said) = reload(program, "token-all").await;
            assert_eq!(status, 500, "{file}: {said}");
            assert!(said.contains(key) && said.contains(file) && !said.contains(PASSWORD), "{said}");
            let fresh = Program::trusting(&authority.pem(), None);
            assert_eq!(shown(&fresh, program, "token-all").await, (200, old.der.clone()), "{file}");
            let as_user = fresh.get(format!("{}/metrics", program.url)).basic_auth(USER, Some(PASSWORD));
            let metrics = send(as_user).await.body;
            assert!(metrics.contains(&format!("{prefix}_config_last_reload_successful 0")), "{file}");
        }
        write(home.path(), file, before);
    }
    for (program, _) in &programs {
        assert_eq!(reload(program, "token-all").await.0, 200);
    }
}

#[tokio::test]
async fn a_token_and_a_user_are_taken_away_and_given_by_a_reload() {
    let home = home();
    let web = |token: &str| {
        format!("{{auth: {{tokens: [{{name: all, token: {token}}}], basic_users_file: users.htpasswd}}}}")
    };
    configure(home.path(), &web("token-old"));
    let programs = [Program::exporter(home.path()).await, Program::receiver(home.path()).await];
    let status = async |program: &Program, token: &str| {
        send(client().get(format!("{}/metrics", program.url)).bearer_auth(token)).await.status
    };
    let as_user = async |program: &Program, user: &str| {
        let request = client().get(format!("{}/metrics", program.url));
        send(request.basic_auth(user, Some(PASSWORD))).await.status
    };
    for program in &programs {
        assert_eq!(as_user(program, USER).await, 200, "and it is remembered");
    }
    configure(home.path(), &web("token-new"));
    write(home.path(), "users.htpasswd", format!("new:{HASH}\n"));
    for program in &programs {
        assert_eq!(reload(program, "token-new").await.0, 401, "not known before the reload");
        assert_eq!(reload(program, "token-old").await, (200, "reloaded\n".to_owned()));
        assert_eq!([status(program, "token-old").await, status(program, "token-new").await], [401, 200]);
        assert_eq!([as_user(program, USER).await, as_user(program, "new").await], [401, 200]);
    }
}
