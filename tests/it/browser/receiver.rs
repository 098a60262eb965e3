//! The receiver's pages: the list and one notification.

use serde_json::Value;

use crate::support::alerts::{Alert, webhook};
use crate::support::browser::Browser;
use crate::support::browser::checks::page_is_sound;
use crate::support::http::{JSON, post};
use crate::support::loans::START;
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, write};

const CONFIG: &str = "storage: {url: \"sqlite:receiver.db\"}\nroutes: [{channels: [console]}]\nchannels: [{name: console, type: log}]\n";
const HOSTILE: &str = r#"<script>alert(1)</script><img src=x onerror=alert(1)> "' &"#;

async fn delivered(receiver: &Program) -> String {
    let found: Value = until("a notification is delivered", async || {
        let all = receiver.get("/api/v1/notifications").await.json()["notifications"].clone();
        if all[0]["status"] == "delivered" { Ok(all[0].clone()) } else { Err(all.to_string()) }
    })
    .await;
    found["id"].as_str().unwrap().to_owned()
}

/// The least distance in pixels between a table and the next one on the page.
const BETWEEN: &str = "
const boxes = [...document.querySelectorAll('.scroll')].map(table => table.getBoundingClientRect());
return Math.min(...boxes.slice(1).map((next, nth) => next.top - boxes[nth].bottom));
";

#[tokio::test]
async fn the_receivers_pages_are_sound_and_show_hostile_texts_as_they_are() {
    let home = home();
    write(home.path(), "receiver.yaml", CONFIG);
    let receiver = Program::receiver(home.path()).await;
    let alert = Alert::firing("FeatureDrift", START).with("feature", HOSTILE).saying(HOSTILE);
    let sent = post(&format!("{}/webhook", receiver.url), JSON, webhook("g", [&alert]).to_string()).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let id = delivered(&receiver).await;
    let browser = Browser::start().await;
    let page = format!("{}/notifications/{id}", receiver.url);
    let alerts = receiver.get("/api/v1/alerts").await.json();
    let alert = format!("{}/alerts/{}", receiver.url, alerts["alerts"][0]["fingerprint"].as_str().unwrap());
    for url in [&receiver.url, &alert, &page] {
        page_is_sound(&browser, url).await;
        assert_eq!(browser.run("return document.querySelectorAll('script, img').length").await, 0);
    }
    browser.open(&alert).await;
    let between = browser.run(BETWEEN).await;
    assert!(between.as_f64().unwrap() >= 8.0, "{between}");
    browser.open(&page).await;
    let shown = browser.shown().await;
    assert!(shown.contains(HOSTILE) && shown.contains("FeatureDrift"), "{shown}");
    let attempts = browser.run("return [...document.querySelectorAll('table')].some(table => table.innerText.includes('delivered'))").await;
    assert_eq!(attempts, true, "{shown}");
    let content = browser.text("return document.querySelector('pre').innerText").await;
    assert!(content.contains("FeatureDrift"), "{content}");
    browser.forbid_scripts().await;
    browser.open(&page).await;
    assert_eq!(browser.shown().await, shown);
    browser.close().await;
}
