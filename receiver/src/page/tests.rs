use axum::body::{Body, to_bytes};
use axum::http::Request;
use modelwatch_common::time::SystemClock;
use modelwatch_receiver_core::template::samples;
use prometheus::Registry;
use tower::util::ServiceExt as _;

use super::*;
use crate::store::fixtures::{Remembered, at, store_with};
use crate::templates::{Settings, TemplateSource};
use crate::testing::{Rig, accept_all, group, load};

const CONFIG: &str = "routes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n";

async fn get_page(path: &str, rows: Vec<Remembered>) -> (StatusCode, String) {
    let (_folder, store) = store_with(rows).await;
    let templates =
        Arc::new(Templates::load(TemplateSource::new(Settings::default(), []), &Registry::new()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let config = load(folder.path(), CONFIG).unwrap();
    let terms = Terms { policy: config.policy.clone(), wording: config.wording() };
    let terms = Arc::new(ArcSwap::from_pointee(terms));
    shown(Pages { store, templates, clock: Arc::new(SystemClock), terms }, path).await
}

async fn shown(pages: Pages, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = routes(pages).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_list_shows_state_kind_channel_alert_time_and_attempts() {
    let attempts =
        vec![(Some("retryable"), Some("timeout"), true, ""), (Some("delivered"), None, false, "200 ok")];
    let (status, page) = get_page("/", vec![Remembered { attempts, ..Remembered::default() }]).await;
    assert_eq!(status, 200);
    for shown in [
        "<time datetime=\"1970-01-01T00:16:40Z\">1970-01-01 00:16:40</time>",
        "<span class=\"badge ok\">delivered</span> <span class=\"badge warn\">ambiguous</span>",
        "<a href=\"/notifications/n1\">[FIRING:1][DEV] FeatureDriftSevere</a>",
        "<td data-label=\"Kind\">new</td><td data-label=\"Channel\" class=\"name\">ops</td><td data-label=\"Attempts\" class=\"number\">2</td>",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
}

#[tokio::test]
async fn what_was_suppressed_is_shown_with_its_reason() {
    let row = Remembered {
        status: "suppressed",
        suppressed: Some("superseded"),
        attempts: vec![],
        ..Remembered::default()
    };
    let (_, page) = get_page("/?status=suppressed", vec![row]).await;
    assert!(page.contains("suppressed</span><br><span class=\"quiet\" title=\"a newer message about the same group took its place\">superseded</span>"), "{page}");
    assert!(page.contains("<strong aria-current=\"page\">suppressed</strong>"), "{page}");
}

#[tokio::test]
async fn a_filter_stays_on_the_way_to_older_notifications() {
    let rows = ["a", "b", "c"].map(|id| Remembered { id, created_at: at(5), ..Remembered::default() });
    let (_, page) = get_page("/?channel=ops&limit=2&label=feature%3DAGEP", rows.into()).await;
    assert!(
        page.contains("href=\"/?channel=ops&amp;label=feature%3DAGEP&amp;limit=2&amp;cursor=5000000.b\""),
        "{page}"
    );
    assert!(
        page.contains("href=\"/?status=dead&amp;channel=ops&amp;label=feature%3DAGEP&amp;limit=2\""),
        "{page}"
    );
}

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let (_, page) = get_page("/", vec![]).await;
    assert!(page.contains("webhook_configs") && page.contains("send-test"), "{page}");
    let (_, page) = get_page("/?channel=nobody", vec![]).await;
    assert!(page.contains("No notification is like this. <a href=\"/\">Show all</a>"), "{page}");
}

#[tokio::test]
async fn the_filter_form_shows_what_is_filtered_by() {
    let (_, page) =
        get_page("/?status=dead&channel=ops&label=feature%3D%22A%22&since=24h&until=1h&limit=7", vec![])
            .await;
    for shown in [
        "<form class=\"filter\" method=\"get\" action=\"/\"",
        "<strong aria-current=\"page\">dead</strong>",
        "<input type=\"hidden\" name=\"status\" value=\"dead\">",
        "<input type=\"hidden\" name=\"until\" value=\"1h\">",
        "<input type=\"hidden\" name=\"limit\" value=\"7\">",
        "name=\"channel\" value=\"ops\"",
        "name=\"label\" value=\"feature=&quot;A&quot;\"",
        "name=\"since\" value=\"24h\"",
        "<a href=\"/\">Clear</a>",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
}

#[tokio::test]
async fn every_attempt_says_how_long_it_took_what_came_of_it_and_what_follows() {
    let attempts = vec![
        (Some("retryable"), Some("timeout"), true, "no answer: timed out"),
        (Some("permanent"), Some("not_found"), false, "404 no_service"),
    ];
    let row = Remembered { status: "dead", attempts, ..Remembered::default() };
    let (_, page) = get_page("/notifications/n1", vec![row]).await;
    for shown in [
        "Not everybody it was for was told, and it is not tried again: the channel, mailbox or address does not exist.",
        "<span class=\"badge warn\">ambiguous</span><br><span class=\"quiet\">it may have arrived</span>",
        ">refused</span>",
        "class=\"number\">1.5 s</td>",
        "no answer: timed out",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    let pending = Remembered {
        status: "pending",
        attempts: vec![(Some("retryable"), Some("connect"), false, "no")],
        ..Remembered::default()
    };
    let (_, page) = get_page("/notifications/n1", vec![pending]).await;
    assert!(page.contains("It is tried again: no connection could be made or kept."), "{page}");
    assert!(page.contains("<dt>Next attempt</dt><dd><time datetime=\"1970-01-01T00:16:40Z\">"), "{page}");
}

#[tokio::test]
async fn a_thousand_alerts_say_once_what_they_share_and_end_after_a_hundred() {
    let row = Remembered { message: samples::thousand(), ..Remembered::default() };
    let (_, page) = get_page("/notifications/n1", vec![row]).await;
    assert_eq!(page.matches("<dt>model</dt>").count(), 1);
    assert_eq!(page.matches("<dt>feature</dt>").count(), 100);
    assert!(
        page.contains("and 900 more; <a href=\"/api/v1/notifications/n1\">"),
        "it says that there are more"
    );
    assert!(page.len() < 200_000, "{} bytes", page.len());
}

#[tokio::test]
async fn one_notification_is_shown_in_full() {
    let row = Remembered { problem: Some("title.hbs:1:1: no"), ..Remembered::default() };
    let (status, page) = get_page("/notifications/n1", vec![row]).await;
    assert_eq!(status, 200);
    for shown in [
        "<h1>[FIRING:1][DEV] FeatureDriftSevere</h1>",
        "<dt>feature</dt><dd>AGEP</dd>",
        "200 ok",
        "title.hbs:1:1: no",
        "&quot;text&quot;: &quot;hello&quot;",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
}

#[tokio::test]
async fn a_test_looks_like_no_alarm() {
    let row = Remembered { message: samples::test(), ..Remembered::default() };
    let (_, page) = get_page("/notifications/n1", vec![row]).await;
    assert!(page.contains("<h1>[TEST][DEV] FeatureDriftSevere</h1>"), "{page}");
    assert!(page.contains("badge quiet\">test</span>") && !page.contains("badge bad"), "{page}");
}

#[tokio::test]
async fn nothing_from_outside_becomes_markup() {
    let row = || Remembered {
        message: samples::hostile(),
        content: Some("<script>alert(1)</script>"),
        problem: Some("<script>"),
        attempts: vec![(Some("<script>"), Some("<script>"), true, "<script>")],
        channel: "<script>",
        ..Remembered::default()
    };
    for path in ["/", "/notifications/n1"] {
        let (status, page) = get_page(path, vec![row()]).await;
        assert_eq!(status, 200);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{path}");
        assert!(!page.contains("style=") && !page.contains("href=\"javascript"), "{path}");
    }
    let (_, page) = get_page("/?channel=%22%3E%3Cscript%3E", vec![]).await;
    assert!(!page.contains("<script"), "{page}");
}

#[tokio::test]
async fn a_held_copy_is_shown_with_what_it_may_mean_and_when_it_is_told() {
    let rig = Rig::new(CONFIG).await;
    let intake = rig.running_intake();
    let firing = group(&[("A", None)]);
    accept_all(&intake, &[firing.clone(), group(&[("A", Some(5))]), firing]).await.unwrap();
    let templates =
        Arc::new(Templates::load(TemplateSource::new(Settings::default(), []), &Registry::new()).unwrap());
    let pages =
        Pages { store: rig.store.clone(), templates, clock: Arc::new(SystemClock), terms: rig.terms() };
    let alert = rig.store.alerts("", "", 1).await.unwrap().remove(0);
    let (status, page) = shown(pages, &format!("/alerts/{}", alert.fingerprint)).await;
    assert_eq!(status, 200);
    let until = rig.clock.now().saturating_add(std::time::Duration::from_secs(900)).unwrap();
    let until = parts::time(until);
    for shown in [
        "<span class=\"badge warn\">held</span> A copy came that says that this alert fires since",
        &format!(
            "if nothing newer says by {until} UTC that it is over, it is told then, marked as unconfirmed"
        ),
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    assert!(!page.contains("stale copy"), "{page}");
}

#[tokio::test]
async fn what_is_not_there_or_not_a_filter_says_so() {
    assert_eq!(get_page("/notifications/none", vec![]).await.0, 404);
    let (status, page) = get_page("/?since=%3Cyesterday%3E", vec![]).await;
    assert_eq!(status, 400);
    assert!(page.contains("since: `&lt;yesterday&gt;`"), "{page}");
}
