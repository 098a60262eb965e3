//! Prometheus and Alertmanager, as Debian packages them, over TLS: with tokens, as a user, and with certificates.

use serde_json::{Value, json};

use super::{PASSWORD, USER, certify, configure};
use crate::support::certificates::Authority;
use crate::support::http::{Answer, client, send};
use crate::support::peers::Peer;
use crate::support::process::free_port;
use crate::support::program::{EXPORTER, Program, RECEIVER, run};
use crate::support::wait::until;
use crate::support::{home, write};

const WEB: &str = "{tls: {cert_file: server.pem, key_file: server.key}, auth: {tokens: [{name: scraper, file: metrics.token, allow: [metrics]}, {name: alertmanager, file: alertmanager/receiver.token, allow: [ingest]}, {name: people, token: token-read, allow: [read]}], basic_users_file: users.htpasswd}}";

fn tokens(home: &std::path::Path) {
    write(home, "metrics.token", "token-metrics\n");
    write(home, "alertmanager/receiver.token", "token-ingest\n");
}

/// Waits until the newest scrape of this job ended like this; nothing means well.
async fn scraped(prometheus: &Peer, job: &str, wanted: &str) {
    until(&format!("{job} is scraped with `{wanted}`"), async || {
        let found = send(client().get(format!("{}/api/v1/targets", prometheus.url))).await.json();
        let targets = found["data"]["activeTargets"].as_array().unwrap().clone();
        let of_job = targets.into_iter().find(|target| target["labels"]["job"] == job);
        let target = of_job.ok_or("no target")?;
        let error = target["lastError"].as_str().unwrap();
        let well = target["health"] == "up" && wanted.is_empty();
        let badly = target["health"] == "down" && !wanted.is_empty() && error.contains(wanted);
        if well || badly { Ok(()) } else { Err(target.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn prometheus_scrapes_over_tls_with_a_token_and_as_a_user() {
    let (home, authority) = (home(), Authority::new("our authority"));
    certify(home.path(), &authority);
    tokens(home.path());
    configure(home.path(), WEB);
    let exporter = Program::exporter_over_tls(home.path(), &authority.pem()).await;
    let receiver = Program::receiver_over_tls(home.path(), &authority.pem()).await;
    write(home.path(), "password", PASSWORD);
    let job = |name: &str, program: &Program, auth: &str| {
        let target = program.url.trim_start_matches("https://");
        format!(
            "  - {{job_name: {name}, scheme: https, tls_config: {{ca_file: ca.pem}}, static_configs: [{{targets: [\"{target}\"]}}]{auth}}}\n"
        )
    };
    let bearer = ", authorization: {credentials_file: metrics.token}";
    let basic = format!(", basic_auth: {{username: {USER}, password_file: password}}");
    let jobs = [
        job("exporter-token", &exporter, bearer),
        job("exporter-user", &exporter, &basic),
        job("receiver-token", &receiver, bearer),
        job("receiver-user", &receiver, &basic),
        job("nobody", &exporter, ""),
        job("wrong", &receiver, ", authorization: {credentials: guessed}"),
        job("ingest", &exporter, ", authorization: {credentials: token-ingest}"),
    ];
    write(
        home.path(),
        "prometheus.yml",
        format!("global: {{scrape_interval: 400ms}}\nscrape_configs:\n{}", jobs.concat()),
    );
    let prometheus = Peer::prometheus(home.path()).await;
    for job in ["exporter-token", "exporter-user", "receiver-token", "receiver-user"] {
        scraped(&prometheus, job, "").await;
    }
    scraped(&prometheus, "nobody", "401").await;
    scraped(&prometheus, "wrong", "401").await;
    scraped(&prometheus, "ingest", "403").await;
}

/// The names of the alerts that this receiver was told of.
async fn known(receiver: &Program) -> Vec<Value> {
    let url = format!("{}/api/v1/notifications", receiver.url);
    let answer: Answer = send(receiver.client().get(url).bearer_auth("token-read")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let all = answer.json()["notifications"].as_array().unwrap().clone();
    all.iter().map(|one| one["alerts"][0]["labels"]["alertname"].clone()).collect()
}

#[tokio::test]
async fn alertmanager_posts_over_tls_with_a_token_and_with_a_certificate() {
    let (with_token, with_certificate) = (home(), home());
    let (authority, clients) = (Authority::new("our authority"), Authority::new("authority of clients"));
    certify(with_token.path(), &authority);
    tokens(with_token.path());
    configure(with_token.path(), WEB);
    certify(with_certificate.path(), &authority);
    write(with_certificate.path(), "clients.pem", clients.pem());
    configure(
        with_certificate.path(),
        "{tls: {cert_file: server.pem, key_file: server.key, client_ca_file: clients.pem}}",
    );
    let known_client = clients.client();
    let first = Program::receiver_over_tls(with_token.path(), &authority.pem()).await;
    let second = Program::receiver_showing(with_certificate.path(), &authority.pem(), &known_client).await;

    let path = with_token.path();
    write(path, "alertmanager/ca.pem", authority.pem());
    write(path, "alertmanager/client.pem", &known_client.certificate);
    write(path, "alertmanager/client.key", &known_client.key);
    write(
        path,
        "alertmanager/alertmanager.yml",
        format!(
            "route: {{group_wait: 0s, group_interval: 1s, receiver: all}}\nreceivers:\n  - name: all\n    webhook_configs:\n      - {{url: \"{}/webhook\", http_config: {{authorization: {{credentials_file: receiver.token}}, tls_config: {{ca_file: ca.pem}}}}}}\n      - {{url: \"{}/webhook\", http_config: {{tls_config: {{ca_file: ca.pem, cert_file: client.pem, key_file: client.key}}}}}}\n",
            first.url, second.url
        ),
    );
    let alertmanager = Peer::alertmanager(path, free_port()).await;
    let alerts = json!([{"labels": {"alertname": "Drift", "severity": "warning"}}]);
    let posted = send(client().post(format!("{}/api/v2/alerts", alertmanager.url)).json(&alerts)).await;
    assert_eq!(posted.status, 200, "{}", posted.body);
    for receiver in [&first, &second] {
        until("the receiver knows the alert", async || {
            let known = known(receiver).await;
            if known == ["Drift"] { Ok(()) } else { Err(format!("{known:?}")) }
        })
        .await;
    }
    let stranger = Program::trusting(&authority.pem(), None);
    let refused = stranger.get(format!("{}/-/healthy", second.url)).send().await;
    assert!(refused.is_err(), "without a certificate there is no connection");
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_answered_in_words() {
    let (home, authority) = (home(), Authority::new("our authority"));
    certify(home.path(), &authority);
    configure(home.path(), "{tls: {cert_file: server.pem, key_file: server.key}}");
    let exporter = Program::exporter_over_tls(home.path(), &authority.pem()).await;
    let plain = send(client().get(exporter.url.replace("https", "http"))).await;
    assert_eq!(plain.status, 400);
    assert!(plain.body.contains("HTTP request to an HTTPS server"), "{}", plain.body);
}

#[tokio::test]
async fn a_replay_goes_over_tls_to_an_exporter_that_it_trusts() {
    let (home, authority) = (home(), Authority::new("our authority"));
    certify(home.path(), &authority);
    configure(
        home.path(),
        "{tls: {cert_file: server.pem, key_file: server.key}, auth: {tokens: [{name: serving, token: token-ingest, allow: [ingest]}, {name: scraper, token: token-metrics, allow: [metrics]}]}}",
    );
    write(home.path(), "ingest.token", "token-ingest\n");
    write(home.path(), "metrics.token", "token-metrics\n");
    let exporter = Program::exporter_over_tls(home.path(), &authority.pem()).await;
    let replay = |more: &[&str]| {
        let what =
            ["replay", "reference.csv", "--model=loans", "--prediction=predicted", "--url", &exporter.url];
        run(EXPORTER, home.path(), &[&what, more].concat(), &[])
    };
    let (ca, token) = ("--ca-file=ca.pem", "--token-file=ingest.token");
    let table: [(&[&str], i32, &str); 5] = [
        (&[token], 1, "its certificate is not trusted"),
        (&[ca], 1, "wants another bearer token (401 Unauthorized)"),
        (&[ca, "--token-file=metrics.token"], 1, "wants another bearer token (403 Forbidden)"),
        (&["--ca-file=gone.pem", token], 64, "--ca-file: cannot read gone.pem"),
        (&["--ca-file=server.key", token], 64, "--ca-file: server.key holds no certificate"),
    ];
    for (flags, code, words) in table {
        let said = replay(flags);
        assert_eq!(said.code, Some(code), "{flags:?}: {}", said.err);
        assert!(said.err.contains(words) && !said.err.contains("token-ingest"), "{flags:?}: {}", said.err);
    }
    let said = replay(&[ca, token]);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[tokio::test]
async fn a_fire_drill_goes_over_tls_to_the_receiver_of_the_same_configuration_and_to_no_other() {
    let (home, authority) = (home(), Authority::new("our authority"));
    certify(home.path(), &authority);
    configure(
        home.path(),
        "{tls: {cert_file: server.pem, key_file: server.key}, auth: {tokens: [{name: drill, token: token-drill, allow: [read, write]}]}}",
    );
    let receiver = Program::receiver_over_tls(home.path(), &authority.pem()).await;
    let drill = || {
        let address = format!("--web.listen-address={}", receiver.url.trim_start_matches("https://"));
        run(RECEIVER, home.path(), &["send-test", &address], &[])
    };
    let said = drill();
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    // the file has another certificate now than the one that runs
    certify(home.path(), &authority);
    let said = drill();
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains("another certificate") && !said.err.contains("token-drill"), "{}", said.err);
}
