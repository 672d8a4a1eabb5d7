//! Reads a part's lines and refuses an incomplete part.

use flywheel_base::Route;
use flywheel_log::PartName;

/// A part differs from its name. Objects are written atomically, so it is damaged. A freeze of its remaining lines would hide the
/// damage.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("part {key} is corrupt: {reason}")]
pub struct CorruptPart {
    key: String,
    reason: String,
}

impl CorruptPart {
    /// Creates the error for a line, by its index, that does not belong in its route.
    pub(crate) fn line(name: &PartName, route: Route, index: usize) -> Self {
        Self { key: name.key(route), reason: format!("line {} is no {} line", index + 1, route.as_str()) }
    }
}

/// Returns the lines of a part's body. Their number must be the one in the part's name.
pub(crate) fn part_lines<'p>(name: &PartName, route: Route, body: &'p [u8]) -> Result<Vec<&'p str>, CorruptPart> {
    let corrupt = |reason: String| CorruptPart { key: name.key(route), reason };
    let text = std::str::from_utf8(body).map_err(|_| corrupt("it is not UTF-8".to_owned()))?;
    if !text.ends_with('\n') {
        return Err(corrupt("its last line does not end".to_owned()));
    }
    // Not `lines()`: it would also strip a carriage return at a line's end.
    let lines: Vec<_> = text[..text.len() - 1].split('\n').collect();
    if lines.len() as u64 != name.rows {
        return Err(corrupt(format!("it has {} lines, and its name says {}", lines.len(), name.rows)));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: u64, body: &[u8]) -> Result<Vec<&str>, CorruptPart> {
        part_lines(&PartName { written_at: 1_795_342_830_007, digest: "0".repeat(32), rows }, Route::Gold, body)
    }

    const LINE: &str = "{\"pair_id\":\"p\",\"event_id\":\"e\\u0000\",\"prompt\":\"a\u{2028}b\"}";

    #[test]
    fn a_whole_part_is_read() {
        let body = format!("{LINE}\n{LINE}\n");
        let lines = lines(2, body.as_bytes()).unwrap();
        assert_eq!(lines, [LINE, LINE]);
    }

    #[test]
    fn a_damaged_part_is_refused_and_named() {
        let line = LINE.as_bytes();
        let damaged: [(&[u8], &str); 5] = [
            (b"", "does not end"),
            (line, "does not end"),
            (&[line, b"\n"].concat(), "has 1 lines"),
            (&[line, b"\n", line, b"\n\n"].concat(), "has 3 lines"),
            (&[line, b"\n\xff\n"].concat(), "UTF-8"),
        ];
        for (body, reason) in damaged {
            let error = lines(2, body).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("dpo_gold_v1/route=gold/"), "{error}");
        }
    }
}
