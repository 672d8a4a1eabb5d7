//! A job that is under way says so, and hears when it has become pointless.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::ports::{Callbacks, Jobs, Received, Told};

/// How often a job says that it is alive.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// The time between two heartbeats: a quarter of the least that the workflow waits for one.
    pub every: Duration,
    /// For how many seconds the job is hidden from other workers each time: as long as the worker may be silent before
    /// another one takes over.
    pub hidden_for: u16,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { every: Duration::from_secs(30), hidden_for: 120 }
    }
}

/// Beats until nobody waits for the job any more.
///
/// A beat that fails is not the job's end: the next one may get through, and the workflow waits for four.
pub(crate) async fn beat_until_nobody_waits(
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
            Ok(Told::Heard) => (),
            Ok(Told::NobodyWaits) => return,
            Err(error) => tracing::warn!(%error, "no heartbeat"),
        }
    }
}
