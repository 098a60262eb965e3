//! Prometheus and Alertmanager: from PATH, else through Docker Compose.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Result, bail};
use tokio::process::Command;

/// What makes a service of `docker-compose.yml` share the network of this machine.
const HOST_NETWORK: &str = "demo/host-network.yml";

/// How one of the two is started.
pub(crate) enum Peer {
    /// A program on PATH.
    Program(&'static str),
    /// A service of `docker-compose.yml`.
    Service(&'static str),
}

impl Peer {
    /// The first of `programs` that runs here, else the service.
    ///
    /// # Errors
    /// When neither is to be had: says how to install it.
    pub(crate) async fn find(
        programs: &[&'static str],
        service: &'static str,
        package: &str,
    ) -> Result<Peer> {
        for program in programs {
            if succeeds(Command::new(program).arg("--version")).await {
                return Ok(Peer::Program(program));
            }
        }
        if succeeds(Command::new("docker").arg("info")).await
            && succeeds(Command::new("docker").args(["compose", "version"])).await
        {
            return Ok(Peer::Service(service));
        }
        bail!(
            "{service} is neither on PATH nor to be had through docker compose: `apt-get install {package}`"
        )
    }

    /// The command that starts it. `folder` is seen under the same path inside a container, which runs as this user
    /// and shares the host's network.
    pub(crate) fn command(&self, root: &Path, folder: &Path) -> Command {
        match self {
            Peer::Program(program) => Command::new(program),
            Peer::Service(service) => {
                let mut command = Command::new("docker");
                let user =
                    format!("{}:{}", rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
                let volume = format!("{0}:{0}", folder.display());
                command.arg("compose").arg("-f").arg(root.join("docker-compose.yml"));
                command.arg("-f").arg(root.join(HOST_NETWORK));
                command.args([
                    "run",
                    "--rm",
                    "--no-deps",
                    "-T",
                    "--user",
                    &user,
                    "--volume",
                    &volume,
                    service,
                ]);
                command
            }
        }
    }
}

async fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().await.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_program_that_runs_is_taken() {
        let peer = Peer::find(&["no-such-program", "cargo"], "prometheus", "prometheus").await.unwrap();
        assert!(matches!(peer, Peer::Program("cargo")));
    }

    #[test]
    fn a_service_sees_the_folder_under_the_same_path() {
        let command = Peer::Service("prometheus").command("/root".as_ref(), "/run/x".as_ref());
        let arguments: Vec<_> =
            command.as_std().get_args().map(|argument| argument.to_string_lossy()).collect();
        assert!(arguments.contains(&"/run/x:/run/x".into()), "{arguments:?}");
        assert!(arguments.contains(&"/root/demo/host-network.yml".into()), "{arguments:?}");
        assert_eq!(arguments.last().map(AsRef::as_ref), Some("prometheus"));
    }
}
