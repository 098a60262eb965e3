use modelwatch_common::secret::Secret;

use super::*;
use crate::history::Entry;
use crate::testing::{Rig, from_source, group};

mod stand_in;

use stand_in::{Manner, StandIn};

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(1), answer: Duration::from_millis(500), bytes: 64 * 1024 };

/// A receiver that asks.
struct Scene {
    rig: Rig,
    intake: Intake,
    stand_in: StandIn,
    upstream: watch::Sender<Option<Arc<Upstream>>>,
}

impl Scene {
    async fn start(manner: Manner) -> Scene {
        let stand_in = StandIn::start(manner).await;
        let url = stand_in.url.clone();
        Scene::asking(&url, stand_in).await
    }

    /// The same that asks at this URL.
    async fn asking(url: &str, stand_in: StandIn) -> Scene {
        Scene::with(rig(url).await, stand_in)
    }

    fn with(rig: Rig, stand_in: StandIn) -> Scene {
        // whoever comes second finds it installed
        let _ = rustls::crypto::ring::default_provider().install_default();
        let upstream = Upstream::new(rig.config.alertmanager.as_ref().unwrap(), LIMITS).unwrap();
        let intake = rig.running_intake();
        let replaced = watch::Sender::new(Some(Arc::new(upstream)));
        let asker = Asker {
            store: rig.store.clone(),
            intake: intake.clone(),
            terms: rig.terms(),
            upstream: replaced.subscribe(),
            clock: Arc::clone(&rig.clock) as Arc<dyn Clock>,
            metrics: AlertmanagerMetrics::register(&rig.registry).unwrap(),
        };
        rig.tasks.spawn("alertmanager", asker.run(rig.tasks.shutdown()));
        Scene { rig, intake, stand_in, upstream: replaced }
    }

    /// An alert fires, is over, of which people hear, and a copy comes that says it fires.
    async fn return_of(&self, name: &str) {
        for end in [None, Some(5), None] {
            self.rig.deliver().await;
            self.intake.accept(group(&[(name, end)])).await.unwrap();
        }
    }

    async fn metric_is(&self, series: &str, wanted: f64) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while (self.rig.metric(series) - wanted).abs() > f64::EPSILON {
            assert!(std::time::Instant::now() < deadline, "{series} is {}", self.rig.metric(series));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn answered(&self, answer: &str) {
        self.metric_is(&format!("alertmanager_answers_total{{answer=\"{answer}\"}}"), 1.0).await;
        self.until_open(0).await;
    }

    /// Waits until so many questions are open.
    async fn until_open(&self, wanted: usize) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let open = self.rig.store.questions(Timestamp::MAX, 1_000).await.unwrap().len();
            if open == wanted {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "{open} are open");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The copy that is held counts once its window ends.
    async fn told_when_the_window_ends(&self) {
        assert_eq!(kinds(&self.rig.history().await), ["new", "resolved"]);
        self.rig.clock.advance(Duration::from_secs(15 * 60));
        let told = self.rig.until(|history| history.len() == 3).await;
        assert!(told[2].unconfirmed);
    }
}

/// What a receiver that asks at this URL stands on.
async fn rig(url: &str) -> Rig {
    Rig::new(&format!(
        "
environment: dev
dedupe: {{reorder_window: 15m, stale_after: 8h, ignore_labels: [replica]}}
routes: [{{channels: [console]}}]
channels: [{{name: console, type: log}}]
alertmanager: {{url: '{url}', sources: [am]}}
"
    ))
    .await
}

fn kinds(history: &[Entry]) -> Vec<&str> {
    history.iter().map(|entry| entry.kind.as_str()).collect()
}

#[tokio::test]
async fn a_return_that_alertmanager_confirms_is_told_at_once_and_not_as_unconfirmed() {
    let scene = Scene::start(Manner::Lists(vec!["B", "A"])).await;
    scene.return_of("A").await;
    let history = scene.rig.until(|history| history.len() == 3).await;
    assert_eq!(kinds(&history), ["new", "resolved", "new"]);
    assert!(!history[2].unconfirmed);
    scene.answered("fires").await;
    let asked = scene.stand_in.asked();
    assert_eq!(
        asked,
        [("/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true".to_owned(), None)]
    );
}

#[tokio::test]
async fn an_old_copy_that_alertmanager_does_not_know_of_is_refuted() {
    let scene = Scene::start(Manner::Lists(vec!["B"])).await;
    scene.return_of("A").await;
    scene.answered("gone").await;
    assert_eq!(kinds(&scene.rig.history().await), ["new", "resolved"]);
    assert!(!scene.rig.store.has_due_occurrences(Timestamp::MAX).await.unwrap(), "nothing is held");
    scene.metric_is("suppressed_total{channel=\"console\",reason=\"stale_copy\"}", 1.0).await;
}

#[tokio::test]
async fn what_one_of_several_alertmanagers_does_not_know_of_is_not_refuted() {
    let scene = Scene::start(Manner::ListsWithOthers(vec!["B"])).await;
    scene.return_of("A").await;
    scene.answered("unknown").await;
    scene.told_when_the_window_ends().await;
}

#[tokio::test]
async fn alerts_of_other_sources_and_of_grafana_are_not_asked_about() {
    let scene = Scene::start(Manner::Lists(Vec::new())).await;
    for (source, sender) in [("other", "4"), ("am", "1")] {
        for end in [None, Some(5), None] {
            let mut webhook = from_source(source, &[("A", 0, end)]);
            if sender == "1" {
                webhook.snapshot.sender = modelwatch_receiver_core::alert::Sender::Grafana;
            }
            scene.rig.deliver().await;
            scene.intake.accept(webhook).await.unwrap();
        }
    }
    scene.until_open(0).await;
    assert_eq!(scene.rig.history().await.len(), 4);
    scene.rig.clock.advance(Duration::from_secs(15 * 60));
    scene.rig.until(|history| history.len() == 6).await;
    assert_eq!(scene.stand_in.asked(), []);
}

#[tokio::test]
async fn without_an_answer_the_window_decides_and_a_metric_says_why() {
    let elsewhere = StandIn::start(Manner::Lists(vec!["A"])).await;
    let faults = [
        (Manner::Says(200, "<html>hello</html>"), "invalid"),
        (Manner::Says(200, "{\"alerts\": []}"), "invalid"),
        (Manner::Says(401, "who?"), "auth"),
        (Manner::Says(404, "what?"), "refused"),
        (Manner::Says(503, "later"), "server_error"),
        (Manner::SendsTo(format!("{}/api/v2/alerts", elsewhere.url)), "refused"),
        (Manner::Floods(LIMITS.bytes + 1), "too_large"),
        (Manner::Hangs, "timeout"),
    ];
    for (manner, result) in faults {
        let scene = Scene::start(manner).await;
        scene.return_of("A").await;
        scene.metric_is(&format!("alertmanager_requests_total{{result=\"{result}\"}}"), 1.0).await;
        scene.until_open(1).await;
        scene.told_when_the_window_ends().await;
        scene.until_open(0).await;
    }
    assert_eq!(elsewhere.asked(), [], "nobody follows to another place");
}

#[tokio::test]
async fn nobody_behind_the_url_is_as_good_as_no_answer() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unused = StandIn::start(Manner::Hangs).await;
    let scene = Scene::asking(&format!("http://{closed}"), unused).await;
    scene.return_of("A").await;
    scene.metric_is("alertmanager_requests_total{result=\"connect\"}", 1.0).await;
    scene.told_when_the_window_ends().await;
}

#[tokio::test]
async fn what_could_not_be_asked_is_asked_again_while_its_window_is_open() {
    let scene = Scene::start(Manner::Says(503, "later")).await;
    scene.return_of("A").await;
    scene.metric_is("alertmanager_requests_total{result=\"server_error\"}", 1.0).await;
    scene.stand_in.now(Manner::Lists(vec!["A"]));
    scene.rig.clock.advance(LEFT_AFTER);
    let history = scene.rig.until(|history| history.len() == 3).await;
    assert!(!history[2].unconfirmed);
}

#[tokio::test]
async fn what_was_held_when_a_receiver_stopped_is_asked_about_before_the_next_one_tells_it() {
    for (listed, told) in [(vec!["A"], vec!["new", "resolved", "new"]), (vec![], vec!["new", "resolved"])] {
        let stand_in = StandIn::start(Manner::Lists(listed)).await;
        let rig = rig(&stand_in.url).await;
        let (intake, intaker) = rig.intake();
        let told_before = async {
            for end in [None, Some(5), None] {
                rig.deliver().await;
                intake.accept(group(&[("A", end)])).await.unwrap();
            }
            drop(intake);
        };
        tokio::join!(intaker.run(rig.tasks.shutdown()), told_before);
        assert_eq!(stand_in.asked(), []);
        rig.clock.advance(Duration::from_secs(20 * 60));
        let scene = Scene::with(rig, stand_in);
        scene.answered(if told.len() == 3 { "fires" } else { "gone" }).await;
        let history = scene.rig.history().await;
        assert_eq!(kinds(&history), told);
        assert!(history.iter().all(|entry| !entry.unconfirmed));
    }
}

#[tokio::test]
async fn another_alertmanager_that_a_reload_names_is_asked_at_once() {
    let scene = Scene::start(Manner::Says(503, "later")).await;
    scene.return_of("A").await;
    scene.metric_is("alertmanager_requests_total{result=\"server_error\"}", 1.0).await;
    let other = StandIn::start(Manner::Lists(vec!["A"])).await;
    let settings = Settings { url: Secret::new(other.url.clone()), sources: None };
    scene.upstream.send_replace(Some(Arc::new(Upstream::new(&settings, LIMITS).unwrap())));
    scene.answered("fires").await;
    assert_eq!(scene.stand_in.asked().len(), 1);
}

#[tokio::test]
async fn what_is_listed_counts_though_nobody_knows_what_is_not() {
    let scene = Scene::start(Manner::ListsOnly(vec!["A"])).await;
    for end in [None, Some(5), None] {
        scene.rig.deliver().await;
        scene.intake.accept(group(&[("A", end), ("B", end)])).await.unwrap();
    }
    scene.answered("fires").await;
    scene.metric_is("alertmanager_answers_total{answer=\"unknown\"}", 1.0).await;
    let told = scene.rig.until(|history| history.len() == 3).await;
    let names: Vec<_> = told[2].alerts.iter().map(|alert| alert.labels["alertname"].as_str()).collect();
    assert_eq!((names, told[2].unconfirmed), (vec!["A"], false));
    scene.rig.clock.advance(Duration::from_secs(15 * 60));
    assert!(scene.rig.until(|history| history.len() == 4).await[3].unconfirmed);
}

#[tokio::test]
async fn webhooks_are_accepted_while_alertmanager_hangs() {
    let scene = Scene::start(Manner::Hangs).await;
    scene.return_of("A").await;
    while scene.stand_in.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    scene.intake.accept(group(&[("B", None)])).await.unwrap();
    let timeouts = scene.rig.metric("alertmanager_requests_total{result=\"timeout\"}");
    assert!(timeouts.abs() < f64::EPSILON, "the request is under way");
}

#[tokio::test]
async fn one_answer_is_enough_for_all_alerts_of_a_batch() {
    let scene = Scene::start(Manner::Lists(Vec::new())).await;
    let names: Vec<String> = (0..600).map(|number| format!("A{number}")).collect();
    for end in [None, Some(5), None] {
        let alerts: Vec<_> = names.iter().map(|name| (name.as_str(), end)).collect();
        scene.intake.accept(group(&alerts)).await.unwrap();
    }
    scene.metric_is("alertmanager_answers_total{answer=\"gone\"}", 600.0).await;
    scene.until_open(0).await;
    let paths: Vec<_> = scene
        .stand_in
        .asked()
        .into_iter()
        .map(|(path, _)| path.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(paths, ["/api/v2/alerts", "/api/v2/status"]);
}

#[tokio::test]
async fn a_prefix_and_credentials_of_the_url_are_used() {
    let stand_in = StandIn::start(Manner::Lists(vec!["A"])).await;
    let url = stand_in.url.replace("http://", "http://reader:hunter%2F2@") + "/am/";
    let scene = Scene::asking(&url, stand_in).await;
    scene.return_of("A").await;
    scene.answered("fires").await;
    let asked = scene.stand_in.asked();
    assert!(asked[0].0.starts_with("/am/api/v2/alerts?"), "{asked:?}");
    // echo -n reader:hunter/2 | base64
    assert_eq!(asked[0].1.as_deref(), Some("Basic cmVhZGVyOmh1bnRlci8y"));
}

#[tokio::test]
async fn an_alert_that_nobody_speaks_of_goes_on_while_alertmanager_lists_it() {
    let scene = Scene::start(Manner::Lists(vec!["A"])).await;
    scene.intake.accept(group(&[("A", None), ("B", None)])).await.unwrap();
    scene.rig.clock.advance(Duration::from_secs(8 * 3600));
    scene.answered("fires").await;
    scene.metric_is("alertmanager_answers_total{answer=\"gone\"}", 1.0).await;
    let alerts = scene.rig.store.alerts("", "", 10).await.unwrap();
    let mut states: Vec<_> =
        alerts.iter().map(|alert| (alert.labels["alertname"].as_str(), alert.state.as_str())).collect();
    states.sort_unstable();
    assert_eq!(states, [("A", "firing"), ("B", "stale")]);
    assert_eq!(scene.rig.history().await.len(), 1, "nobody is told");
}

#[test]
fn no_trouble_repeats_a_secret() {
    let directory = tempfile::tempdir().unwrap();
    for url in ["http//hunter2", "ftp://a:hunter2@am", "http://a:hunter2@am?x", "http://a:hunter2@am/#x"] {
        let yaml = format!(
            "routes: [{{channels: [a]}}]\nchannels: [{{name: a, type: log}}]\nalertmanager: {{url: '{url}'}}\n"
        );
        let faults = crate::testing::load(directory.path(), &yaml).unwrap_err().to_string();
        assert!(faults.contains("alertmanager.url: expected"), "{faults}");
        assert!(!faults.contains("hunter2"), "{faults}");
    }
}
