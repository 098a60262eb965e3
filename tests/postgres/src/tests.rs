use super::*;

#[test]
fn databases_are_made_by_name_and_what_is_in_them_survives_a_crash() {
    let mut server = Server::start().unwrap();
    let url = server.database("alerts").unwrap();
    assert_eq!(url, format!("postgres://postgres@127.0.0.1:{}/alerts", server.port()));
    server.sql("alerts", "create table t (a bigint); insert into t values (1), (2)").unwrap();
    server.stop(Stop::Immediate).unwrap();
    assert!(server.sql("alerts", "select 1").is_err());
    server.again().unwrap();
    assert_eq!(server.sql("alerts", "select a, a + 1 from t order by a").unwrap(), "1|2\n2|3");
}

#[test]
fn nothing_is_left_of_a_server_that_was_dropped() {
    let server = Server::start().unwrap();
    let (data, port) = (server.data(), server.port());
    assert!(data.exists());
    drop(server);
    assert!(!data.exists());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let error = Server::start_with(&["shared_buffers=nonsense"]).unwrap_err();
    assert!(error.to_string().contains("shared_buffers"), "{error}");
}
