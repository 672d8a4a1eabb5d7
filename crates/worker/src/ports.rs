//! What a worker needs of the queue and of the workflow. Each method is one IAM action.

use std::future::Future;

/// A message that was received, and is hidden from other workers for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its body.
    pub body: String,
    /// What it is named by from now on.
    pub receipt: String,
}

/// The queue of training jobs.
pub trait Jobs: Sync {
    /// Waits for a job, some seconds at most.
    fn receive(&self) -> impl Future<Output = Result<Option<Received>, PortError>> + Send;

    /// Hides a job for so many seconds from now; 0: hands it back.
    fn hide(&self, receipt: &str, seconds: u16) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes a job: it is answered, whoever answered it.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// The workflow's ears.
pub trait Callbacks: Sync {
    /// Says that the job is still under way.
    fn heartbeat(&self, token: &str) -> impl Future<Output = Result<Told, PortError>> + Send;

    /// Says that it is done.
    fn succeed(&self, token: &str, output: &str) -> impl Future<Output = Result<Told, PortError>> + Send;

    /// Says that it cannot be done, and why.
    fn fail(&self, token: &str, error: &str, cause: &str) -> impl Future<Output = Result<Told, PortError>> + Send;
}

/// Whether anybody listened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The workflow took it.
    Heard,
    /// Nobody waits for it any more: it was answered before, it timed out, or the run was stopped.
    NobodyWaits,
}

/// A call failed. Another attempt may not.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {cause}")]
pub struct PortError {
    /// What was tried.
    pub action: &'static str,
    /// Why it failed.
    pub cause: String,
}
