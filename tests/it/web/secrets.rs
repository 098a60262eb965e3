//! No secret is ever shown, by either program, whatever is asked of it and however much it logs.

use super::{HASH, PASSWORD, USER, certify, configure};
use crate::support::alerts::{Alert, webhook};
use crate::support::certificates::Authority;
use crate::support::http::{JSON, send};
use crate::support::loans::START;
use crate::support::process::free_port;
use crate::support::program::{EXPORTER, Program, RECEIVER, run};
use crate::support::slack::{BOT_TOKEN, CHANNEL, PATH, Slack};
use crate::support::wait::until;
use crate::support::{home, write};

const WEB: &str = "{tls: {cert_file: server.pem, key_file: server.key}, auth: {tokens: [{name: inline, token: hunter2-inline}, {name: filed, file: web.token, allow: [ingest]}], basic_users_file: users.htpasswd}}";
const FILED: &str = "hunter2-filed";
/// What somebody tries who does not know better.
const GUESSED: &str = "hunter2-guessed";
const PAGES: [&str; 9] = [
    "/",
    "/metrics",
    "/api/v1/status",
    "/api/v1/models",
    "/api/v1/models/loans",
    "/api/v1/notifications",
    "/nowhere",
    "/v1/events",
    "/webhook",
];

/// Fails when `text` holds one of the secrets.
fn assert_tells_nothing(what: &str, text: &str, key: &str) {
    let (body_of_key, url) = (key.lines().nth(1).expect("a key"), PATH.rsplit('/').next().expect("a path"));
    let encoded = ["b3BzOm9wZW4gc2VzYW1l", "b3BzOmh1bnRlcjItZ3Vlc3NlZA"];
    for secret in ["hunter2", PASSWORD, HASH, &HASH[7..29], body_of_key, url, encoded[0], encoded[1]] {
        assert!(!text.contains(secret), "{what} shows `{secret}`:\n{text}");
    }
}

/// Asks for everything with every kind of credentials, right and wrong.
async fn ask_for_everything(program: &Program, key: &str) {
    for path in PAGES {
        let url = || program.client().get(format!("{}{path}", program.url));
        let requests = [
            url(),
            url().bearer_auth("hunter2-inline"),
            url().bearer_auth(FILED),
            url().bearer_auth(GUESSED),
            url().basic_auth(USER, Some(PASSWORD)),
            url().basic_auth(USER, Some(GUESSED)),
            url().header("authorization", format!("Basic {GUESSED}")),
            url().header("authorization", format!("Digest {GUESSED}")),
            url().bearer_auth(FILED).bearer_auth(GUESSED),
        ];
        for request in requests {
            assert_tells_nothing(path, &send(request).await.body, key);
        }
    }
}

/// A channel of type `webhook` with a secret wherever it can have one, and nobody behind it.
fn pager() -> String {
    format!(
        "{{name: pager, type: webhook, template: pagerduty, url: \"http://127.0.0.1:{}/hunter2\", headers: {{X-Key: hunter2-header}}, values: {{routing_key: hunter2-key}}, signature: {{secret: hunter2-secret}}}}",
        free_port()
    )
}

#[tokio::test]
async fn no_secret_is_in_logs_errors_pages_metrics_or_checks() {
    let (home, authority, slack) = (home(), Authority::new("our authority"), Slack::start().await);
    let path = home.path();
    let key = certify(path, &authority).key;
    write(path, "web.token", format!("{FILED}\n"));
    write(path, "slack.url", &slack.webhook_url);
    configure(path, WEB);
    let receiver = std::fs::read_to_string(path.join("receiver.yaml")).unwrap();
    let team = "{name: team, type: slack, webhook_url_file: slack.url, rate: 100/s}";
    let pager = pager();
    write(path, "slack.token", BOT_TOKEN);
    let bot = format!(
        "{{name: bot, type: slack, bot_token_file: slack.token, channel: \"{CHANNEL}\", api_url: \"{}\", rate: 100/s}}",
        slack.api_url
    );
    let receiver = receiver.replace("channels: [console]", "channels: [console, team, bot, pager]");
    let receiver = receiver.replace("type: log}]", &format!("type: log}}, {team}, {bot}, {pager}]"));
    // nobody is there, so that somebody has to complain
    let nobody = format!("http://reader:hunter2-upstream@127.0.0.1:{}", free_port());
    let asking = format!("alertmanager: {{url: \"{nobody}\", sources: [filed]}}\n");
    write(path, "receiver.yaml", receiver + &asking);

    for (name, program) in [
        (EXPORTER, Program::exporter_over_tls(path, &authority.pem()).await),
        (RECEIVER, Program::receiver_over_tls(path, &authority.pem()).await),
    ] {
        let mut program = program.with_flags(&["--log.level=debug"]);
        program.ready().await;
        ask_for_everything(&program, &key).await;
        if name == RECEIVER {
            slack.fail_next(crate::support::slack::Fault::Status(404, "channel_not_found"));
            let url = format!("{}/webhook", program.url);
            let alert = Alert::firing("Bad", START);
            let say = async |alert: &Alert| {
                let request = program.client().post(&url).header("content-type", JSON).bearer_auth(FILED);
                assert_eq!(send(request.body(webhook("g", [alert]).to_string())).await.status, 200);
            };
            say(&alert).await;
            until("somebody was told", async || {
                let url = format!("{}/api/v1/notifications", program.url);
                let answer = send(program.client().get(url).bearer_auth("hunter2-inline")).await.body;
                assert_tells_nothing("history", &answer, &key);
                if answer.contains("not_found") { Ok(()) } else { Err(answer) }
            })
            .await;
            // a copy of what is over, about which nobody can be asked
            say(&alert.resolved(START + 1)).await;
            say(&alert).await;
            until("nobody can be asked", async || match program.output() {
                said if said.contains("Alertmanager cannot be asked") => Ok(()),
                said => Err(said),
            })
            .await;
        }
        let reload = program.client().post(format!("{}/-/reload", program.url));
        assert_eq!(send(reload.bearer_auth("hunter2-inline")).await.status, 200);
        let checked = run(name, path, &["check-config", "--log.level=debug"], &[]);
        assert_eq!(checked.code, Some(0), "{}", checked.err);
        assert_tells_nothing("check-config", &format!("{}{}", checked.out, checked.err), &key);
        assert!(program.output().contains("level=debug"), "it logs everything: {}", program.output());
        assert_tells_nothing("the log", &program.output(), &key);
    }
    assert!(slack.accepted().is_empty() || slack.refused().is_empty());
}

#[tokio::test]
async fn no_fault_of_the_section_shows_a_secret() {
    let (home, authority) = (home(), Authority::new("our authority"));
    let path = home.path();
    let key = certify(path, &authority).key;
    write(path, "twice.key", format!("{key}{HASH}"));
    for web in [
        format!("{{auth: {{tokens: [{{name: a, token: {FILED}, file: x}}]}}}}"),
        format!("{{auth: {{tokens: [{{name: a, token: [{FILED}]}}]}}}}"),
        format!("{{auth: {{tokens: [{{name: a, token: {FILED}, allow: []}}]}}}}"),
        format!("{{auth: {{tokens: '{FILED}'}}}}"),
        format!("{{auth: '{FILED}'}}"),
        format!("{{tls: '{FILED}'}}"),
        "{auth: {basic_users_file: server.key}}".to_owned(),
        "{tls: {cert_file: server.key, key_file: server.pem}}".to_owned(),
        "{tls: {cert_file: server.pem, key_file: users.htpasswd}}".to_owned(),
        "{tls: {cert_file: server.pem, key_file: server.key, client_ca_file: server.key}}".to_owned(),
    ] {
        configure(path, &web);
        for name in [EXPORTER, RECEIVER] {
            let said = run(name, path, &["check-config", "--log.level=debug"], &[]);
            assert_eq!(said.code, Some(64), "{web}: {}", said.out);
            assert!(said.err.contains(": web."), "{}", said.err);
            assert_tells_nothing(&web, &format!("{}{}", said.out, said.err), &key);
        }
    }
}
