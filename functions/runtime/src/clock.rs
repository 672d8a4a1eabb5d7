use std::time::UNIX_EPOCH;

use flywheel_core::Millis;

/// The time by this machine's clock.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the one place that asks for the time")]
pub fn now() -> Millis {
    let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(Millis::MAX)
}
