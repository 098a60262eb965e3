use std::time::{Duration, Instant};

use modelwatch_common::secret::Secret;
use modelwatch_postgres::{Server, Stop};

use crate::store::on_postgres::bench::{self, Bench, Home, group};
use crate::store::{Place, Store, StoreError};

mod clock;

/// A password that must be seen nowhere.
const PASSWORD: &str = "hunter2";

fn place(url: &str) -> Place {
    Place::parse(&Secret::new(url)).unwrap()
}

fn server(bench: &mut Bench) -> &mut Server {
    match std::sync::Arc::get_mut(&mut bench.home) {
        Some(Home::Server(server)) => server,
        _ => panic!("the store is no server's, or shared"),
    }
}

/// Notes a webhook, and says how that went.
async fn note(store: &Store) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    bench::note(&mut transaction, group(), store.now()).await?;
    transaction.commit().await
}

async fn noted(store: &Store) -> i64 {
    sqlx::query_scalar("select count(*) from webhooks").fetch_one(store.readers()).await.unwrap()
}

/// Ends every session that writes, as the end of its machine would.
fn cut(server: &Server) {
    server
        .sql(
            "postgres",
            "select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = 'modelwatch-receiver' and pid <> pg_backend_pid()",
        )
        .unwrap();
}

#[tokio::test]
async fn receivers_that_start_at_once_on_an_empty_database_all_come_up() {
    let server = Server::start().unwrap();
    let place = place(&server.database("alerts").unwrap());
    let (a, b, c) = tokio::join!(Store::open(&place), Store::open(&place), Store::open(&place));
    for store in [a.unwrap(), b.unwrap(), c.unwrap()] {
        note(&store).await.unwrap();
    }
    let reader = Store::open_to_read(&place).await.unwrap();
    assert_eq!(noted(&reader).await, 3);
}

#[tokio::test]
async fn whoever_holds_a_transaction_is_alone_and_sees_what_was_committed_before() {
    let bench = Bench::new().await;
    let other = bench.store.another_receiver().await;
    let other = Store { writer: Store::open(&bench.place()).await.unwrap().writer, ..other };
    let mut ours = bench.store.begin().await.unwrap();
    let (mut began, waits) = (false, async {
        let mut theirs = other.begin().await.unwrap();
        let seen: i64 =
            sqlx::query_scalar("select count(*) from webhooks").fetch_one(theirs.connection()).await.unwrap();
        theirs.commit().await.unwrap();
        seen
    });
    let mut waits = std::pin::pin!(waits);
    tokio::select! {
        _ = &mut waits => began = true,
        waiting = until_somebody_waits(&bench) => assert!(waiting),
    }
    assert!(!began, "two were in at once");
    bench::note(&mut ours, group(), bench.store.now()).await.unwrap();
    ours.commit().await.unwrap();
    assert_eq!(waits.await, 1);
}

/// Waits until a session waits for the lock of all writers.
async fn until_somebody_waits(bench: &Bench) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let waiting: i64 =
            sqlx::query_scalar("select count(*) from pg_locks where locktype = 'advisory' and not granted")
                .fetch_one(bench.store.readers())
                .await
                .unwrap();
        if waiting > 0 || Instant::now() > deadline {
            return waiting > 0;
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_within_a_transaction_is_an_error_of_it_and_of_no_later_one() {
    let mut bench = Bench::new().await;
    let store = bench.store.clone();
    let mut transaction = store.begin().await.unwrap();
    bench::note(&mut transaction, group(), store.now()).await.unwrap();
    cut(server(&mut bench));
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
    note(&store).await.unwrap();
    assert_eq!(noted(&store).await, 1);
}

#[tokio::test]
async fn idle_connections_that_were_lost_are_made_anew() {
    let mut bench = Bench::new().await;
    let store = bench.store.clone();
    note(&store).await.unwrap();
    cut(server(&mut bench));
    note(&store).await.unwrap();
    assert_eq!(noted(&store).await, 2);
}

#[tokio::test]
async fn a_server_that_crashed_and_came_back_is_used_again_and_has_what_was_committed() {
    let mut bench = Bench::new().await;
    let store = bench.store.clone();
    note(&store).await.unwrap();
    let mut open = store.begin().await.unwrap();
    bench::note(&mut open, group(), store.now()).await.unwrap();
    server(&mut bench).stop(Stop::Immediate).unwrap();
    assert!(open.commit().await.is_err());
    server(&mut bench).again().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = note(&store).await {
        assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
        assert!(Instant::now() < deadline, "it does not heal: {error}");
    }
    assert_eq!(noted(&store).await, 2);
}

#[tokio::test]
async fn a_commit_after_a_statement_that_failed_is_an_error() {
    let bench = Bench::new().await;
    let mut transaction = bench.store.begin().await.unwrap();
    bench::note(&mut transaction, group(), bench.store.now()).await.unwrap();
    sqlx::query("insert into webhooks (id) values ('x')")
        .execute(transaction.connection())
        .await
        .unwrap_err();
    transaction.commit().await.unwrap_err();
    assert_eq!(noted(&bench.store).await, 0);
}

#[tokio::test]
async fn a_receiver_that_hangs_in_a_transaction_keeps_others_waiting_for_seconds_only() {
    let bench = Bench::new().await;
    let other = Store::open(&bench.place()).await.unwrap();
    let mut hangs = bench.store.begin().await.unwrap();
    sqlx::query("set local idle_in_transaction_session_timeout = '200ms'")
        .execute(hangs.connection())
        .await
        .unwrap();
    note(&other).await.unwrap();
    bench::note(&mut hangs, group(), other.now()).await.unwrap_err();
    drop(hangs);
    assert_eq!(noted(&other).await, 1);
    let limits: Vec<(String,)> = sqlx::query_as(
        "select setting from pg_settings where name in ('idle_in_transaction_session_timeout', 'lock_timeout',
             'statement_timeout', 'tcp_user_timeout') order by name",
    )
    .fetch_all(other.writer())
    .await
    .unwrap();
    assert_eq!(
        limits.into_iter().map(|(setting,)| setting).collect::<Vec<_>>(),
        ["5000", "5000", "8000", "10000"]
    );
}

#[tokio::test]
async fn what_is_called_committed_is_on_disk_whatever_the_database_is_set_to() {
    let server =
        Server::start_with(&["synchronous_commit=off", "default_transaction_isolation=serializable"])
            .unwrap();
    let store = Store::open(&place(&server.url("postgres"))).await.unwrap();
    let mut transaction = store.begin().await.unwrap();
    let settings: Vec<String> = sqlx::query_scalar(
        "select setting from pg_settings where name in ('synchronous_commit', 'transaction_isolation') order by name",
    )
    .fetch_all(transaction.connection())
    .await
    .unwrap();
    assert_eq!(settings, ["on", "read committed"]);
}

#[tokio::test]
async fn groups_of_an_older_version_get_their_names() {
    let bench = Bench::new().await;
    sqlx::raw_sql(
        "insert into notifications (id, number, channel, source, group_key, group_labels, external_url,
             truncated_alerts, created_at, waiting_since, kind, late, status, due_at, message)
         values ('n', 1, 'console', 'am', 'g', '{}', '', 0, 1, 1, 'new', 0, 'dead', 0, '{}')",
    )
    .execute(bench.store.writer())
    .await
    .unwrap();
    let bench = bench.restarted().await;
    let name: String = sqlx::query_scalar("select group_id from notifications")
        .fetch_one(bench.store.readers())
        .await
        .unwrap();
    assert_eq!(name, group().id());
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let server = Server::start().unwrap();
    let port = server.port();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, says) in [
        (format!("postgres://mw:{PASSWORD}@127.0.0.1:{port}/postgres"), "role \"mw\" does not exist"),
        (
            format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/absent"),
            "database \"absent\" does not exist",
        ),
        (format!("postgres://postgres:{PASSWORD}@127.0.0.1:{nobody}/postgres"), "refused"),
        (format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=require"), "TLS"),
    ] {
        let error = Store::open(&place(&url)).await.err().unwrap();
        let text = format!("{error} {error:?}");
        assert!(text.contains(says), "{text}");
        assert!(text.contains("storage.url: the database `") && text.contains("on 127.0.0.1:"), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn looking_at_a_database_without_a_store_makes_none() {
    let server = Server::start().unwrap();
    let error = Store::open_to_read(&place(&server.url("postgres"))).await.err().unwrap();
    assert!(error.to_string().contains("a store in the database `postgres` on 127.0.0.1"), "{error}");
    assert_eq!(
        server.sql("postgres", "select count(*) from pg_tables where schemaname = 'public'").unwrap(),
        "0"
    );
}

/// A way to the server that can swallow everything.
async fn swallowing_way(server: &Server) -> (u16, tokio::sync::watch::Sender<bool>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, there) = (listener.local_addr().unwrap().port(), server.port());
    let (swallow, swallows) = tokio::sync::watch::channel(false);
    let tasks = modelwatch_common::shutdown::Tasks::new();
    let spawner = tasks.clone();
    tasks.spawn("way", async move {
        while let Ok((mut here, _)) = listener.accept().await {
            let mut swallows = swallows.clone();
            spawner.spawn("connection", async move {
                let mut there = tokio::net::TcpStream::connect(("127.0.0.1", there)).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut here, &mut there) => return,
                    _ = swallows.wait_for(|swallows| *swallows) => {}
                }
                // open for as long as the test runs, and silent
                std::future::pending::<()>().await;
            });
        }
    });
    (port, swallow)
}

#[tokio::test]
async fn a_network_that_swallows_everything_costs_an_error_and_is_not_waited_for() {
    let server = Server::start().unwrap();
    let (port, swallow) = swallowing_way(&server).await;
    let store = Store::open(&place(&format!("postgres://postgres@127.0.0.1:{port}/postgres"))).await.unwrap();
    let mut transaction = store.begin().await.unwrap();
    swallow.send_replace(true);
    let error = bench::note(&mut transaction, group(), store.now()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unreachable(what) if what.contains("no answer")), "{error:?}");
    drop(transaction);
    let silent: Result<i64, _> = sqlx::query_scalar("select 1::bigint").fetch_one(store.readers()).await;
    silent.unwrap_err();
    swallow.send_replace(false);
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = note(&store).await {
        assert!(Instant::now() < deadline, "it does not heal: {error}");
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let read =
            sqlx::query_scalar::<_, i64>("select count(*) from webhooks").fetch_one(store.readers()).await;
        match read {
            Ok(count) => break assert_eq!(count, 1),
            Err(error) => assert!(Instant::now() < deadline, "it does not heal: {error}"),
        }
    }
}

/// An authority that signs for this machine, as PEM, and what it signed: certificate and key.
fn certified() -> (String, String, String) {
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(authority, rcgen::KeyPair::generate().unwrap()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    (issuer.pem(), certificate.pem(), key.serialize_pem())
}

/// Lets a server offer TLS with this certificate and key.
fn offer_tls(server: &Server, certificate: &str, key: &str) {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
    let owner = std::fs::metadata(server.data()).unwrap();
    for (name, text) in [("server.crt", certificate), ("server.key", key)] {
        let path = server.data().join(name);
        let mut file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    server.sql("postgres", "alter system set ssl = on").unwrap();
    server.sql("postgres", "select pg_reload_conf()").unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.sql("postgres", "show ssl").unwrap() != "on" {
        assert!(Instant::now() < deadline, "{}", server.log());
    }
}

#[tokio::test]
async fn the_server_proves_who_it_is_where_that_is_asked_for() {
    let server = Server::start().unwrap();
    let (authority, certificate, key) = certified();
    offer_tls(&server, &certificate, &key);
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (folder.path().join("right.pem"), folder.path().join("wrong.pem"));
    std::fs::write(&right, authority).unwrap();
    std::fs::write(&wrong, certified().0).unwrap();
    let url = |root: &std::path::Path| {
        let (port, root) = (server.port(), root.display());
        let user = format!("postgres:{PASSWORD}");
        place(&format!("postgres://{user}@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={root}"))
    };
    let error = Store::open(&url(&wrong)).await.err().unwrap().to_string();
    assert!(error.contains("certificate") && !error.contains(PASSWORD), "{error}");
    let store = Store::open(&url(&right)).await.unwrap();
    let encrypted: String =
        sqlx::query_scalar("select ssl::text from pg_stat_ssl where pid = pg_backend_pid()")
            .fetch_one(store.readers())
            .await
            .unwrap();
    assert_eq!(encrypted, "true");
}

#[tokio::test]
async fn a_server_that_closes_the_connection_is_named_and_not_how_it_is_spoken_to() {
    for answer in ["", "\0"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tasks = modelwatch_common::shutdown::Tasks::new();
        tasks.spawn("closing", async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 8];
                let _ = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut asked).await;
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
            }
        });
        let url = format!("postgres://mw:{PASSWORD}@127.0.0.1:{port}/alerts");
        let error = Store::open(&place(&url)).await.err().unwrap().to_string();
        let named = format!(
            "storage.url: the database `alerts` on 127.0.0.1:{port} cannot be used as a store: it closed the connection"
        );
        assert!(error.starts_with(&named) && !error.contains("SSL"), "{error}");
    }
}
