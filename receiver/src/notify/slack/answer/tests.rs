use super::*;

fn classified(status: u16, answer: &str, url: &str) -> Outcome {
    let status = StatusCode::from_u16(status).unwrap();
    outcome(&Answer { status, retry_after: None, text: String::new() }, answer, &Secret::new(url))
}

#[test]
fn slacks_own_word_is_shown() {
    assert_eq!(classified(404, "no_service", "https://a/b").detail(), "404 no_service");
    assert_eq!(classified(200, "ok", "https://hooks/ok").detail(), "200 ok");
}

#[test]
fn a_word_that_is_part_of_the_url_is_not_shown() {
    assert_eq!(classified(404, "hunter", "https://a/hunter").detail(), "404 Not Found");
}

#[test]
fn pages_are_not_shown() {
    assert_eq!(classified(503, "<html>", "https://a/b").detail(), "503 Service Unavailable");
    assert_eq!(classified(599, &"a".repeat(65), "https://b").detail(), "599 without a reason");
}
