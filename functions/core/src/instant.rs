//! Instants as the lake writes them. The core never asks for the time: whoever calls it says what time it is.

use chrono::{DateTime, SecondsFormat, Utc};

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

fn utc(millis: Millis) -> DateTime<Utc> {
    // Beyond chrono's range (the year 262,142) no clock runs.
    i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn rfc3339(millis: Millis) -> String {
    utc(millis).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The Hive partition of an instant: `dt=2026-11-22/hour=10`.
pub(crate) fn partition(millis: Millis) -> String {
    utc(millis).format("dt=%Y-%m-%d/hour=%H").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_utc() {
        assert_eq!(rfc3339(1_795_342_830_007), "2026-11-22T10:20:30.007Z");
        assert_eq!(partition(1_795_342_830_007), "dt=2026-11-22/hour=10");
        assert_eq!(partition(0), "dt=1970-01-01/hour=00");
    }
}
