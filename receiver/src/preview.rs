//! `POST /api/v1/templates/preview`: what a piece of a template makes of a webhook, a sample or a notification of the history,
//! before it is saved.
//!
//! A piece is tried exactly as one from the folder of templates would be, and nothing is kept. It runs away from the I/O
//! threads, one at a time, since it is whatever somebody typed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use modelwatch_common::config::ByteSize;
use modelwatch_common::http::{Problem, body};
use modelwatch_common::time::Clock;
use modelwatch_receiver_core::alert::Snapshot;
use modelwatch_receiver_core::message::Message;
use modelwatch_receiver_core::template::{Fault, Format, Piece, Scope, Template, samples, view};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::history;
use crate::intake::Terms;
use crate::notify::Draft;
use crate::store::{Store, new_id};
use crate::templates::Templates;

/// Where a preview is asked for.
pub const PATH: &str = "/api/v1/templates/preview";

/// No template and webhook that anybody tries are longer together.
pub(crate) const MAX_BODY: ByteSize = ByteSize::mebibytes(1);

/// No more alerts are put into words; every template is tried on so many anyway.
const MAX_ALERTS: usize = 1_000;

/// Of the pieces for one alert or one label so many are shown.
const MAX_SHOWN: usize = 20;

/// A piece that takes longer would hold up deliveries.
const WITHIN: Duration = Duration::from_secs(20);

/// The piece that is tried unless another is named.
pub(crate) const USUAL_PIECE: &str = "slack/summary";

/// What previews are made of.
#[derive(Clone)]
pub struct Previews {
    /// What the other pieces and the partials are taken from.
    pub templates: Arc<Templates>,
    /// Where real notifications are.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The environment of alerts that name none.
    pub terms: Arc<ArcSwap<Terms>>,
    /// Whose turn it is.
    pub turn: Arc<Semaphore>,
}

/// What to try, on one of `payload`, `sample` and `notification`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The text of the piece.
    pub(crate) template: String,
    /// Which piece it is, `slack/summary` by default.
    pub(crate) piece: Option<String>,
    /// A webhook of Alertmanager's, version 4.
    pub(crate) payload: Option<Value>,
    /// The name of a sample, `firing` by default.
    pub(crate) sample: Option<String>,
    /// The id of a notification of the history.
    pub(crate) notification: Option<String>,
}

/// What the piece makes of it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// The piece, as `slack/title`.
    pub(crate) piece: String,
    /// Its text; that of several alerts or labels one below the other.
    pub(crate) rendered: String,
    /// The whole message with this piece, as people read it.
    pub(crate) text: String,
    /// The whole message as it would be sent.
    pub(crate) message: Value,
}

/// Why there is nothing to show.
pub(crate) enum Unshown {
    /// What was asked cannot be done.
    Problem(Problem),
    /// The template is wrong.
    Faults(Vec<Fault>),
}

#[derive(Serialize)]
struct Place<'a> {
    piece: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
}

/// `POST /api/v1/templates/preview`, to be guarded by whoever merges it.
pub fn routes(previews: Previews) -> Router {
    Router::new().route(PATH, post(preview)).with_state(previews)
}

async fn preview(State(previews): State<Previews>, body: Body) -> Result<Response, Problem> {
    let bytes = body::read(body, MAX_BODY).await?;
    let request: Request = serde_json::from_slice(&bytes)
        .map_err(|error| bad(format!("expected a JSON object with `template`: {error}")))?;
    match previews.show(request).await {
        Ok(shown) => Ok(Json(shown).into_response()),
        Err(Unshown::Problem(problem)) => Err(problem),
        Err(Unshown::Faults(faults)) => Ok(wrong(&faults)),
    }
}

fn wrong(faults: &[Fault]) -> Response {
    let place = |fault: &Fault| {
        let Fault { piece, place, what } = fault;
        let (line, column) = place.unzip();
        serde_json::json!(Place { piece, line, column, message: what })
    };
    let all: Vec<Value> = faults.iter().map(place).collect();
    let words = faults.first().map(ToString::to_string);
    let body = serde_json::json!({ "error": words, "faults": all });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

fn bad(what: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, what)
}

impl Previews {
    /// Tries it, when it is its turn.
    pub(crate) async fn show(&self, request: Request) -> Result<Shown, Unshown> {
        let path = request.piece.clone().unwrap_or_else(|| USUAL_PIECE.to_owned());
        let (format, piece) = Format::piece(&path).ok_or_else(|| Unshown::Problem(no_piece(&path)))?;
        let message = self.message(&request).await.map_err(Unshown::Problem)?;
        let trial = self.trial(format, piece, request.template);
        let turn = Arc::clone(&self.turn).try_acquire_owned().map_err(|_| Unshown::Problem(busy()))?;
        let trying = tokio::task::spawn_blocking(move || {
            let shown = trial.run(&message);
            // whoever does not wait for it any more still holds the next one up
            drop(turn);
            shown
        });
        match tokio::time::timeout(WITHIN, trying).await {
            Ok(Ok(shown)) => shown.map_err(Unshown::Faults),
            Ok(Err(error)) => Err(Unshown::Problem(busy().because(error))),
            Err(_) => Err(Unshown::Problem(bad(format!("it takes longer than {} s", WITHIN.as_secs())))),
        }
    }

    /// What it is tried on.
    async fn message(&self, request: &Request) -> Result<Message, Problem> {
        match (&request.payload, &request.sample, &request.notification) {
            (Some(payload), None, None) => self.of_webhook(payload),
            (None, sample, None) => {
                let name = sample.as_deref().unwrap_or("firing");
                let known = || samples::names().collect::<Vec<_>>().join(", ");
                samples::named(name)
                    .ok_or_else(|| bad(format!("there is no sample `{name}`, only {}", known())))
            }
            (None, None, Some(id)) => self.of_history(id).await,
            _ => Err(bad("give one of `payload`, `sample` and `notification`".to_owned())),
        }
    }

    fn of_webhook(&self, payload: &Value) -> Result<Message, Problem> {
        let mut snapshot =
            Snapshot::parse(payload.to_string().as_bytes()).map_err(|error| bad(error.to_string()))?;
        for alert in &mut snapshot.alerts {
            alert.labels = self.terms.load().policy.with_environment(std::mem::take(&mut alert.labels));
        }
        few(Message::of_webhook(snapshot, &new_id(), "preview", self.clock.now()))
    }

    async fn of_history(&self, id: &str) -> Result<Message, Problem> {
        let stored = self.store.notification(id).await.map_err(|error| history::unreadable(&error))?;
        let message = stored.and_then(|stored| stored.message);
        few(message.ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND, "there is no such notification, or it said nothing")
        })?)
    }

    /// The text of a piece as it is now.
    pub(crate) fn text(&self, format: Format, piece: &Piece) -> String {
        self.templates.text(format.name(), format, piece)
    }

    fn trial(&self, format: Format, piece: &'static Piece, source: String) -> Trial {
        let mut pieces: BTreeMap<String, String> =
            format.pieces().iter().map(|other| (other.name.to_owned(), self.text(format, other))).collect();
        pieces.insert(piece.name.to_owned(), source);
        Trial { format, piece, pieces, templates: Arc::clone(&self.templates) }
    }
}

/// No more alerts than every template is tried on.
fn few(message: Message) -> Result<Message, Problem> {
    let alerts = message.alerts.len();
    if alerts > MAX_ALERTS {
        return Err(bad(format!("it has {alerts} alerts, a preview takes {MAX_ALERTS}")));
    }
    Ok(message)
}

fn busy() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "another template is being tried, try again")
}

fn no_piece(path: &str) -> Problem {
    let known = pieces().collect::<Vec<_>>().join(", ");
    bad(format!("there is no piece `{path}`, expected one of {known}"))
}

/// Every piece of every format, as `slack/title`.
pub(crate) fn pieces() -> impl Iterator<Item = String> {
    let of =
        |format: Format| format.pieces().iter().map(move |piece| format!("{}/{}", format.name(), piece.name));
    Format::ALL.into_iter().flat_map(of)
}

/// A template with one piece that is tried.
struct Trial {
    format: Format,
    piece: &'static Piece,
    pieces: BTreeMap<String, String>,
    templates: Arc<Templates>,
}

impl Trial {
    fn run(&self, message: &Message) -> Result<Shown, Vec<Fault>> {
        let template = Template::compile_in(self.format, &self.pieces, &self.templates.setting())?;
        let rendered = self.render(&template, message).map_err(|fault| vec![fault])?;
        let draft = Draft::new(self.format, &template, message).map_err(|fault| vec![fault])?;
        let piece = format!("{}/{}", self.format.name(), self.piece.name);
        Ok(Shown { piece, rendered, text: draft.text, message: draft.json })
    }

    fn render(&self, template: &Template, message: &Message) -> Result<String, Fault> {
        let whole = view::message(message);
        let data: Vec<Value> = match self.piece.scope {
            Scope::Body => return template.body(whole),
            Scope::Message => vec![whole],
            Scope::Alert => view::alerts(message).take(MAX_SHOWN).collect(),
            Scope::Label => view::labels(&whole["common_labels"]).into_iter().take(MAX_SHOWN).collect(),
        };
        let texts: Result<Vec<String>, Fault> =
            data.into_iter().map(|data| template.render(self.piece.name, &data.into())).collect();
        Ok(texts?.join("\n"))
    }
}
