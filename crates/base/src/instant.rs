//! Instants as the lake writes them. The core never reads a clock: its caller passes the time.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime, SecondsFormat, Utc};

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

/// Microseconds since the Unix epoch.
pub type Micros = u64;

fn utc(millis: Millis) -> DateTime<Utc> {
    // Beyond chrono's range (the year 262,142) no clock runs.
    i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Formats an instant in RFC 3339, UTC, with milliseconds: `2026-11-22T10:20:30.007Z`.
#[must_use]
pub fn rfc3339(millis: Millis) -> String {
    utc(millis).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Formats the UTC day of an instant: `2026-11-22`.
#[must_use]
pub fn day(millis: Millis) -> String {
    utc(millis).format("%Y-%m-%d").to_string()
}

/// Returns the last millisecond that a text names: the last of a UTC day, such as `2026-11-22`, or that of an RFC 3339
/// instant.
/// Returns `None` if the text is neither, or lies before 1970.
#[must_use]
pub fn until(text: &str) -> Option<Millis> {
    let day = text.parse::<NaiveDate>().ok().filter(|day| day.to_string() == text);
    let millis = match day {
        Some(day) => day.succ_opt()?.and_time(NaiveTime::MIN).and_utc().timestamp_millis() - 1,
        None => DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis(),
    };
    u64::try_from(millis).ok()
}

/// Returns `true` for an instant in RFC 3339.
pub fn is_rfc3339(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
}

/// Returns the Hive partition of an instant: `dt=2026-11-22/hour=10`.
pub fn partition(millis: Millis) -> String {
    utc(millis).format("dt=%Y-%m-%d/hour=%H").to_string()
}

/// Returns the calendar month of an instant, in UTC: `2026-11`.
pub fn month(millis: Millis) -> String {
    utc(millis).format("%Y-%m").to_string()
}

/// Returns the start of the next calendar month, in UTC.
pub fn next_month(millis: Millis) -> Millis {
    let first = utc(millis).with_day(1).and_then(|first| first.with_time(NaiveTime::MIN).single());
    let next = first.and_then(|first| first.checked_add_months(Months::new(1)));
    next.and_then(|next| u64::try_from(next.timestamp_millis()).ok()).unwrap_or(Millis::MAX)
}

/// Parses an RFC 3339 instant as microseconds since the epoch; `None` if it is invalid or before 1970.
pub fn micros(text: &str) -> Option<Micros> {
    Micros::try_from(DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros()).ok()
}

/// Formats an instant in RFC 3339, UTC, with microseconds: `2026-11-22T10:20:30.007042Z`.
pub fn rfc3339_micros(micros: Micros) -> String {
    let instant = i64::try_from(micros).ok().and_then(DateTime::from_timestamp_micros);
    instant.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Micros, true)
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

    #[test]
    fn a_text_names_a_day_or_an_instant() {
        let named = |text| until(text).map(rfc3339);
        assert_eq!(named("2026-11-22").unwrap(), "2026-11-22T23:59:59.999Z");
        assert_eq!(named("2026-11-22T10:20:30.007Z").unwrap(), "2026-11-22T10:20:30.007Z");
        assert_eq!(named("2026-11-22T01:00:00+02:00").unwrap(), "2026-11-21T23:00:00.000Z");
        assert_eq!(day(until("2026-11-22").unwrap()), "2026-11-22");
        for text in ["", "7", "2026-11", "2026-1-5", "2026-02-30", "22.11.2026", "2026-11-22 10:00", "1969-12-31"] {
            assert_eq!(until(text), None, "{text}");
        }
    }

    #[test]
    fn months_are_calendar_months() {
        assert_eq!(month(1_795_342_830_007), "2026-11");
        assert_eq!(rfc3339(next_month(1_795_342_830_007)), "2026-12-01T00:00:00.000Z");
        assert_eq!(rfc3339(next_month(1_796_083_200_000)), "2027-01-01T00:00:00.000Z");
        assert_eq!(next_month(Millis::MAX), Millis::MAX);
    }
}
