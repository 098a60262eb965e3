//! A real mail server: exim as Debian packages it, on free ports of loopback, with certificates made for this test.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::process::{Process, free_port};
use super::wait::until;
use super::{home, write};

/// Who may send, and with which password.
pub(crate) const USER: &str = "ops";
/// As [`USER`]; it may be seen nowhere.
pub(crate) const PASSWORD: &str = "correct-horse-hunter2";
/// The user that Debian's exim runs as.
const EXIM: &str = "Debian-exim";

/// A running server. It takes mail for `alice`, `bob`, `carol` and `busy` at `mail.test` from whoever logs in; it
/// refuses `nobody` for good and, as long as it is told to, `busy` for now.
pub(crate) struct MailServer {
    /// Offers STARTTLS, and a login after it.
    pub(crate) starttls: u16,
    /// TLS from the beginning.
    pub(crate) implicit: u16,
    /// No TLS, and of logins only LOGIN.
    pub(crate) plain: u16,
    home: TempDir,
    _process: Process,
}

impl MailServer {
    /// Starts it; it ends with its test.
    pub(crate) async fn start() -> MailServer {
        let home = home();
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("exim may enter");
        let [starttls, implicit, plain] = [free_port(), free_port(), free_port()];
        make_certificates(home.path());
        write(home.path(), "exim.conf", configuration(home.path(), [starttls, implicit, plain]));
        for folder in ["spool", "log", "mail"] {
            fs::create_dir(home.path().join(folder)).expect("a folder");
            give_to_exim(&home.path().join(folder));
        }
        give_to_exim(&home.path().join("key.pem"));
        let mut command = Command::new("exim4");
        command.arg("-C").arg(home.path().join("exim.conf")).args(["-bdf", "-q30m"]);
        let mut process = Process::spawn("exim4", &mut command);
        for port in [starttls, implicit, plain] {
            until("exim listens", async || {
                assert!(process.ended().is_none(), "exim ended: {}", process.output());
                tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map(drop).map_err(|e| e.to_string())
            })
            .await;
        }
        MailServer { starttls, implicit, plain, home, _process: process }
    }

    /// The certificate that the server's own comes from, as PEM.
    pub(crate) fn authority(&self) -> String {
        fs::read_to_string(self.home.path().join("ca.pem")).expect("the certificate")
    }

    /// Refuses `busy` for now, or not any more.
    pub(crate) fn refuse_busy(&self, refuse: bool) {
        let file = self.home.path().join("busy");
        let done = if refuse { fs::write(file, "") } else { fs::remove_file(file) };
        done.expect("the file that exim looks for");
    }

    /// The mails that a person has, in the order they came.
    pub(crate) fn mails(&self, person: &str) -> Vec<String> {
        let Ok(folder) = fs::read_dir(self.home.path().join("mail").join(person).join("new")) else {
            return Vec::new();
        };
        let mut files: Vec<_> = folder.map(|entry| entry.expect("a mail").path()).collect();
        files.sort_by_key(|file| came_at(&file.file_name().expect("a name").to_string_lossy()));
        files.iter().map(|file| fs::read_to_string(file).expect("a mail")).collect()
    }

    /// Waits until a person has so many mails.
    pub(crate) async fn wait_for(&self, person: &str, count: usize) -> Vec<String> {
        until(&format!("{person} has {count} mails"), async || {
            let mails = self.mails(person);
            if mails.len() == count {
                Ok(mails)
            } else {
                Err(format!("there are {}: {}", mails.len(), self.log()))
            }
        })
        .await
    }

    /// What exim wrote about its work.
    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log/mainlog")).unwrap_or_default()
    }
}

/// The names of a Maildir begin with seconds and microseconds: `1795825528.M66749P27080.mail.test`.
fn came_at(name: &str) -> (u64, u64) {
    let mut numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    (numbers.next().expect("seconds"), numbers.next().expect("microseconds"))
}

fn give_to_exim(path: &Path) {
    let asked = Command::new("id").args(["-u", EXIM]).output().expect("id is there");
    let uid = String::from_utf8_lossy(&asked.stdout).trim().parse();
    let uid = uid.expect("exim is there: apt-get install exim4-daemon-light");
    chown(path, Some(uid), None).expect("these tests run as root, which exim needs to deliver");
}

/// A certificate authority and, from it, a certificate for `localhost`.
fn make_certificates(home: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    write(home, "ca.pem", authority.self_signed(&key).expect("a certificate").pem());
    let issuer = Issuer::new(authority, key);
    let leaf = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let leaf_key = KeyPair::generate().expect("a key");
    write(home, "leaf.pem", leaf.signed_by(&leaf_key, &issuer).expect("a certificate").pem());
    write(home, "key.pem", leaf_key.serialize_pem());
}

fn configuration(home: &Path, [starttls, implicit, plain]: [u16; 3]) -> String {
    let home = home.display();
    format!(
        r"
primary_hostname = mail.test
spool_directory = {home}/spool
log_file_path = {home}/log/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = {starttls} : {implicit} : {plain}
tls_on_connect_ports = {implicit}
tls_advertise_hosts = ${{if eq{{$received_port}}{{{starttls}}}{{*}}{{}}}}
tls_certificate = {home}/leaf.pem
tls_privatekey = {home}/key.pem
auth_advertise_hosts = ${{if or{{{{def:tls_in_cipher}}{{eq{{$received_port}}{{{plain}}}}}}}{{*}}{{}}}}
host_lookup =
rfc1413_hosts =
keep_environment =
never_users =
acl_smtp_rcpt = recipient
acl_smtp_data = accept

begin acl
recipient:
  deny !authenticated = *
       message = 5.7.1 log in first
  deny local_parts = nobody
       message = 5.1.1 no such user
  defer local_parts = busy
        condition = ${{if exists{{{home}/busy}}}}
        message = 4.3.0 come again
  accept domains = mail.test
  deny message = 5.7.1 not for here

begin routers
people:
  driver = accept
  local_parts = alice : bob : carol : busy
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {home}/mail/$local_part_data
  maildir_format
  create_directory
  user = {EXIM}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${{if eq{{$received_port}}{{{plain}}}{{no}}{{yes}}}}
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{USER}}}}}{{eq{{$auth2}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth1
"
    )
}
