//! Several receivers that deliver from one store.

use super::*;
use crate::store::{Claim, Outlet, Store};

/// What is owned is free after so long without a word of its owner.
const TAKEN: Duration = Duration::from_secs(15);

/// Delivers from `store`, as another process would.
fn start_on(rig: &Rig, store: &Store, plan: Plan) -> Delivery {
    let means = Means {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        metrics: Arc::clone(&rig.metrics),
        tasks: rig.tasks.clone(),
        bell: watch::Sender::new(()),
    };
    Delivery::start(means, plan)
}

/// One webhook for each of some groups.
async fn accept_groups(rig: &Rig, groups: usize) {
    let intake = rig.running_intake();
    for i in 0..groups {
        let mut webhook = group(&[("A", None)]);
        webhook.snapshot.group_key = format!("g{i}");
        webhook.snapshot.alerts[0].labels.insert("i".to_owned(), i.to_string());
        intake.accept(webhook).await.unwrap();
    }
}

fn times_of(sent: &[&Arc<Scripted>]) -> Vec<tokio::time::Instant> {
    let mut times: Vec<_> = sent.iter().flat_map(|one| one.sent()).map(|(at, _)| at).collect();
    times.sort();
    times
}

#[tokio::test]
async fn two_receivers_send_everything_once_between_them() {
    let rig = rig().await;
    let (here, there) = (Arc::new(Scripted::default()), Arc::new(Scripted::default()));
    let other = rig.store.another_receiver().await;
    let _ours = start(&rig, plan(&rig, [("a", &here, None), ("b", &Arc::default(), None)]));
    let _theirs = start_on(&rig, &other, plan(&rig, [("a", &there, None), ("b", &Arc::default(), None)]));
    accept_groups(&rig, 20).await;
    let history =
        rig.until(|history| history.len() == 20 && history.iter().all(|e| e.status == "delivered")).await;
    assert!(history.iter().all(|entry| entry.attempts.len() == 1), "{history:#?}");
    assert_eq!(times_of(&[&here, &there]).len(), 20);
}

#[tokio::test]
async fn a_rate_spreads_what_several_receivers_send() {
    let rig = rig().await;
    let (here, there) = (Arc::new(Scripted::default()), Arc::new(Scripted::default()));
    let other = rig.store.another_receiver().await;
    let began = tokio::time::Instant::now();
    let rate = || "10/s".parse().ok();
    let _ours = start(&rig, plan(&rig, [("a", &here, rate()), ("b", &Arc::default(), None)]));
    let _theirs = start_on(&rig, &other, plan(&rig, [("a", &there, rate()), ("b", &Arc::default(), None)]));
    accept_groups(&rig, 6).await;
    rig.until(|history| history.len() == 6 && history.iter().all(|e| e.status == "delivered")).await;
    // the way of one may take longer than that of the next, but none begins before its turn
    for (turn, sent) in (0..).zip(times_of(&[&here, &there])) {
        assert!(sent.duration_since(began) >= turn * Duration::from_millis(100), "{turn}");
    }
}

/// A channel that takes so long to find its words that another receiver takes over, once.
struct Slow {
    other: Store,
    wording: Wording,
    stolen: watch::Sender<bool>,
    sent: std::sync::atomic::AtomicUsize,
}

impl Slow {
    async fn take_over(&self) {
        assert_eq!(self.other.reap_after(TAKEN).await, 1);
        let outlet = Outlet { channel: "a", rate: None, has_recipients: false, keeps_posts: false };
        let claim = self.other.claim(outlet, &self.wording, jiff::Timestamp::now()).await.unwrap();
        assert!(matches!(claim, Claim::Ours(_)), "{claim:?}");
        self.stolen.send_replace(true);
    }
}

impl Notifier for Slow {
    fn render(&self, message: &Message) -> Rendered {
        if !*self.stolen.borrow() {
            tokio::runtime::Handle::current().block_on(self.take_over());
        }
        Rendered { content: message.title(), problem: None }
    }

    fn send<'a>(&'a self, _parcel: Parcel<'a>) -> BoxFuture<'a, Outcome> {
        self.sent.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::pin(std::future::ready(Outcome::Delivered { detail: "yes".to_owned() }))
    }
}

#[tokio::test]
async fn who_lost_its_claim_before_it_sent_sends_nothing() {
    let rig = rig().await;
    let slow = Arc::new(Slow {
        other: rig.store.another_receiver().await,
        wording: rig.config.wording(),
        stolen: watch::Sender::new(false),
        sent: 0.into(),
    });
    let sent = || slow.sent.load(std::sync::atomic::Ordering::SeqCst);
    let mut plan = plan(&rig, [("a", &Arc::default(), None), ("b", &Arc::default(), None)]);
    plan.destinations.get_mut("a").unwrap().notifier = Arc::clone(&slow) as Arc<dyn Notifier>;
    let delivery = start(&rig, plan);
    rig.running_intake().accept(group(&[("A", None)])).await.unwrap();
    slow.stolen.subscribe().wait_for(|stolen| *stolen).await.unwrap();
    delivery.0.under_way.subscribe().wait_for(|number| *number == 0).await.unwrap();
    let history = rig.history().await;
    assert_eq!((sent(), history[0].attempts.len(), history[0].status.as_str()), (0, 0, "pending"));
    slow.other.resign().await.unwrap();
    let history = rig.until(|history| history.iter().all(|entry| entry.status == "delivered")).await;
    assert_eq!((sent(), history[0].attempts.len()), (1, 1));
}

#[tokio::test]
async fn what_a_receiver_leaves_behind_another_delivers_marked_ambiguous() {
    let rig = rig().await;
    let stuck = Arc::new(Scripted::stuck());
    let there = Arc::new(Scripted::default());
    let other = rig.store.another_receiver().await;
    let mut one_at_a_time = plan(&rig, [("a", &stuck, None), ("b", &Arc::default(), None)]);
    one_at_a_time.settings.workers = 1;
    let _dead = start(&rig, one_at_a_time);
    accept_groups(&rig, 1).await;
    rig.until(|history| history.iter().any(|entry| !entry.attempts.is_empty())).await;
    assert_eq!(other.reap_after(TAKEN).await, 1);
    let _theirs = start_on(&rig, &other, plan(&rig, [("a", &there, None), ("b", &Arc::default(), None)]));
    let history = rig.until(|history| history.iter().any(|entry| entry.status == "delivered")).await;
    let attempts: Vec<_> = history[0].attempts.iter().map(|a| (a.result.as_deref(), a.ambiguous)).collect();
    assert_eq!(attempts, [(Some("retryable"), true), (Some("delivered"), false)]);
    stuck.answer();
    let late = rig.until(|history| history[0].attempts[0].result.as_deref() == Some("delivered")).await;
    assert!(late[0].attempts[0].ambiguous, "both may have arrived");
    let delivered = rig.metric("notifications_total{channel=\"a\",result=\"delivered\"}");
    assert!((delivered - 1.0).abs() < f64::EPSILON, "it is counted once: {delivered}");
}
