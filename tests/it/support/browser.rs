//! A real Chromium, driven through chromedriver as the `WebDriver` standard says.
//!
//! Spoken directly over HTTP: the clients there are either come under another licence than ours may, or turn on features of
//! `serde_json` that would change the programs that are tested.

pub(crate) mod checks;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::client;
use super::process::Process;
use super::wait::until;

/// The key Tab, as `WebDriver` writes it.
const TAB: &str = "\u{e004}";

/// One browser with a profile of its own. It must be [closed](Browser::close), which looks for what it left running.
pub(crate) struct Browser {
    client: Client,
    /// The address of the session's commands.
    session: String,
    driver: Process,
    profile: PathBuf,
    closed: bool,
    _home: TempDir,
}

/// Light or dark.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Browser {
    /// Starts chromedriver on a free port, and Chromium with it.
    pub(crate) async fn start() -> Browser {
        let home = super::home();
        let profile = home.path().join("profile");
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", home.path()).process_group(0);
        let driver = Process::spawn("chromedriver", &mut command);
        let port = until("chromedriver says its port", async || {
            let output = driver.output();
            let port = output.split("started successfully on port ").nth(1);
            let port = port.and_then(|rest| rest.split('.').next()?.parse::<u16>().ok());
            port.ok_or(output.clone())
        })
        .await;
        let mut browser = Browser {
            client: client(),
            session: format!("http://127.0.0.1:{port}"),
            driver,
            profile,
            closed: false,
            _home: home,
        };
        let created = browser.command(Method::POST, "/session", capabilities(&browser.profile)).await;
        let id = created["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{}/session/{id}", browser.session);
        browser
    }

    /// Loads a page to its end.
    pub(crate) async fn open(&self, url: &str) {
        self.command(Method::POST, "/url", json!({ "url": url })).await;
    }

    /// What a script returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.command(Method::POST, "/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// What a script returns as a text.
    pub(crate) async fn text(&self, script: &str) -> String {
        let found = self.run(script).await;
        found.as_str().unwrap_or_else(|| panic!("{script} returns {found}")).to_owned()
    }

    /// The readable text of the page.
    pub(crate) async fn shown(&self) -> String {
        self.text("return document.body.innerText").await
    }

    /// Makes the window so many pixels wide.
    pub(crate) async fn set_width(&self, pixels: u32) {
        let metrics = json!({"width": pixels, "height": 844, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Says what the user prefers.
    pub(crate) async fn prefer(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Runs no script of any page from now on.
    pub(crate) async fn forbid_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// Presses Tab so often.
    pub(crate) async fn tab(&self, times: usize) {
        let press = [json!({"type": "keyDown", "value": TAB}), json!({"type": "keyUp", "value": TAB})];
        let presses: Vec<Value> = (0..times).flat_map(|_| press.clone()).collect();
        let keys = json!({"actions": [{"type": "key", "id": "keys", "actions": presses}]});
        self.command(Method::POST, "/actions", keys).await;
    }

    /// What the browser complained about since it was last asked: violations of the page's policy, errors, failed requests.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.command(Method::POST, "/se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().expect("a list").iter();
        entries.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// Ends the browser, and fails if anything of it is still running.
    pub(crate) async fn close(mut self) {
        self.command(Method::DELETE, "", Value::Null).await;
        self.closed = true;
        self.driver.kill();
        until("the browser leaves nothing running", async || match processes_of(&self.profile) {
            none if none.is_empty() => Ok(()),
            left => Err(format!("{left:?}")),
        })
        .await;
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.command(Method::POST, "/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await;
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.session));
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.expect("chromedriver answers");
        let status = answer.status();
        let mut said: Value = answer.json().await.expect("chromedriver answers with JSON");
        assert!(status.is_success(), "{path} {body}: {said}");
        said["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        self.driver.kill();
        for id in processes_of(&self.profile) {
            // it may have ended meanwhile
            let _ = Command::new("kill").args(["-s", "KILL", &id.to_string()]).status();
        }
        assert!(std::thread::panicking(), "a browser was not closed");
    }
}

fn capabilities(profile: &Path) -> Value {
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];
    let mut flags: Vec<String> = flags.map(str::to_owned).into();
    flags.push(format!("--user-data-dir={}", profile.display()));
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": flags},
        "goog:loggingPrefs": {"browser": "ALL"},
    }}})
}

/// The ids of all processes that were told of this profile.
fn processes_of(profile: &Path) -> Vec<u32> {
    let profile = profile.display().to_string();
    let all = std::fs::read_dir("/proc").expect("the processes").flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_of_it = |id: &u32| {
        let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&profile)
    };
    ids.filter(is_of_it).collect()
}
