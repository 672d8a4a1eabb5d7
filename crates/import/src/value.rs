//! Reads fields of a source's records.

use flywheel_base::instant::{is_rfc3339, rfc3339};
use serde_json::Value;

use crate::skipped::{SkipReason, Skipped};

/// The largest number that is taken for seconds since the epoch: year 5138. Larger ones are milliseconds.
const MOST_SECONDS: f64 = 1e11;

/// Returns a field that has a value: neither `null` nor empty.
pub(crate) fn present<'v>(record: &'v Value, name: &str) -> Option<&'v Value> {
    record.get(name).filter(|value| !is_empty(value))
}

/// Returns `true` for `null` and for an empty text, list or object.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns the first of the fields that has a value.
pub(crate) fn first<'v>(record: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| present(record, name))
}

/// Returns the first of the fields that is a text and not empty.
pub(crate) fn text<'v>(record: &'v Value, names: &[&str]) -> Option<&'v str> {
    names.iter().find_map(|name| present(record, name)?.as_str())
}

/// Returns the first of the fields that is an id: a text or a whole number.
pub(crate) fn id(record: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match present(record, name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    })
}

/// Returns the value at a path with dots. A key may have dots itself; the longest key wins.
pub(crate) fn at<'v>(record: &'v Value, path: &str) -> Option<&'v Value> {
    if let Some(value) = record.get(path) {
        return Some(value);
    }
    let ends = path.rmatch_indices('.').map(|(end, _)| end);
    ends.filter_map(|end| at(record.get(&path[..end])?, &path[end + 1..])).next()
}

/// Returns the first of the fields that is an instant, in RFC 3339. Times without an offset are UTC, as all tools here
/// write them. Numbers are seconds or milliseconds since the epoch.
///
/// # Errors
/// The field is no instant. Without it a later text could count as the earlier one.
pub(crate) fn instant(record: &Value, names: &[&str]) -> Result<Option<String>, Skipped> {
    let Some((name, value)) = names.iter().find_map(|name| Some((name, present(record, name)?))) else {
        return Ok(None);
    };
    let instant = match value {
        Value::String(text) => with_offset(text),
        Value::Number(number) => number.as_f64().and_then(of_epoch),
        _ => None,
    };
    match instant {
        Some(instant) => Ok(Some(instant)),
        None => Err(Skipped::new(SkipReason::UnreadableTime, name, "is no time in RFC 3339 or since the epoch")),
    }
}

fn of_epoch(number: f64) -> Option<String> {
    let millis = if number > MOST_SECONDS { number } else { number * 1e3 };
    (0.0..MOST_SECONDS * 1e3).contains(&millis).then(|| rfc3339(millis as u64))
}

fn with_offset(text: &str) -> Option<String> {
    if is_rfc3339(text) {
        return Some(text.to_owned());
    }
    let utc = format!("{}Z", text.replacen(' ', "T", 1));
    is_rfc3339(&utc).then_some(utc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_of_all_tools_are_instants() {
        let read = |time: Value| instant(&json!({"t": time}), &["t"]).ok().flatten();
        for (time, expected) in [
            (json!("2024-05-29 13:46:19.963000"), "2024-05-29T13:46:19.963000Z"),
            (json!("2024-05-29T13:46:19.963"), "2024-05-29T13:46:19.963Z"),
            (json!("2024-05-29T13:46:19+02:00"), "2024-05-29T13:46:19+02:00"),
            (json!(1_716_990_379), "2024-05-29T13:46:19.000Z"),
            (json!(1_716_990_379_963_u64), "2024-05-29T13:46:19.963Z"),
        ] {
            assert_eq!(read(time).as_deref(), Some(expected));
        }
        assert_eq!(instant(&json!({"t": null}), &["t"]), Ok(None));
        for time in [json!("yesterday"), json!(-1), json!(true)] {
            assert!(instant(&json!({"t": time}), &["t"]).is_err(), "{time}");
        }
    }

    #[test]
    fn a_path_may_name_keys_with_dots() {
        let record = json!({"a.b": {"c": 1}, "a": {"d": 2}});
        assert_eq!(at(&record, "a.b.c"), Some(&json!(1)));
        assert_eq!(at(&record, "a.d"), Some(&json!(2)));
        assert_eq!(at(&record, "a.e"), None);
    }
}
