use std::future::Future;

use flywheel_core::{Attempt, Goal};
use serde::Serialize;

/// Looks a run up: `states:DescribeExecution`.
pub trait DescribeRun {
    /// What became of the run of this name.
    fn describe_run(&self, run: &str) -> impl Future<Output = Result<Attempt, RunsError>> + Send;
}

/// Starts a run: `states:StartExecution`.
pub trait StartRun {
    /// Starts the run of this name, unless a run ever had it.
    fn start_run(&self, run: &str, input: RunInput) -> impl Future<Output = Result<Started, RunsError>> + Send;
}

/// What a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RunInput {
    /// The crossing that it is for.
    pub crossing: u64,
    /// What has to be there to train on.
    #[serde(flatten)]
    pub goal: Goal,
}

/// What became of an attempt to start a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// It runs. (To a second start with the same name and input, while the first runs, AWS gives this same answer.)
    Started,
    /// The name is taken: another counter was faster.
    NameIsTaken,
}

/// Step Functions could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{action} {run}: {cause}")]
pub struct RunsError {
    /// What was tried.
    pub action: &'static str,
    /// On which run.
    pub run: String,
    /// Why it failed.
    pub cause: String,
}
