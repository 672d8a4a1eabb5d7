use flywheel_training::RunName;
use serde::Deserialize;

/// A message of the workflow on the queue of training jobs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobMessage {
    /// The request. A workflow from before there were two asks for a training.
    #[serde(default)]
    pub request: Request,
    /// The token of the workflow's task-token callback.
    pub task_token: String,
    /// The run.
    pub run: RunName,
    /// The bucket of the run's files.
    pub bucket: String,
}

/// The workflow's request to a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Train the run.
    #[default]
    Train,
    /// Answer that a worker is there. The job follows: the workflow does not count the time without a worker as silence.
    Ready,
}
