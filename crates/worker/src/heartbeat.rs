//! Sends heartbeats for a job under way, and finds out when the workflow no longer waits for it.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::ports::{Callback, Callbacks, Jobs, Received};

/// The times of a job's heartbeats.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// The time between two heartbeats: a quarter of the least that the workflow waits for one.
    pub every: Duration,
    /// The visibility timeout in seconds, renewed with each heartbeat: a worker that is silent for longer loses the job to
    /// another one.
    pub hidden_for: u16,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { every: Duration::from_secs(30), hidden_for: 120 }
    }
}

/// Sends heartbeats until the workflow no longer waits for the job.
///
/// A failed heartbeat does not end the job: the next one may succeed, and the workflow waits for four.
pub(crate) async fn beat_until_task_is_gone(
    pulse: Pulse,
    jobs: &impl Jobs,
    callbacks: &impl Callbacks,
    (received, token): (&Received, &str),
) {
    let mut ticks = interval(pulse.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = jobs.hide(&received.receipt, pulse.hidden_for).await {
            tracing::warn!(%error, "the job may be delivered to another worker as well");
        }
        match callbacks.heartbeat(token).await {
            Ok(Callback::Accepted) => (),
            Ok(Callback::TaskGone) => return,
            Err(error) => tracing::warn!(%error, "no heartbeat"),
        }
    }
}
