//! Gold that is held back at freeze: the same lines, with a reason, as parts of the quarantine.

use serde::Deserialize;

use crate::batch::digest_of;
use crate::instant::Millis;
use crate::part::PartName;
use crate::route::Route;

/// A part holds so many lines, or so many bytes if that is less, and one line at least.
const LINES_A_PART: usize = 1_000;
const BYTES_A_PART: usize = 4 * 1024 * 1024;

/// A gold line that is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLine {
    /// The event that it is of.
    pub event_id: String,
    /// The pair in it.
    pub pair_id: String,
    /// The line, as gold has it.
    pub text: String,
}

/// A line that is no JSON object with a list of reasons.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line of event {event_id} has no list of reasons")]
pub struct UnheldLine {
    event_id: String,
}

/// The quarantine's parts of held lines: key and body. Keys follow from the lines and from `written_at`, which whoever holds
/// takes from the parts that they were in: held again after a crash, the same lines make the same objects.
///
/// # Errors
/// If a line is no line of the lake.
pub fn held_parts(lines: &[HeldLine], written_at: Millis, reason: &str) -> Result<Vec<(String, String)>, UnheldLine> {
    let mut parts = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let mut bytes = 0;
        let mut fits = |line: &HeldLine| {
            bytes += line.text.len();
            bytes <= BYTES_A_PART
        };
        let taken = rest.iter().take(LINES_A_PART).take_while(|line| fits(line)).count().max(1);
        let (part, later) = rest.split_at(taken);
        let ids = part.iter().map(|line| (line.event_id.clone(), line.pair_id.clone())).collect();
        let name = PartName { written_at, digest: digest_of(ids), rows: part.len() as u64 };
        let mut body = String::new();
        for line in part {
            let text = with_reason(&line.text, reason).ok_or_else(|| UnheldLine { event_id: line.event_id.clone() })?;
            body.push_str(&text);
            body.push('\n');
        }
        parts.push((name.key(Route::Quarantine), body));
        rest = later;
    }
    Ok(parts)
}

/// The line with a reason added. All else stays as it was written, to the byte: numbers are not read and printed again.
fn with_reason(line: &str, reason: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Reasons<'l> {
        #[serde(borrow)]
        reasons: Vec<&'l str>,
    }
    let Reasons { reasons } = serde_json::from_str(line).ok()?;
    let (before, after) = line.split_at(end_of_reasons(line)?);
    let comma = if reasons.is_empty() { "" } else { "," };
    Some(format!("{before}{comma}\"{reason}\"{after}"))
}

/// Where the list under the outermost object's `reasons` ends. The line is known to be JSON, and to have it.
fn end_of_reasons(line: &str) -> Option<usize> {
    let (mut depth, mut string_from, mut is_escaped) = (0_usize, None, false);
    let (mut last_string, mut is_in_reasons) = ("", false);
    for (at, byte) in line.bytes().enumerate() {
        if let Some(from) = string_from {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => (last_string, string_from) = (&line[from..at], None),
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => string_from = Some(at + 1),
            b':' if depth == 1 => is_in_reasons = last_string == "reasons",
            b']' if depth == 2 && is_in_reasons => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::BREAKER_OPEN;

    fn line(number: usize, bytes: usize) -> HeldLine {
        let text = format!(r#"{{"event_id":"e{number}","chosen":"{}","reasons":[]}}"#, "x".repeat(bytes));
        HeldLine { event_id: format!("e{number}"), pair_id: format!("p{number}"), text }
    }

    #[test]
    fn a_line_gets_the_reason_and_is_otherwise_untouched() {
        let gold = r#"{"x":[{"reasons":["]"]}],"chosen":"reasons","rejected":"say \"reasons\":[]","similarity":0.30000000000000004,"reasons":[],"z":1e2,"a":{"reasons":[]},"b":"\\"}"#;
        let held = gold.replace(r#","reasons":[],"z""#, r#","reasons":["breaker_open"],"z""#);
        assert_eq!(with_reason(gold, BREAKER_OPEN), Some(held.clone()));
        let twice = held.replace(r#"["breaker_open"]"#, r#"["breaker_open","breaker_open"]"#);
        assert_eq!(with_reason(&held, BREAKER_OPEN), Some(twice));
    }

    #[test]
    fn what_is_no_line_is_refused_by_its_event() {
        for text in ["", "[]", "{}", r#"{"reasons":7}"#] {
            let line = HeldLine { text: text.to_owned(), ..line(7, 0) };
            let error = held_parts(&[line], 5, BREAKER_OPEN).unwrap_err();
            assert_eq!(error.to_string(), "line of event e7 has no list of reasons");
        }
    }

    #[test]
    fn parts_are_bounded_and_their_keys_follow_from_the_lines() {
        let lines: Vec<_> = (0..LINES_A_PART + 1).map(|number| line(number, 1)).collect();
        let parts = held_parts(&lines, 1_795_342_830_007, BREAKER_OPEN).unwrap();
        let rows = |parts: &[(String, String)]| -> Vec<u64> {
            parts.iter().map(|(key, _)| PartName::of_key(key, Route::Quarantine).unwrap().rows).collect()
        };
        assert_eq!(rows(&parts), [1_000, 1]);
        assert_eq!(held_parts(&lines, 1_795_342_830_007, BREAKER_OPEN).unwrap(), parts);
        let large = [line(1, BYTES_A_PART), line(2, 10), line(3, BYTES_A_PART / 2), line(4, BYTES_A_PART / 2)];
        assert_eq!(rows(&held_parts(&large, 1, BREAKER_OPEN).unwrap()), [1, 2, 1]);
        assert_eq!(held_parts(&[], 1, BREAKER_OPEN), Ok(Vec::new()));
    }
}
