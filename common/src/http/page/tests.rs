use super::*;

async fn html(response: Response) -> String {
    let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn nothing_foreign_leaves_its_place() {
    assert_eq!(escape(r#"<a href="x" id='y'>&amp;"#), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;");
    assert_eq!(escape("plain · 점수"), "plain · 점수");
}

#[tokio::test]
async fn a_page_forbids_everything_but_its_own_stylesheet() {
    let page = shell("a", "");
    let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; "), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
    assert_eq!(page.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(page.headers()[axum::http::header::CONTENT_TYPE], "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_page_has_its_title_escaped_and_its_body_as_it_is() {
    let page = html(shell("<b>", "<p>body</p>")).await;
    assert!(page.contains("<title>&lt;b&gt; · modelwatch</title>"), "{page}");
    assert!(page.contains("<h1>&lt;b&gt;</h1>\n<p>body</p>\n"), "{page}");
    assert!(!page.contains("<script") && !page.contains(" style="), "{page}");
}

#[test]
fn every_class_that_pages_may_use_is_in_the_stylesheet() {
    let texts = [
        "scroll", "badge", "ok", "warn", "bad", "quiet", "cards", "card", "number", "note", "empty",
        "command",
    ];
    let order = ["verdict", "findings", "choice", "links"];
    let pictures = [
        "bars",
        "excess",
        "reference",
        "current",
        "moved",
        "track",
        "threshold",
        "share",
        "legend",
        "swatch",
    ];
    for class in texts.iter().chain(&order).chain(&pictures) {
        assert!(STYLE.contains(&format!(".{class} ")), "{class}");
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"), "nothing from elsewhere");
}
