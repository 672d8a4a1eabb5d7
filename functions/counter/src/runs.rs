use std::future::Future;

use flywheel_log::{Attempt, Goal};
use serde::Serialize;

/// Looks a run up: `states:DescribeExecution`.
pub trait DescribeRun {
    /// Returns the state of the run of this name.
    fn describe_run(&self, run: &str) -> impl Future<Output = Result<Attempt, RunsError>> + Send;
}

/// Starts a run: `states:StartExecution`.
pub trait StartRun {
    /// Starts the run of this name, unless the name was ever used.
    fn start_run(&self, run: &str, input: RunInput) -> impl Future<Output = Result<Started, RunsError>> + Send;
}

/// The input of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RunInput {
    /// The run's crossing.
    pub crossing: u64,
    /// The minimum for a training.
    #[serde(flatten)]
    pub goal: Goal,
}

/// The result of an attempt to start a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The run has started. (AWS also gives this answer to a second start with the same name and input while the first runs.)
    Started,
    /// The name is in use: another counter was faster.
    NameIsTaken,
}

/// A failed call to Step Functions.
#[derive(Debug, thiserror::Error)]
#[error("{action} {run}: {cause}")]
pub struct RunsError {
    /// The attempted action.
    pub action: &'static str,
    /// The run.
    pub run: String,
    /// The cause.
    pub cause: String,
}
