use flywheel_base::instant::Millis;
use serde::{Deserialize, Serialize};

use super::run::RunName;
use super::unusable::{Unusable, parse};

/// The question to an operator whether a run's adapter becomes live: `review.json` of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The run.
    pub run: RunName,
    /// The token of the workflow's task-token callback. An operator who reads it may answer, given permission to call Step
    /// Functions.
    pub task_token: String,
    /// The time of the question, in milliseconds since the Unix epoch.
    pub asked_at: Millis,
    /// The gate's reasons for asking.
    pub reasons: Vec<String>,
}

/// An operator's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewAnswer {
    /// The decision about the adapter.
    pub decision: ReviewDecision,
    /// The operator.
    pub who: String,
    /// The reason.
    pub why: String,
}

/// The possible decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDecision {
    /// The adapter becomes live.
    Promote,
    /// The adapter does not become live.
    Reject,
}

impl Review {
    /// Reads a review.
    ///
    /// # Errors
    /// If it is invalid.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        parse("review.json", text)
    }
}
