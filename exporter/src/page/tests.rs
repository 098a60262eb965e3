use super::parts::{grouped, in_path, in_percent, length, rounded};
use super::*;

#[test]
fn small_numbers_do_not_become_zero() {
    for (value, words) in
        [(0.0, "0"), (0.00034, "3.4e-4"), (0.0041, "0.004"), (-2.5, "-2.500"), (3.3e-26, "3.3e-26")]
    {
        assert_eq!(rounded(value), words);
    }
    for (share, words) in [(0.0, "0 %"), (0.0004, "&lt; 0.1 %"), (0.123_45, "12.3 %"), (1.0, "100.0 %")] {
        assert_eq!(in_percent(share), words);
    }
}

#[test]
fn counts_and_lengths_are_easy_to_read() {
    assert_eq!(
        [0, 999, 1_000, 1_234_567].map(grouped),
        ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
    );
    assert_eq!(
        [1, 119, 7_199, 7_200, 2_592_000].map(length),
        ["1 second", "119 seconds", "119 minutes", "2 hours", "30 days"]
    );
}

#[test]
fn a_name_stays_one_part_of_a_path() {
    assert_eq!(in_path("a/b?c#d é%"), "a%2Fb%3Fc%23d%20%C3%A9%25");
}

async fn html(page: Response) -> (StatusCode, String) {
    let status = page.status();
    let body = axum::body::to_bytes(page.into_body(), 100_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn while_accepted_events_are_counted_again_nothing_is_called_unknown_for_good() {
    let (status, page) = html(home(&Published::default(), "", Time(0))).await;
    assert_eq!(status, 200);
    assert!(page.contains("being counted again") && page.contains("href=\"/api/v1/status\""), "{page}");
    let (status, page) =
        html(model(&Published::default(), "<b>", &RawChoice::default(), ("", Time(0)))).await;
    assert_eq!(status, 404);
    assert!(
        page.contains("No model `&lt;b&gt;` is configured.") && page.contains("<a href=\"/\">all models</a>"),
        "{page}"
    );
}
