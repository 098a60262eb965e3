//! The page at `/templates`: a piece of a template to change, and beside it what it makes of a real notification. It is a
//! plain form that keeps nothing: what is good is saved as a file.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use modelwatch_common::http::body;
use modelwatch_common::http::page::{escape, shell};
use modelwatch_receiver_core::template::{Fault, Format, samples};
use serde::Deserialize;

use super::{content, failure};
use crate::preview::{MAX_BODY, Previews, Request, Shown, USUAL_PIECE, Unshown, pieces};

/// What the form is about.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    notification: Option<String>,
    sample: Option<String>,
    piece: Option<String>,
}

/// What the form was left with.
struct Form {
    wanted: Wanted,
    template: String,
}

/// The form with the piece as it is now, and what that makes of the notification.
pub(super) async fn open(
    State(previews): State<Previews>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let wanted = match query {
        Ok(Query(wanted)) => wanted,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let path = wanted.piece.as_deref().unwrap_or(USUAL_PIECE);
    let Some((format, piece)) = Format::piece(path) else {
        return failure(StatusCode::BAD_REQUEST, "There is no such piece of a template.");
    };
    let template = previews.text(format, piece);
    answer(&previews, Form { wanted, template }).await
}

/// The form as it was sent, and what came of it.
pub(super) async fn tried(State(previews): State<Previews>, body: Body) -> Response {
    match body::read(body, MAX_BODY).await {
        Ok(bytes) => answer(&previews, read(&bytes)).await,
        Err(problem) => failure(problem.status, &problem.public),
    }
}

fn read(bytes: &[u8]) -> Form {
    let mut form = Form { wanted: Wanted::default(), template: String::new() };
    for (name, value) in form_urlencoded::parse(bytes) {
        let value = value.into_owned();
        match name.as_ref() {
            "notification" => form.wanted.notification = Some(value),
            "sample" => form.wanted.sample = Some(value),
            "piece" => form.wanted.piece = Some(value),
            // browsers end lines with both, files do not
            "template" => form.template = value.replace("\r\n", "\n"),
            _ => {}
        }
    }
    form
}

async fn answer(previews: &Previews, form: Form) -> Response {
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let notification = given(&form.wanted.notification);
    let request = Request {
        template: form.template.clone(),
        piece: given(&form.wanted.piece),
        payload: None,
        sample: given(&form.wanted.sample).filter(|_| notification.is_none()),
        notification,
    };
    match previews.show(request).await {
        Ok(shown) => page(StatusCode::OK, &form, &seen(&shown)),
        Err(Unshown::Faults(faults)) => page(StatusCode::UNPROCESSABLE_ENTITY, &form, &wrong(&faults)),
        Err(Unshown::Problem(problem)) => {
            page(problem.status, &form, &format!("<p class=\"empty\">{}</p>\n", escape(&problem.public)))
        }
    }
}

fn seen(shown: &Shown) -> String {
    let sent = match &shown.message {
        serde_json::Value::String(line) => line.clone(),
        message => message.to_string(),
    };
    format!(
        "<h2>The piece</h2>\n<pre class=\"wrap\">{}</pre>\n{}",
        escape(&shown.rendered),
        content::section(Some(&sent))
    )
}

fn wrong(faults: &[Fault]) -> String {
    let faults: String =
        faults.iter().map(|fault| format!("<li><code>{}</code></li>", escape(&fault.to_string()))).collect();
    format!("<h2>It would be refused</h2>\n<ul>{faults}</ul>\n")
}

fn page(status: StatusCode, form: &Form, result: &str) -> Response {
    let body = format!(
        "<div class=\"beside\"><section>{}</section>\n<section>{result}</section></div>\n",
        editor(form)
    );
    (status, shell("Templates", &body)).into_response()
}

/// What to open, and the text that was opened, each a form of its own: another piece has another text.
fn editor(form: &Form) -> String {
    let wanted = &form.wanted;
    let piece = wanted.piece.as_deref().unwrap_or(USUAL_PIECE);
    let sample = wanted.sample.as_deref().unwrap_or("firing");
    let notification = wanted.notification.as_deref().filter(|id| !id.is_empty());
    let (about, kept) = match notification {
        Some(id) => {
            let link = format!(
                "<p>Tried on <a href=\"/notifications/{0}\">this notification</a>.</p>\n",
                escape(id)
            );
            (link + &hidden("notification", id), hidden("notification", id))
        }
        None => {
            let samples = choice("Sample", "sample", samples::names().map(str::to_owned), sample);
            (samples, hidden("sample", sample))
        }
    };
    format!(
        "<form method=\"get\" action=\"/templates\" class=\"editor\">\n{}{about}\
         <p><button type=\"submit\">Open</button></p></form>\n\
         <form method=\"post\" action=\"/templates\" class=\"editor\">\n{}{kept}\
         <label>Text of <code>{}.hbs</code><textarea name=\"template\" rows=\"24\" spellcheck=\"false\">\n{}</textarea></label>\n\
         <p><button type=\"submit\">Try</button> <span class=\"quiet\">Nothing is saved: put what is good into the folder of templates.</span></p></form>\n",
        choice("Piece", "piece", pieces(), piece),
        hidden("piece", piece),
        escape(piece),
        escape(&form.template)
    )
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value))
}

fn choice(label: &str, name: &str, options: impl Iterator<Item = String>, chosen: &str) -> String {
    let option = |option: String| {
        let selected = if option == chosen { " selected" } else { "" };
        format!("<option{selected}>{}</option>", escape(&option))
    };
    let options: String = options.map(option).collect();
    format!("<label>{label}<select name=\"{name}\">{options}</select></label>\n")
}
