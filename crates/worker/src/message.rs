use flywheel_core::training::RunName;
use serde::Deserialize;

/// A training job, as the workflow puts it on the queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobMessage {
    /// What the workflow waits for an answer by.
    pub task_token: String,
    /// The run.
    pub run: RunName,
    /// The bucket that the run's files are in.
    pub bucket: String,
}
