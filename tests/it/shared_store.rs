//! Receivers that share a PostgreSQL database: together they say everything once, and none shows the database's password.

use modelwatch_postgres::Server;

use crate::support::alerts::{Alert, webhook};
use crate::support::http::{Answer, JSON, post};
use crate::support::loans::START;
use crate::support::program::{Program, RECEIVER, run};
use crate::support::slack::{Accepted, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

const PASSWORD: &str = "hunter2";

/// A database that asks for its password, and its URL.
fn database() -> (Server, String) {
    let server = Server::start().unwrap();
    server.database("alerts").unwrap();
    server.sql("postgres", &format!("create role mw login password '{PASSWORD}'")).unwrap();
    server.sql("alerts", "grant all on schema public to mw").unwrap();
    let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
    server.sql("postgres", "select pg_reload_conf()").unwrap();
    let url = format!("postgres://mw:{PASSWORD}@127.0.0.1:{}/alerts", server.port());
    (server, url)
}

fn configure(home: &std::path::Path, url: &str, slack: &Slack) {
    write(home, "receiver.url", format!("{url}\n"));
    let slack = &slack.webhook_url;
    let text = format!(
        "storage: {{url_file: receiver.url}}\nroutes: [{{channels: [team]}}]\nchannels: [{{name: team, type: slack, webhook_url: \"{slack}\"}}]\n"
    );
    write(home, "receiver.yaml", &text);
}

async fn send(receiver: &Program, name: &str) -> Answer {
    let body = webhook(name, &[Alert::firing(name, START)]).to_string();
    post(&format!("{}/webhook", receiver.url), JSON, body).await
}

async fn until_told(slack: &Slack, count: usize) {
    until(&format!("{count} messages came"), async || {
        let came = slack.count();
        if came >= count { Ok(()) } else { Err(format!("{came} came")) }
    })
    .await;
}

#[tokio::test]
async fn receivers_that_share_a_database_tell_once_go_on_without_each_other_and_show_no_password() {
    let (_server, url) = database();
    let slack = Slack::start().await;
    let (first_home, second_home) = (home(), home());
    configure(first_home.path(), &url, &slack);
    configure(second_home.path(), &url, &slack);
    let (first, second) =
        tokio::join!(Program::receiver(first_home.path()), Program::receiver(second_home.path()));
    let mut first = first.with_flags(&["--log.level=debug"]);
    first.ready().await;
    let (here, there) = tokio::join!(send(&first, "Both"), send(&second, "Both"));
    assert_eq!((here.status, there.status), (200, 200), "{} {}", here.body, there.body);
    until_told(&slack, 1).await;
    first.crash();
    assert_eq!(send(&second, "After").await.status, 200);
    until_told(&slack, 2).await;
    let mut titles: Vec<String> = slack.accepted().iter().map(Accepted::title).collect();
    titles.sort();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(titles[0].contains("After") && titles[1].contains("Both"), "{titles:?}");
    let history = run(RECEIVER, second_home.path(), &["history", "--format=json"], &[]);
    assert_eq!(history.code, Some(0), "{}", history.err);
    assert!(history.out.contains("\"Both\"") && history.out.contains("\"After\""), "{}", history.out);
    let status = second.get("/api/v1/status").await.body;
    for shown in [first.output(), second.output(), status, history.out, second.metrics().await] {
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
}

#[test]
fn a_password_that_is_wrong_is_said_and_not_shown() {
    let (_server, url) = database();
    let folder = home();
    write(folder.path(), "receiver.url", url.replace(PASSWORD, "hunter3"));
    write(
        folder.path(),
        "receiver.yaml",
        "storage: {url_file: receiver.url}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n",
    );
    let said = run(RECEIVER, folder.path(), &["serve", "--web.listen-address=127.0.0.1:0"], &[]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("storage.url: the database `alerts` on 127.0.0.1:"), "{}", said.err);
    assert!(said.err.contains("password authentication failed"), "{}", said.err);
    assert!(!said.err.contains("hunter") && !said.out.contains("hunter"), "{}{}", said.out, said.err);
}
