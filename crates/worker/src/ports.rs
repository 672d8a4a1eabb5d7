//! The ports to the queue and the workflow. Each method is one IAM action.

use std::future::Future;

/// A received message. It is hidden from other workers for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its body.
    pub body: String,
    /// The receipt handle for later calls.
    pub receipt: String,
}

/// The queue of training jobs.
pub trait Jobs: Sync {
    /// Waits for a job for some seconds at most.
    fn receive(&self) -> impl Future<Output = Result<Option<Received>, PortError>> + Send;

    /// Hides a job for this many seconds from now; 0 returns it to the queue.
    fn hide(&self, receipt: &str, seconds: u16) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes a job that is answered, by this worker or another one.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// The workflow's task-token callbacks.
pub trait Callbacks: Sync {
    /// Reports that the job is still under way.
    fn heartbeat(&self, token: &str) -> impl Future<Output = Result<Callback, PortError>> + Send;

    /// Reports that the job is done.
    fn succeed(&self, token: &str, output: &str) -> impl Future<Output = Result<Callback, PortError>> + Send;

    /// Reports that the job failed, and why.
    fn fail(&self, token: &str, error: &str, cause: &str) -> impl Future<Output = Result<Callback, PortError>> + Send;
}

/// The workflow's reaction to a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// The workflow accepted it.
    Accepted,
    /// The workflow no longer waits for the job: it was answered before, it timed out, or the run was stopped.
    TaskGone,
}

/// A failed call. Another attempt may succeed.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {cause}")]
pub struct PortError {
    /// The attempted action.
    pub action: &'static str,
    /// The cause.
    pub cause: String,
}
