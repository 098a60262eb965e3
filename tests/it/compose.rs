//! `docker-compose.yml` and what its services read: valid to the programs themselves, and each service finds the others.

use std::collections::BTreeMap;
use std::process::Command;

use yaml_rust2::Yaml;

use crate::support::program::{EXPORTER, RECEIVER, run};
use crate::support::yaml::{read, texts};
use crate::support::{home, root};

const FILE: &str = "docker-compose.yml";
/// Started by hand, and ends by itself.
const ONCE: &str = "replay";
/// What a program's image must not have to be root.
const NOBODY_IN_ITS_IMAGE: [&str; 3] = ["exporter", "receiver", ONCE];

/// The services by name.
fn services() -> BTreeMap<String, Yaml> {
    let file = read(FILE);
    let services = file["services"].as_hash().expect("services");
    services
        .iter()
        .map(|(name, service)| (name.as_str().expect("a name").to_owned(), service.clone()))
        .collect()
}

/// Runs a checker of another project on a file; its words when it finds a fault.
fn check(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_file_that_a_service_reads_is_valid_to_its_program() {
    let elsewhere = home();
    for (program, file) in [(EXPORTER, "compose/exporter.yaml"), (RECEIVER, "compose/receiver.yaml")] {
        let flag = format!("--config.file={}", root().join(file).display());
        let said = run(program, elsewhere.path(), &["check-config", &flag], &[]);
        assert_eq!(said.code, Some(0), "{file}: {}{}", said.out, said.err);
    }
    check("promtool", &["check", "config", "compose/prometheus.yml"]);
    check("amtool", &["check-config", "compose/alertmanager.yml"]);
}

#[test]
fn alertmanager_in_compose_groups_and_mutes_as_the_shipped_one() {
    let (shipped, ours) = (read("alertmanager/alertmanager.yml"), read("compose/alertmanager.yml"));
    for section in ["global", "route", "inhibit_rules"] {
        assert_eq!(ours[section], shipped[section], "{section}");
    }
    let webhook = |file: &Yaml| file["receivers"][0]["webhook_configs"][0].clone();
    assert_eq!(webhook(&ours)["send_resolved"], webhook(&shipped)["send_resolved"]);
    assert_eq!(webhook(&ours)["url"].as_str(), Some("http://receiver:9741/webhook"));
}

#[test]
fn every_service_says_how_it_is_has_few_rights_and_is_reached_from_this_machine_only() {
    for (name, service) in services() {
        let image = service["image"].as_str().expect("an image");
        let is_ours = image.starts_with("modelwatch-");
        let tag = image.rsplit_once(':').map(|(_, tag)| tag);
        assert!(is_ours || tag.is_some_and(|tag| tag != "latest"), "{name}: {image} is not pinned");
        let health = &service["healthcheck"];
        match name.as_str() {
            ONCE => assert_eq!(health["disable"].as_bool(), Some(true), "{name} ends by itself"),
            _ => assert_eq!(texts(&health["test"])[0], "CMD", "{name}: no shell is needed"),
        }
        assert_eq!(service["read_only"].as_bool(), Some(true), "{name} writes to its volumes only");
        assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(texts(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        let user = service["user"].as_str().unwrap_or_default();
        assert!(
            NOBODY_IN_ITS_IMAGE.contains(&&*name) || !user.is_empty() && !user.starts_with('0'),
            "{name} is not root: {user:?}"
        );
        for port in service["ports"].as_vec().into_iter().flatten() {
            assert!(port.as_str().is_some_and(|port| port.starts_with("127.0.0.1:")), "{name}: {port:?}");
        }
    }
}

#[test]
fn every_file_and_volume_that_a_service_mounts_is_there() {
    let file = read(FILE);
    let mut mounted = 0;
    for (name, service) in services() {
        for volume in service["volumes"].as_vec().into_iter().flatten() {
            let volume = volume.as_str().expect("a volume");
            let source = volume.split(':').next().expect("a source");
            if source == "/" || source.starts_with("./") {
                assert!(root().join(source).exists(), "{name} mounts {source}");
                assert!(volume.ends_with(":ro"), "{name} does not write to {source}");
            } else {
                let named = file["volumes"].as_hash().expect("volumes");
                assert!(named.contains_key(&Yaml::String(source.to_owned())), "{name}: volume {source}");
            }
            mounted += 1;
        }
    }
    assert!(mounted > 10, "services mount something");
}

/// `HOST:PORT` of a URL or target.
fn host_and_port(address: &str) -> (String, String) {
    let address = address.trim_start_matches("http://").split('/').next().expect("an authority");
    let (host, port) = address.split_once(':').expect("a port");
    (host.to_owned(), port.to_owned())
}

#[test]
fn every_address_that_a_service_is_given_is_that_of_another_service() {
    let services = services();
    let prometheus = read("compose/prometheus.yml");
    let mut addresses = vec![
        read("grafana/provisioning/datasources/prometheus.yaml")["datasources"][0]["url"].clone(),
        read("compose/alertmanager.yml")["receivers"][0]["webhook_configs"][0]["url"].clone(),
        prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"][0].clone(),
    ];
    for job in prometheus["scrape_configs"].as_vec().expect("jobs") {
        addresses.push(job["static_configs"][0]["targets"][0].clone());
    }
    assert_eq!(addresses.len(), 6, "{addresses:?}");
    for address in addresses {
        let (host, port) = host_and_port(address.as_str().expect("an address"));
        let service = services.get(&host).unwrap_or_else(|| panic!("{host} is no service"));
        // each asks itself on the port where others ask it
        let asks = texts(&service["healthcheck"]["test"]).join(" ");
        assert!(asks.contains(&format!("127.0.0.1:{port}/")), "{host} is asked at {port}: {asks}");
    }
}

#[test]
fn images_ask_the_programs_as_compose_does() {
    let dockerfile = std::fs::read_to_string(root().join("Dockerfile")).expect("Dockerfile");
    for name in ["exporter", "receiver"] {
        let asks = format!("{:?}", texts(&services()[name]["healthcheck"]["test"])[1..].to_vec());
        assert!(dockerfile.contains(&format!("CMD {asks}\n")), "{name}: {asks}");
    }
}

#[test]
fn the_files_of_grafana_are_where_it_looks_for_them() {
    let grafana = services()["grafana"].clone();
    let volumes = texts(&grafana["volumes"]).join("\n");
    let provider = read("grafana/provisioning/dashboards/modelwatch.yaml")["providers"][0].clone();
    let path = provider["options"]["path"].as_str().expect("a path");
    assert!(volumes.contains(&format!("./grafana/dashboards:{path}:ro")), "{volumes}");
    assert!(volumes.contains("./grafana/provisioning:/etc/grafana/provisioning:ro"), "{volumes}");
    let first =
        grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().expect("a dashboard");
    let file = first.strip_prefix(&format!("{path}/")).expect("one of the mounted dashboards");
    assert!(root().join("grafana/dashboards").join(file).exists(), "{file}");
}
