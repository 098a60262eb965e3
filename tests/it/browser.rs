//! The pages in a real browser: light and dark, on a phone and on a desk, with the keyboard alone and without scripts.

mod exporter;
mod receiver;

use crate::support::browser::Browser;
use crate::support::browser::checks::{pale, too_wide};
use crate::support::home;
use crate::support::loans;
use crate::support::program::Program;

#[tokio::test]
async fn what_is_wrong_with_a_page_is_seen() {
    let home = home();
    loans::configure(home.path(), "");
    let exporter = Program::exporter(home.path()).await;
    let browser = Browser::start().await;
    browser.open(&exporter.url).await;
    assert_eq!((too_wide(&browser).await, pale(&browser).await), (None, vec![]));
    browser.run("document.querySelector('h1').style.width = '3000px'").await;
    assert!(too_wide(&browser).await.is_some());
    browser.run("document.querySelector('h1').style.color = '#dddddd'").await;
    assert_eq!(pale(&browser).await.len(), 1);
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.run("document.body.setAttribute('style', 'color: red')").await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|said| said.contains("Content Security Policy")), "{complaints:?}");
    browser.close().await;
}
