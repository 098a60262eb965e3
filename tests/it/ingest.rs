//! What comes in: packed bodies, bodies that are sent again, and more series than there is room for.

mod budget;
mod idempotency;
mod lost_answers;
mod zstd;

use reqwest::RequestBuilder;
use tempfile::TempDir;

use crate::support::exposition::samples;
use crate::support::http::{Answer, NDJSON, client, send};
use crate::support::program::Program;
use crate::support::wait::until;
use crate::support::{home, loans, write};

/// An exporter of loans in a folder of its own.
struct Exporter {
    program: Program,
    home: TempDir,
}

impl Exporter {
    /// `more` is added to the sections of its configuration.
    async fn start(more: &str) -> Exporter {
        let home = home();
        loans::configure(home.path(), more);
        write(home.path(), "first.token", "first-secret");
        write(home.path(), "second.token", "second-secret");
        Exporter { program: Program::exporter(home.path()).await, home }
    }

    /// A request that sends events, one a line.
    fn events(&self) -> RequestBuilder {
        client().post(format!("{}/v1/events", self.program.url)).header("content-type", NDJSON)
    }

    /// What a body is answered that comes with a key.
    async fn post(&self, key: &str, body: &str) -> Answer {
        send(self.events().header("idempotency-key", key).body(body.to_owned())).await
    }

    /// Kills it and starts it again.
    async fn crash(&mut self) {
        self.program.crash();
        self.program.ready().await;
    }

    /// The sum of a family over all its samples.
    async fn sum(&self, family: &str) -> f64 {
        sum(&self.program.metrics().await, family)
    }

    /// Waits until the samples of a family sum up to this.
    async fn wait_for_sum(&self, family: &str, wanted: u64) {
        until(&format!("{family} sums up to {wanted}"), async || {
            let sum = self.sum(family).await;
            if sum == wanted as f64 { Ok(()) } else { Err(format!("it is {sum}")) }
        })
        .await;
    }
}

fn sum(page: &str, family: &str) -> f64 {
    samples(page).iter().filter(|s| s.name == family).map(|s| s.value.parse::<f64>().unwrap()).sum()
}

/// A prediction without an id, which nobody can tell from another one of the same content.
fn nameless(number: u64) -> String {
    let mut event = loans::Applicant::usual(number).prediction("1", loans::START + number as i64);
    event.as_object_mut().expect("an object").remove("id");
    format!("{event}\n")
}
