use std::time::{Instant, UNIX_EPOCH};

use flywheel_base::instant::Millis;

/// Returns the time by this machine's clock.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the one place that asks for the time")]
pub fn now() -> Millis {
    let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(Millis::MAX)
}

/// Returns the whole milliseconds since an instant, the unit of durations in logs.
#[must_use]
pub fn millis_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
