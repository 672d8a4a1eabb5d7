use serde::{Deserialize, Serialize};

use super::run::RunName;
use super::unusable::{Unusable, parse};
use crate::base::instant::Millis;

/// What a person is asked: whether a run's adapter becomes live. `review.json` of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The run.
    pub run: RunName,
    /// By which the workflow takes the answer. Who reads it may answer, if they may call Step Functions at all.
    pub task_token: String,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub asked_at: Millis,
    /// Why the gate left it to a person.
    pub reasons: Vec<String>,
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewAnswer {
    /// What becomes of the adapter.
    pub decision: ReviewDecision,
    /// Who says so.
    pub who: String,
    /// Why.
    pub why: String,
}

/// What a person may decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDecision {
    /// It becomes live.
    Promote,
    /// It does not.
    Reject,
}

impl Review {
    /// Reads a review.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        parse("review.json", text)
    }
}
