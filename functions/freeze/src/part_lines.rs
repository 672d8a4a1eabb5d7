//! Reads a part's lines, and refuses a part that is not whole.

use std::borrow::Cow;

use flywheel_core::{PartName, Route};
use serde::Deserialize;

/// A line of a gold part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PartLine<'p> {
    /// The line itself.
    pub(crate) text: &'p str,
    pub(crate) pair_id: Cow<'p, str>,
    pub(crate) event_id: Cow<'p, str>,
    pub(crate) contributor: Option<Cow<'p, str>>,
    pub(crate) prompt: Option<Cow<'p, str>>,
}

/// A part that is not what its writer made it. Objects are written whole or not at all, so this is damage, and freezing
/// what is left of it would pass it on unseen.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("part {key} is corrupt: {reason}")]
pub struct CorruptPart {
    key: String,
    reason: String,
}

#[derive(Deserialize)]
struct Ids<'p> {
    #[serde(borrow)]
    pair_id: Cow<'p, str>,
    #[serde(borrow)]
    event_id: Cow<'p, str>,
    #[serde(borrow, default)]
    contributor: Option<Cow<'p, str>>,
    #[serde(borrow, default)]
    prompt: Option<Cow<'p, str>>,
}

pub(crate) fn part_lines<'p>(name: &PartName, body: &'p [u8]) -> Result<Vec<PartLine<'p>>, CorruptPart> {
    let corrupt = |reason: String| CorruptPart { key: name.key(Route::Gold), reason };
    let text = std::str::from_utf8(body).map_err(|_| corrupt("it is not UTF-8".to_owned()))?;
    if !text.ends_with('\n') {
        return Err(corrupt("its last line does not end".to_owned()));
    }
    // Not `lines()`: that would also take a carriage return for part of a line's end.
    let lines = text[..text.len() - 1].split('\n').enumerate().map(|(index, text)| {
        let Ids { pair_id, event_id, contributor, prompt } =
            serde_json::from_str(text).map_err(|_| corrupt(format!("line {} is no gold line", index + 1)))?;
        Ok(PartLine { text, pair_id, event_id, contributor, prompt })
    });
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    if lines.len() as u64 != name.rows {
        return Err(corrupt(format!("it has {} lines, and its name says {}", lines.len(), name.rows)));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: u64, body: &[u8]) -> Result<Vec<PartLine<'_>>, CorruptPart> {
        part_lines(&PartName { written_at: 1_795_342_830_007, digest: "0".repeat(32), rows }, body)
    }

    const LINE: &str = "{\"pair_id\":\"p\",\"event_id\":\"e\\u0000\",\"prompt\":\"a\u{2028}b\"}";

    #[test]
    fn a_whole_part_is_read() {
        let body = format!("{LINE}\n{LINE}\n");
        let lines = lines(2, body.as_bytes()).unwrap();
        assert_eq!((lines.len(), lines[0].text, lines[0].pair_id.as_ref()), (2, LINE, "p"));
        assert_eq!(lines[1].event_id, "e\0");
    }

    #[test]
    fn a_damaged_part_is_refused_and_named() {
        let line = LINE.as_bytes();
        let damaged: [(&[u8], &str); 6] = [
            (b"", "does not end"),
            (line, "does not end"),
            (&[line, b"\n"].concat(), "has 1 lines"),
            (&[line, b"\n", &line[..20], b"\n"].concat(), "line 2"),
            (&[line, b"\n\n"].concat(), "line 2"),
            (&[line, b"\n\xff\n"].concat(), "UTF-8"),
        ];
        for (body, reason) in damaged {
            let error = lines(2, body).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("dpo_gold_v1/route=gold/"), "{error}");
        }
    }
}
