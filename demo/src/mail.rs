//! Mail on request: `SMTP_URL` as a channel of the demo's receiver.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::Url;
use serde_json::json;

/// The file that holds the password, beside the receiver's configuration.
pub(crate) const PASSWORD_FILE: &str = "smtp-password";
/// The channel that is added.
pub(crate) const MAIL: &str = "mail";

const EXPECTED: &str = "expected smtp://user:password@host:port?to=you@example.com (or smtps://…)";

/// Where mails go, and through which server.
pub(crate) struct Mail {
    host: String,
    port: Option<u16>,
    tls: String,
    username: Option<String>,
    password: Option<String>,
    from: String,
    to: Vec<String>,
}

impl Mail {
    /// What `SMTP_URL` means: `smtps` is TLS from the beginning; `smtp` is STARTTLS, or no TLS to this machine, where a
    /// mail catcher listens; `tls=` says otherwise. `to` may be there several times or hold several addresses.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it, since it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Mail> {
        // in addresses and passwords a plus is a plus
        let url = Url::parse(&text.replace('+', "%2B"))
            .ok()
            .with_context(|| format!("SMTP_URL is no URL, {EXPECTED}"))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        ensure!(!host.is_empty(), "SMTP_URL names no host, {EXPECTED}");
        let mut mail = Mail {
            tls: protection(url.scheme(), &host)?.to_owned(),
            port: url.port(),
            username: Some(decoded(url.username())).filter(|name| !name.is_empty()),
            password: url.password().map(decoded),
            from: String::new(),
            to: Vec::new(),
            host,
        };
        for (key, value) in url.query_pairs() {
            match &*key {
                "to" => mail.to.extend(value.split(',').map(|one| one.trim().to_owned())),
                "from" => mail.from = value.into_owned(),
                "tls" => mail.tls = value.into_owned(),
                other => bail!("SMTP_URL has an unknown parameter `{other}`, there are to, from and tls"),
            }
        }
        mail.to.retain(|address| !address.is_empty());
        ensure!(!mail.to.is_empty(), "SMTP_URL does not say who gets the mails, add ?to=you@example.com");
        if mail.from.is_empty() {
            let user = mail.username.as_ref().filter(|name| name.contains('@'));
            mail.from = user.unwrap_or(&mail.to[0]).clone();
        }
        Ok(mail)
    }

    /// The password, if there is one.
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The channel, as YAML, which JSON is.
    pub(crate) fn channel(&self) -> String {
        let mut smtp = json!({"host": self.host, "tls": self.tls});
        if let Some(port) = self.port {
            smtp["port"] = port.into();
        }
        if let Some(username) = &self.username {
            smtp["username"] = username.as_str().into();
        }
        if self.password.is_some() {
            smtp["password_file"] = PASSWORD_FILE.into();
        }
        json!({"name": MAIL, "type": "email", "smtp": smtp, "from": self.from, "to": self.to}).to_string()
    }
}

fn protection(scheme: &str, host: &str) -> Result<&'static str> {
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match scheme {
        "smtps" => Ok("implicit"),
        "smtp" if is_here => Ok("none"),
        "smtp" => Ok("starttls"),
        other => bail!("SMTP_URL begins with `{other}:`, {EXPECTED}"),
    }
}

/// A part of a URL as it was before it was written into one.
fn decoded(part: &str) -> String {
    let key = part.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(key.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn channel(url: &str) -> Value {
        serde_json::from_str(&Mail::parse(url).unwrap().channel()).unwrap()
    }

    fn fault(url: &str) -> String {
        Mail::parse(url).err().unwrap().to_string()
    }

    #[test]
    fn everything_of_the_url_is_in_the_channel_but_the_password() {
        let url =
            "smtp://ops%40x.org:p%40ss+1&=x@mail.x.org:2525?to=a+b@x.org,c@x.org&to=d@x.org&from=demo@x.org";
        let expected = json!({
            "name": "mail", "type": "email", "from": "demo@x.org", "to": ["a+b@x.org", "c@x.org", "d@x.org"],
            "smtp": {"host": "mail.x.org", "port": 2525, "tls": "starttls", "username": "ops@x.org", "password_file": "smtp-password"},
        });
        assert_eq!(channel(url), expected);
        assert_eq!(Mail::parse(url).unwrap().password(), Some("p@ss+1&=x"));
    }

    #[test]
    fn a_mail_catcher_on_this_machine_needs_no_more_than_a_recipient() {
        let found = channel("smtp://localhost:1025?to=me@x.org");
        assert_eq!(found["smtp"], json!({"host": "localhost", "port": 1025, "tls": "none"}));
        assert_eq!(found["from"], "me@x.org");
        assert_eq!(channel("smtps://[::1]?to=me@x.org")["smtp"], json!({"host": "::1", "tls": "implicit"}));
        assert_eq!(channel("smtp://localhost?to=me@x.org&tls=starttls")["smtp"]["tls"], "starttls");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let table = [
            ("smtp://u:hunter2@mail.x.org", "?to="),
            ("smtp://u:hunter2@mail.x.org?to=", "?to="),
            ("http://u:hunter2@mail.x.org?to=a@x.org", "`http:`"),
            ("u:hunter2@mail.x.org", "SMTP_URL"),
            ("mail hunter2", "no URL"),
            ("smtp://?to=a@x.org&p=hunter2", "no host"),
            ("smtp://u:hunter2@mail.x.org?cc=a@x.org", "`cc`"),
        ];
        for (url, words) in table {
            let found = fault(url);
            assert!(found.contains(words) && !found.contains("hunter2"), "{url}: {found}");
        }
    }
}
