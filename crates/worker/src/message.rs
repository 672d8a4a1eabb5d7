use flywheel_training::RunName;
use serde::Deserialize;

/// A training job as the workflow puts it on the queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobMessage {
    /// The token of the workflow's task-token callback.
    pub task_token: String,
    /// The run.
    pub run: RunName,
    /// The bucket of the run's files.
    pub bucket: String,
}
