//! What every page must hold, whoever made it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Browser, Scheme};
use crate::support::http;

/// A phone and a desk.
const WIDTHS: [u32; 2] = [390, 1280];
/// What WCAG 2.2 asks of text (success criterion 1.4.3, level AA).
const CONTRAST: f64 = 4.5;

/// Every text with less contrast than `least` against what is painted behind it, by WCAG's relative luminance.
const PALE: &str = r"
const least = LEAST;
const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
const behind = e => {
  const layers = [];
  for (let at = e; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
};
const light = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const pale = [];
let seen = 0;
for (const e of document.body.querySelectorAll('*')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  if (!own || e.closest('svg') || !e.getClientRects().length) continue;
  seen += 1;
  const paper = behind(e), ink = over(parse(getComputedStyle(e).color), paper);
  const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < least) pale.push(`${e.tagName} ${e.className} ${ratio.toFixed(2)} ${e.textContent.slice(0, 30)}`);
}
return [seen, pale];
";

/// All that a keyboard must reach, as numbers; what it reached is remembered in `window.reached`.
const WATCH_FOCUS: &str = r"
const all = [...document.querySelectorAll('a[href], button, summary, [tabindex=\'0\']')];
window.reached = new Set();
window.unmarked = [];
document.addEventListener('focusin', event => {
  window.reached.add(all.indexOf(event.target));
  if (getComputedStyle(event.target).outlineStyle === 'none') window.unmarked.push(event.target.outerHTML.slice(0, 80));
});
return all.length;
";

/// Opens a page and looks at it in every way.
pub(crate) async fn page_is_sound(browser: &Browser, url: &str) {
    browser.complaints().await;
    for scheme in [Scheme::Light, Scheme::Dark] {
        browser.prefer(scheme).await;
        for width in WIDTHS {
            browser.set_width(width).await;
            browser.open(url).await;
            assert_eq!(too_wide(browser).await, None, "{url} at {width} pixels");
            let pale = pale(browser).await;
            assert!(pale.is_empty(), "{url} {scheme:?} at {width} pixels: {pale:#?}");
        }
    }
    assert_eq!(browser.complaints().await, [""; 0], "{url}");
    keyboard_reaches_everything(browser, url).await;
    links_lead_somewhere(browser, url).await;
}

/// By how much the page is wider than the window, if it is.
pub(crate) async fn too_wide(browser: &Browser) -> Option<f64> {
    let excess = browser.run("return document.documentElement.scrollWidth - window.innerWidth").await;
    excess.as_f64().filter(|excess| *excess > 0.0)
}

/// The texts of the page that are hard to read.
pub(crate) async fn pale(browser: &Browser) -> Vec<String> {
    let found = browser.run(&PALE.replace("LEAST", &CONTRAST.to_string())).await;
    assert!(found[0].as_u64().is_some_and(|seen| seen > 3), "texts were looked at: {found}");
    let texts = found[1].as_array().expect("a list").iter();
    texts.map(|text| text.as_str().expect("a text").to_owned()).collect()
}

async fn keyboard_reaches_everything(browser: &Browser, url: &str) {
    let all = browser.run(WATCH_FOCUS).await.as_u64().expect("how many") as usize;
    assert!(all > 0, "{url} has something to reach");
    // the browser may stop at boxes that scroll as well
    browser.tab(2 * all + 10).await;
    let reached = browser.run("return [...window.reached].filter(at => at >= 0).length").await;
    assert_eq!(reached.as_u64(), Some(all as u64), "{url}: what the keyboard reaches");
    let unmarked = browser.run("return window.unmarked").await;
    assert_eq!(unmarked, Value::Array(vec![]), "{url}: what does not show that it has the focus");
}

async fn links_lead_somewhere(browser: &Browser, url: &str) {
    let missing = browser
        .run("return [...document.links].filter(a => a.hash && a.pathname + a.search === location.pathname + location.search && !document.getElementById(decodeURIComponent(a.hash.slice(1)))).map(a => a.hash)")
        .await;
    assert_eq!(missing, Value::Array(vec![]), "{url}: links to places that are not on the page");
    let links = browser
        .run("return [...document.links].filter(a => a.origin === location.origin).map(a => a.href.split('#')[0])")
        .await;
    let links: BTreeSet<&str> =
        links.as_array().expect("a list").iter().map(|link| link.as_str().expect("an address")).collect();
    assert!(!links.is_empty(), "{url} has links");
    for link in links {
        assert_eq!(http::get(link).await.status, 200, "{url} leads to {link}");
    }
}
