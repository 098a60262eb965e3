//! The state of all models: a pure fold over batches in the order of their acceptance.

mod first_format;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::event::{Catalog, Event, ModelIndex, Reason, Rejection};
use crate::idempotency::{Answer, Answers, Bounds, KeyTotals, Once, OtherBody};
use crate::model::{Counted, Model, ModelSetup};
use crate::time::Time;
use crate::view::ModelView;
pub use first_format::FirstFormat;

/// The number of the format that a saved [`State`] has; it changes whenever a field anywhere in it does.
pub const FORMAT: u8 = 2;

/// What [`Setup::series_per_family`] is unless it is configured.
pub const SERIES_PER_FAMILY: usize = 10_000;

/// Everything that is configured.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// In the order of the configuration.
    pub models: Vec<Arc<ModelSetup>>,
    /// For parsing events.
    pub catalog: Catalog,
    /// Series that one family of `/metrics` keeps apart.
    pub series_per_family: usize,
}

impl Setup {
    /// The setup of these models.
    #[must_use]
    pub fn new(models: Vec<Arc<ModelSetup>>) -> Setup {
        let entries = models.iter().map(|model| (model.name.clone(), Arc::new(model.feature_names())));
        let catalog = Catalog::new(entries);
        Setup { models, catalog, series_per_family: SERIES_PER_FAMILY }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events that are counted for good, those that had been counted before included.
    pub accepted: u64,
    /// Those among them that had been counted before.
    pub duplicates: u64,
    /// Line and reason of what was refused.
    pub rejected: Vec<(usize, Rejection)>,
}

/// Features of a model that are counted from now on only, because they are new or their reference is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunAnew {
    /// The model.
    pub model: Box<str>,
    /// In the order of the configuration; never empty.
    pub features: Vec<Box<str>>,
}

/// Everything that is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    models: BTreeMap<Box<str>, Model>,
    rejected: BTreeMap<Reason, u64>,
    now: Time,
    answers: Answers,
}

impl State {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(setup: &Setup) -> State {
        let mut state = State {
            models: BTreeMap::new(),
            rejected: BTreeMap::new(),
            now: Time(i64::MIN),
            answers: Answers::default(),
        };
        state.adopt(setup);
        state
    }

    /// Fits the state to a configuration: models that are gone are forgotten, new ones begin. Answers with the
    /// features that had to begin anew; all else is kept.
    pub fn adopt(&mut self, setup: &Setup) -> Vec<BegunAnew> {
        self.models.retain(|name, _| setup.models.iter().any(|model| model.name == *name));
        let mut begun_anew = Vec::new();
        for model in &setup.models {
            let known = self.models.entry(model.name.clone()).or_insert_with(|| Model::new(model));
            let features = known.adopt(model);
            if !features.is_empty() {
                begun_anew.push(BegunAnew { model: model.name.clone(), features });
            }
        }
        begun_anew
    }

    /// Lets time pass for all models and for what is remembered; it never runs backwards.
    pub fn advance(&mut self, setup: &Setup, now: Time) {
        self.now = self.now.max(now);
        self.answers.expire(self.now);
        for model in &setup.models {
            if let Some(state) = self.models.get_mut(&model.name) {
                state.advance(model, self.now);
            }
        }
    }

    /// What was answered to a body that came before; `None` when its key is new, at `now`.
    ///
    /// # Errors
    /// When the key came with another body.
    #[must_use]
    pub fn answered(&self, once: &Once, now: Time) -> Option<Result<&Answer, OtherBody>> {
        self.answers.find(once, now.max(self.now))
    }

    /// Counts a batch that was received at `now`, and remembers what it is answered if it came with a key that is new.
    pub fn accept(&mut self, setup: &Setup, batch: &Batch, once: Option<&Once>, now: Time) -> Answer {
        let answer = Answer::from(&self.apply(setup, batch, now));
        if let Some(once) = once {
            self.answers.remember(once, answer.clone(), self.now, Bounds::OF_STATE);
        }
        answer
    }

    /// How many answers are remembered.
    #[must_use]
    pub fn keys(&self) -> KeyTotals {
        self.answers.totals()
    }

    /// Counts a batch that was received at `now`.
    pub fn apply(&mut self, setup: &Setup, batch: &Batch, now: Time) -> Outcome {
        self.advance(setup, now);
        let mut outcome = Outcome::default();
        for (line, event) in &batch.lines {
            let counted = event.as_ref().map_err(Clone::clone).and_then(|event| self.count(setup, event));
            match counted {
                Ok(Counted::New) => outcome.accepted += 1,
                Ok(Counted::Duplicate) => {
                    outcome.accepted += 1;
                    outcome.duplicates += 1;
                    self.reject(Reason::Duplicate);
                }
                Err(rejection) => {
                    self.reject(rejection.reason);
                    outcome.rejected.push((*line, rejection));
                }
            }
        }
        outcome
    }

    /// Events that were refused or known, by reason.
    #[must_use]
    pub fn rejected(&self) -> &BTreeMap<Reason, u64> {
        &self.rejected
    }

    /// All models as they stand.
    #[must_use]
    pub fn views(&self, setup: &Setup) -> Vec<ModelView> {
        let known = setup.models.iter().filter_map(|model| Some((model, self.models.get(&model.name)?)));
        known.map(|(setup, model)| model.view(setup, self.now)).collect()
    }

    fn count(&mut self, setup: &Setup, event: &Event) -> Result<Counted, Rejection> {
        let ModelIndex(at) = match event {
            Event::Prediction(prediction) => prediction.model,
            Event::Label(label) => label.model,
        };
        let known = setup.models.get(at).and_then(|setup| Some((setup, self.models.get_mut(&setup.name)?)));
        let gone = || Rejection::new(Reason::UnknownModel, "the model is no longer configured");
        let (setup, model) = known.ok_or_else(gone)?;
        let counted = match event {
            Event::Prediction(prediction) => model.predict(setup, prediction, self.now),
            Event::Label(label) => model.label(setup, label, self.now),
        };
        model.note_births(self.now);
        counted
    }

    fn reject(&mut self, reason: Reason) {
        *self.rejected.entry(reason).or_default() += 1;
    }
}
